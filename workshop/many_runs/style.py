"""How figures of many runs look: colours, sizes, and labels on several lines."""

import re
import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

from workshop.many_runs.groups import Group
from workshop.many_runs.summaries import SEEDS_FOR_INTERVAL, SEEDS_FOR_IQM

BLACK, BLUE, GREY, PALE = "#000000", "#0072B2", "#666666", "#F4F4F4"
# Okabe and Ito's palette, in an order whose greys differ too, and a violet; with marks, so that colour is never the
# only sign. Black is the baseline's.
COLOURS = (BLUE, "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7B3FA0", BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
# In inches: text of 9 points can be read where this is 1280 pixels on a screen, and across a page of A4
WIDTH = 10.0
DPI = 160
LOOK: Any = {
    "font.size": 9,
    "legend.fontsize": 9,
    "legend.title_fontsize": 9,
    "text.parse_math": False,  # between dollars Matplotlib would read mathematics
    "text.hinting": "none",  # letters as wide whatever the file is, for which space was made
    "svg.fonttype": "none",  # text that can be searched
}
LEGEND = ((3, 34), (2, 56), (1, 118))  # columns, and characters of a line in them
TITLE_WIDTH = 100  # characters of a line
LINE = 0.18  # inches of a line of text
COUNTS = ("env_steps", "comparisons")


def styles(groups: Sequence[Group], baseline: Group | None) -> list[tuple[str, str]]:
    """The colour and the mark of each group."""
    pairs = zip(COLOURS, MARKERS, strict=True)
    free = iter([*pairs])
    black = (COLOURS[-1], MARKERS[-1])
    return [black if group is baseline else next(free) for group in groups]


def wrapped(label: str, width: int) -> str:
    """The label on lines of so many characters, cut between flags if that can be."""
    lines = [""]
    for flag in re.split(r" (?=--)", label):
        longer = f"{lines[-1]} {flag}".lstrip()
        if len(longer) <= width:
            lines[-1] = longer
        else:
            lines += textwrap.wrap(flag, width) or [flag]
    return "\n".join(filter(None, lines))


def in_whole_numbers(axes: Axes, most: int = 9) -> None:
    """Ticks of the horizontal axis where there can be counts, thousands with a k."""
    axes.xaxis.set_major_locator(whole_numbers(most))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def whole_numbers(most: int) -> MaxNLocator:
    """Places for at most so many ticks, at round numbers without a fraction."""
    return MaxNLocator(most, integer=True, steps=[1, 2, 5, 10])


def how_drawn(groups: Sequence[Group]) -> str:
    """What stands for a group in a figure of these; "" if that is its only run."""
    sizes = [len(group.runs) for group in groups]
    if max(sizes) == 1:
        return ""
    mean = "mean" if min(sizes) < SEEDS_FOR_IQM else "interquartile mean"
    text = f"{mean} of n runs" if len(set(sizes)) > 1 else f"{mean} of {sizes[0]} runs"
    if min(sizes) < SEEDS_FOR_IQM <= max(sizes):
        text += f", from {SEEDS_FOR_IQM} on the interquartile mean"
    if max(sizes) >= SEEDS_FOR_INTERVAL:
        text += ", with a 95 % bootstrap interval"
        text += f" from {SEEDS_FOR_INTERVAL} runs on" if min(sizes) < SEEDS_FOR_INTERVAL else ""
    return text


def one_run(groups: Sequence[Group]) -> str:
    """How many runs there are of each group, if it is one."""
    return "One run" if len(groups) == 1 else "One run each"


def labels_of(groups: Sequence[Group]) -> dict[str, str]:
    """What the groups are called in a figure of these, by their labels: with how many runs they are if that differs."""
    differ = len({len(group.runs) for group in groups}) > 1
    return {group.label: f"{group.label} (n = {len(group.runs)})" if differ else group.label for group in groups}
