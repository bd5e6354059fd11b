"""A few groups of runs as curves: what they learned over the run, and with how many comparisons."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workshop.drawing import BLACK, DPI, GREY, RANDOM, TITLE_WIDTH, WIDTH, in_whole_numbers, solved, wrapped
from workshop.many_runs.aligned import X, aligned
from workshop.many_runs.groups import Group, mean_random_return
from workshop.many_runs.strips import Row, draw_returns, draw_to_solve
from workshop.many_runs.style import COUNTS, LEGEND, LINE, how_drawn, labels_of, one_run, styles
from workshop.many_runs.summaries import centre, interval
from workshop.records import ENOUGH_HELD_OUT

X_LABELS = {
    "env_steps": "environment steps",
    "comparisons": "comparisons the agent's reward was learned from",
    "seconds": "seconds",
}
PANELS = {
    "true_return_mean": "true return of an episode",
    "reward_model_accuracy": "accuracy on held-out comparisons",
    "reward_correlation": "correlation with the true reward",
}
LINES = ("--", ":", "-.", (0, (1, 1)))


def draw_curves(groups: Sequence[Group], x: X, baseline: Group | None, title: str) -> Figure:
    """Draw a few groups: true return, accuracy and correlation over `x`, and what solved each run, or what it came to.

    A group's line is the centre of its runs, each thin behind it, with a 95 % bootstrap band from 5 runs on. Where some
    groups learned their reward, those that had the true one are horizontal lines at their final return, and so is a
    random policy. The legend stands below the panels.
    """
    learned = [group for group in groups if not group.has_true_reward]
    curves = learned or groups
    references = [group for group in groups if group not in curves]
    figure = Figure(figsize=(WIDTH, 6.8 if learned else 4.2), dpi=DPI, layout="constrained")
    panels = list(figure.subplots(2, 2).flat) if learned else [figure.subplots()]
    drawn, called = styles(curves, baseline), labels_of(groups)
    for axes, (column, label) in zip(panels, PANELS.items(), strict=False):
        for group, style in zip(curves, drawn, strict=True):
            _draw_group(axes, group, x, column, style, called[group.label])
        axes.set(xlabel=X_LABELS[x], ylabel=label)
        axes.grid(alpha=0.3)
        if column == "reward_model_accuracy" and not axes.lines:
            text = f"too few held-out answers to tell:\n{ENOUGH_HELD_OUT} are needed"
            axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=GREY)
        if x in COUNTS:
            in_whole_numbers(axes)
    first = panels[0]
    _draw_references(first, references, called, mean_random_return(groups), groups[0].solved_at)
    if learned:
        rows = [Row(place, group, *style) for place, (group, style) in enumerate(zip(learned, drawn, strict=True))]
        strip = panels[-1]
        (draw_returns if learned[0].solved_at is None else draw_to_solve)(strip, rows)
        strip.set_ylim(len(learned) - 0.4, -0.6)
        strip.set_yticks([])  # the legend's colours and marks tell the groups apart
        strip.grid(alpha=0.3, axis="x")
    figure.suptitle(wrapped(title, TITLE_WIDTH), x=0.01, ha="left", fontsize=10, fontweight="bold")
    how = how_drawn(groups)
    _add_legend(figure, first, f"Lines: {how}; thin: each run" if how else one_run(groups))
    return figure


def _draw_group(axes: Axes, group: Group, x: X, column: str, style: tuple[str, str], label: str) -> None:
    grid, values = aligned(group.runs, x, column)
    if len(grid) == 0:
        return
    colour, marker = style
    steps = "steps-post" if x == "comparisons" else "default"
    if len(values) > 1:
        each = np.column_stack([values, np.full(len(values), np.nan)]).ravel()  # as one line, with gaps
        places = np.tile([*grid, np.nan], len(values))
        axes.plot(places, each, color=colour, alpha=0.25, linewidth=0.6, drawstyle=steps)
    band = interval(values)
    if band is not None:
        step: Any = "post" if x == "comparisons" else None
        axes.fill_between(grid, *band, color=colour, alpha=0.12, linewidth=0, step=step)
    marked = [*range(len(grid) - 1, -1, -max(1, len(grid) // 10))]  # the last place among them
    axes.plot(
        grid, centre(values), color=colour, linewidth=2, drawstyle=steps, marker=marker, markersize=5,
        markevery=marked, zorder=3, label=label,
    )  # fmt: skip


def _draw_references(
    axes: Axes,
    references: Sequence[Group],
    called: Mapping[str, str],
    random_return: float,
    solved_at: float | None,
) -> None:
    for group, line in zip(references, LINES * len(references), strict=False):
        final = group.final("true_return_mean")
        label = f"{called[group.label]}, at the end"
        axes.axhline(float(centre(final)), color=BLACK, linestyle=line, linewidth=1.5, label=label)
    if np.isfinite(random_return):
        axes.axhline(random_return, **RANDOM)
    if solved_at is not None:
        axes.axhline(solved_at, **solved(solved_at))


def _add_legend(figure: Figure, axes: Axes, title: str) -> None:
    """Below the panels, for which the figure grows, so that they stay as large as they are."""
    handles, labels = axes.get_legend_handles_labels()
    columns, width = next(each for each in LEGEND if each[0] == 1 or max(map(len, labels)) <= each[1])
    labels = [wrapped(label, width) for label in labels]
    lines = sum(label.count("\n") + 1 for label in labels) // columns + 2
    figure.set_figheight(figure.get_figheight() + lines * LINE)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, title=title)
