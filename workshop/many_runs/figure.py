"""Groups of runs as a figure: a few as curves, many in the order of what they came to."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from workshop.drawing import LOOK
from workshop.many_runs.aligned import X
from workshop.many_runs.curves import draw_curves
from workshop.many_runs.groups import Group
from workshop.many_runs.ranking import draw_ranking, ranked
from workshop.many_runs.style import COLOURS
from workshop.safe_files import write_safely

MOST_CURVES = len(COLOURS)  # groups that can be told apart


def in_order(groups: Sequence[Group]) -> list[Group]:
    """The groups in the order in which they are drawn: as they are or, if there are many, the best first."""
    return list(groups) if len(groups) <= MOST_CURVES else ranked(groups)


def draw_groups(groups: Sequence[Group], x: X, baseline: Group | None = None, title: str = "") -> Figure:
    """Draw the groups: up to 8 as curves over `x`, more as rows; `baseline`, if it is one of them, stands out."""
    with matplotlib.rc_context(LOOK):
        if len(groups) <= MOST_CURVES:
            return draw_curves(groups, x, baseline, title)
        return draw_ranking(groups, baseline, title)


def save(figure: Figure, path: Path) -> None:
    """Write the figure to `path` with .png and with .svg after it; the same figure gives the same bytes."""
    with matplotlib.rc_context(LOOK | {"svg.hashsalt": path.name}):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # what it found stays, and is not sought again for each file
        write_safely(path.with_name(f"{path.name}.png"), partial(figure.savefig, format="png", dpi="figure"))
        svg = partial(figure.savefig, format="svg", metadata={"Date": None})
        write_safely(path.with_name(f"{path.name}.svg"), svg)
