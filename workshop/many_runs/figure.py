"""Groups of runs as a figure: what they learned over the run, and with how many comparisons."""

import textwrap
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from workshop.many_runs.groups import Group, mean_random_return
from workshop.many_runs.summaries import centre, centre_name, interval, quantiles
from workshop.records import FinishedRun
from workshop.safe_files import write_safely

X = Literal["env_steps", "comparisons", "seconds"]
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
# Okabe and Ito's palette, in an order whose greys differ too; with marks, so that colour is never the only sign
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("--", ":", "-.", (0, (1, 1)))
POINTS = 200  # at most so many along a curve
LABEL_WIDTH = 60  # characters of a line in the legend


def draw_groups(groups: Sequence[Group], x: X) -> Figure:
    """Draw the groups: true return, accuracy and correlation over `x`, and the comparisons that solved each run.

    A group's line is the centre of its runs, each thin behind it, with a 95 % bootstrap band from 5 runs on.
    Where some groups learned their reward, those that had the true one are horizontal lines at their final return, and
    so is a random policy.
    """
    learned = [group for group in groups if not group.is_baseline]
    curves = learned or groups
    references = [group for group in groups if group not in curves]
    figure = Figure(figsize=(11, 7.6) if learned else (7, 4.6), layout="constrained")
    panels = figure.subplots(2, 2).flat if learned else [figure.subplots()]
    styles = [(COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i in range(len(curves))]
    for axes, (column, label) in zip(panels, PANELS.items(), strict=False):
        for group, (colour, marker) in zip(curves, styles, strict=True):
            _draw_group(axes, group, x, column, colour, marker)
        axes.set(xlabel=X_LABELS[x], ylabel=label)
        axes.grid(alpha=0.3)
        if x == "env_steps":
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    first = figure.axes[0]
    _draw_references(first, references, mean_random_return(groups), groups[0].runs[0].solved_at)
    if learned:
        _draw_to_solve(figure.axes[-1], learned, styles)
    figure.legend(*first.get_legend_handles_labels(), loc="outside lower center", ncols=1 if len(curves) < 4 else 2)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the figure to `path` with .png and with .svg after it; the same figure gives the same bytes."""
    write_safely(path.with_name(f"{path.name}.png"), partial(figure.savefig, format="png", dpi=150))
    with matplotlib.rc_context({"svg.hashsalt": path.name}):
        svg = partial(figure.savefig, format="svg", metadata={"Date": None})
        write_safely(path.with_name(f"{path.name}.svg"), svg)


def _draw_group(axes: Axes, group: Group, x: X, column: str, colour: str, marker: str) -> None:
    grid, values = aligned(group.runs, x, column)
    if len(grid) == 0:
        return
    n, band = len(values), interval(values)
    what = f"{centre_name(n)} of n = {n}" if n > 1 else "n = 1"
    if n > 1:
        axes.plot(grid, values.T, color=colour, alpha=0.25, linewidth=0.7)
    if band is not None:
        what += ", 95 % bootstrap band"
        axes.fill_between(grid, *band, color=colour, alpha=0.2, linewidth=0)
    label, every = _wrapped(f"{group.label} ({what})"), max(1, len(grid) // 10)
    axes.plot(
        grid, centre(values), color=colour, linewidth=2, marker=marker, markersize=5, markevery=every, label=label
    )


def _wrapped(label: str) -> str:
    """Wide enough for a legend, and text whatever is in it: between dollars Matplotlib would read mathematics."""
    return textwrap.fill(label, LABEL_WIDTH).replace("$", r"\$")


def aligned(runs: Sequence[FinishedRun], x: X, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The column of n runs at the same k places of `x`: places, shape (k,), and values, shape (n, k).

    Against comparisons, a run's value is the last one that it had with so many or fewer, for it trains on when nothing
    more is asked. Against anything else it is interpolated, as far as all runs went. Places where a run has no value
    are left out; there are none if a run does not have the column.
    """
    if any(column not in run.columns for run in runs):
        return np.empty(0), np.empty((len(runs), 0))
    grid = np.unique(np.concatenate([run.columns[x] for run in runs]))
    if x == "comparisons":
        last = [np.searchsorted(run.columns[x], grid, side="right") - 1 for run in runs]
        values = np.stack(
            [np.where(at < 0, np.nan, run.columns[column][at]) for run, at in zip(runs, last, strict=True)]
        )
    else:
        grid = grid[grid <= min(run.columns[x][-1] for run in runs)]
        if len(grid) > POINTS:
            grid = np.linspace(grid[0], grid[-1], POINTS)
        values = np.stack([_interpolated(grid, run.columns[x], run.columns[column]) for run in runs])
    whole = np.isfinite(values).all(axis=0)
    return grid[whole], values[:, whole]


def _interpolated(grid: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    known = np.isfinite(y)
    if not known.any():
        return np.full(len(grid), np.nan)
    values: np.ndarray = np.interp(grid, x[known], y[known], left=np.nan, right=np.nan)
    return values


def _draw_references(axes: Axes, baselines: Sequence[Group], random_return: float, solved_at: float | None) -> None:
    for group, line in zip(baselines, LINES * len(baselines), strict=False):
        final = group.final("true_return_mean")
        label = _wrapped(f"{group.label}, at the end ({centre_name(len(final))} of n = {len(final)})")
        axes.axhline(float(centre(final)), color="black", linestyle=line, linewidth=1.5, label=label)
    if np.isfinite(random_return):
        axes.axhline(random_return, color="#666666", linestyle=(0, (1, 3)), linewidth=1.5, label="random policy")
    if solved_at is not None:
        axes.axhline(solved_at, color="#666666", linewidth=1, label=f"solved: {solved_at:g}")


def _draw_to_solve(axes: Axes, groups: Sequence[Group], styles: Sequence[tuple[str, str]]) -> None:
    """A mark for each run, in a row for each group, with a bar at the median; runs never solved stand to the right."""
    solved = [number for group in groups for number in group.to_solve if np.isfinite(number)]
    asked = [number for group in groups for number in group.final("comparisons")]
    never = 1.15 * max([1, *solved, *asked])
    for row, (group, (colour, marker)) in enumerate(zip(groups, styles, strict=True)):
        numbers = np.sort(np.where(np.isfinite(group.to_solve), group.to_solve, never))
        spread = row + _beside_each_other(numbers)
        axes.scatter(numbers, spread, color=colour, marker=marker, s=22, alpha=0.6, linewidths=0)
        median = quantiles(group.to_solve)[1]
        axes.plot([median if np.isfinite(median) else never] * 2, [row - 0.35, row + 0.35], color=colour, linewidth=2)
    axes.set(xlim=(0, never * 1.06), ylim=(len(groups) - 0.4, -0.6))
    axes.axvline(never / 1.06, color="#666666", linestyle=":", linewidth=1)
    ticks = [tick for tick in MaxNLocator(6, integer=True).tick_values(0, never / 1.15) if 0 <= tick < never / 1.1]
    axes.set_xticks([*ticks, never], [*(f"{tick:g}" for tick in ticks), "never"])
    axes.set_yticks([])  # the legend's colours and marks tell the groups apart
    axes.set_xlabel("comparisons to solve: each run, and the median")
    axes.grid(alpha=0.3, axis="x")


def _beside_each_other(numbers: np.ndarray) -> np.ndarray:
    """Offsets that keep apart the marks of equal numbers, which are sorted, shape (n,)."""
    _, first, counts = np.unique(numbers, return_index=True, return_counts=True)
    place = np.arange(len(numbers)) - np.repeat(first, counts)
    middle = (np.repeat(counts, counts) - 1) / 2
    offsets: np.ndarray = (place - middle) * min(0.12, 0.6 / counts.max())
    return offsets
