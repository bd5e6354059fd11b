"""Many groups of runs in one panel: what each came to, the best first."""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from workshop.drawing import BLACK, BLUE, DPI, PALE, RANDOM, TITLE_WIDTH, WIDTH, solved, wrapped
from workshop.many_runs.groups import Group, mean_random_return
from workshop.many_runs.strips import Row, draw_returns, draw_to_solve
from workshop.many_runs.style import LINE, how_drawn, labels_of, one_run
from workshop.many_runs.summaries import centre, quantiles

LABEL_WIDTH = 52  # characters of a line
DPI_IF_TALL = 100
TALL = 20.0  # inches, of what is looked at on a screen, as no printer has such paper
MANY = 25  # rows from which on the scale stands at the top, too


def ranked(groups: Sequence[Group]) -> list[Group]:
    """The groups, the best first: by the median of the comparisons to solve, where that says something, then by return.

    Those that learned from the true reward come last.
    """

    def place(group: Group) -> tuple[bool, float, float]:
        needed = 0.0 if group.solved_at is None or group.has_true_reward else float(quantiles(group.to_solve)[1])
        return group.has_true_reward, needed, -float(centre(group.final("true_return_mean")))

    return sorted(groups, key=place)


def draw_ranking(groups: Sequence[Group], baseline: Group | None, title: str) -> Figure:
    """Draw a row for each group, in their order, labelled in full: the true return at the end, and what solved it.

    Each run is a dot, the centre a tick with its interval as a bar, and the baseline a line through all rows.
    """
    labels = [wrapped(label, LABEL_WIDTH) for label in labels_of(groups).values()]
    heights = np.array([0.24 + 0.13 * label.count("\n") for label in labels])  # inches
    # in rows, of which one is as high as a label of one line
    middles, total = (np.cumsum(heights) - heights / 2) / 0.24, heights.sum() / 0.24
    to_solve = [group for group in groups if group.solved_at is not None and not group.has_true_reward]
    height = heights.sum() + 1.3 + 2 * LINE
    figure = Figure(figsize=(WIDTH, height), dpi=DPI if height < TALL else DPI_IF_TALL, layout="constrained")
    panels = list(figure.subplots(1, 2 if to_solve else 1, sharey=True, squeeze=False)[0])
    rows = [
        Row(middle, group, BLACK if group is baseline else BLUE, "o")
        for middle, group in zip(middles, groups, strict=True)
    ]
    draw_returns(panels[0], rows)
    if to_solve:
        draw_to_solve(panels[1], [row for row in rows if row.group in to_solve])
    for axes in panels:
        axes.set_ylim(total, 0)
        axes.grid(alpha=0.3, axis="x")
        below, above = middles - heights / 0.48, middles + heights / 0.48
        pale = [[(0, a), (1, a), (1, b), (0, b)] for a, b in zip(below[::2], above[::2], strict=True)]
        axes.add_collection(  # every other row, for the eye to follow
            PolyCollection(pale, facecolor=PALE, zorder=0, transform=axes.get_yaxis_transform()), autolim=False
        )
        axes.set_yticks([])
        if len(groups) > MANY:
            axes.tick_params(axis="x", top=True, labeltop=True)
    for row, label in zip(rows, labels, strict=True):  # texts are drawn in half the time of ticks
        panels[0].text(
            -0.02, row.height, label, transform=panels[0].get_yaxis_transform(), ha="right", va="center",
            fontweight="bold" if row.group is baseline else "normal",
        )  # fmt: skip
    _draw_references(figure, groups, baseline)
    figure.get_layout_engine().set(wspace=0.04, w_pad=0.1)  # type: ignore[union-attr, call-arg]  # the constrained one's
    figure.suptitle(wrapped(title, TITLE_WIDTH), x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure


def _draw_references(figure: Figure, groups: Sequence[Group], baseline: Group | None) -> None:
    returns, *to_solve = figure.axes
    random_return, solved_at = mean_random_return(groups), groups[0].solved_at
    if baseline is not None:
        middle = float(centre(baseline.final("true_return_mean")))
        label = wrapped(f"the baseline: {baseline.label}", 2 * LABEL_WIDTH)
        returns.axvline(middle, color=BLACK, linewidth=1, linestyle="--", label=label)
        needed = quantiles(baseline.to_solve)[1]
        if to_solve and not baseline.has_true_reward and np.isfinite(needed):
            to_solve[0].axvline(needed, color=BLACK, linewidth=1, linestyle="--")
    if solved_at is not None:
        returns.axvline(solved_at, **solved(solved_at))
    least, most = returns.get_xlim()
    if least <= random_return <= most:  # what came out is to be told apart, which it may be far from
        returns.axvline(random_return, **RANDOM)
    handles, labels = returns.get_legend_handles_labels()
    how = how_drawn(groups)
    title = f"Dots: each run; ticks: {how}; of comparisons, the median" if how else one_run(groups)
    figure.legend(handles, labels, loc="outside lower center", ncols=3, title=title)
