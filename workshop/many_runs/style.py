"""How figures of many runs look, beside what all figures have in common: which group is which, and what is said."""

from collections.abc import Sequence

from workshop.drawing import BLACK, BLUE, GREEN, ORANGE
from workshop.many_runs.groups import Group
from workshop.many_runs.summaries import SEEDS_FOR_INTERVAL, SEEDS_FOR_IQM

# Okabe and Ito's palette, in an order whose greys differ too, and a violet; with marks, so that colour is never the
# only sign. Black is the baseline's.
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00", "#7B3FA0", BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LEGEND = ((3, 34), (2, 56), (1, 118))  # columns, and characters of a line in them
LINE = 0.18  # inches of a line of text
COUNTS = ("env_steps", "comparisons")


def styles(groups: Sequence[Group], baseline: Group | None) -> list[tuple[str, str]]:
    """The colour and the mark of each group."""
    pairs = zip(COLOURS, MARKERS, strict=True)
    free = iter([*pairs])
    black = (COLOURS[-1], MARKERS[-1])
    return [black if group is baseline else next(free) for group in groups]


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
