"""How all figures look, of one run and of many: colours, the lines to compare with, and axes that count."""

import re
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # Matplotlib is imported once there is something to draw, so that runs begin earlier
    from matplotlib.axes import Axes
    from matplotlib.ticker import MaxNLocator

# Okabe and Ito's palette: told apart by colour-blind readers, and in print
BLACK, BLUE, ORANGE, GREEN, GREY, PALE = "#000000", "#0072B2", "#D55E00", "#009E73", "#666666", "#F4F4F4"
WIDTH = 10.0  # inches: text of 9 points can be read where this is 1280 pixels on a screen, and across a page of A4
DPI = 160
LOOK: Any = {
    "font.size": 9,
    "legend.fontsize": 9,
    "legend.title_fontsize": 9,
    "text.parse_math": False,  # between dollars Matplotlib would read mathematics
    "text.hinting": "none",  # letters as wide whatever the file is, for which space was made
    "svg.fonttype": "none",  # text that can be searched
}
TITLE_WIDTH = 100  # characters of a line
# What a true return is compared with, drawn alike in every figure
SOLVED: Any = {"color": GREY, "linewidth": 1}
RANDOM: Any = {"color": GREY, "linewidth": 1.5, "linestyle": (0, (1, 3)), "label": "random policy"}


def solved(solved_at: float) -> dict[str, Any]:
    """How the line is drawn, and called, from which a return counts as solved."""
    return {**SOLVED, "label": f"solved: {solved_at:g}"}


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


def in_whole_numbers(axes: "Axes", most: int = 9) -> None:
    """Ticks of the horizontal axis where there can be counts, thousands with a k."""
    from matplotlib.ticker import EngFormatter

    axes.xaxis.set_major_locator(whole_numbers(most))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def whole_numbers(most: int) -> "MaxNLocator":
    """Places for at most so many ticks, at round numbers without a fraction."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(most, integer=True, steps=[1, 2, 5, 10])
