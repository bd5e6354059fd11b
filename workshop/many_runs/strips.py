"""Rows of dots: what each run came to, a row for each group."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from workshop.drawing import GREY, whole_numbers
from workshop.many_runs.groups import Group
from workshop.many_runs.summaries import centre, interval, interval_of_median, quantiles


@dataclass(frozen=True)
class Row:
    """A group, at this height, in this colour and with this mark."""

    height: float
    group: Group
    colour: str
    marker: str


def draw_to_solve(axes: Axes, rows: Sequence[Row]) -> None:
    """The comparisons to solve of each run, their median, and its interval; runs never solved stand to the right."""
    solved = [number for row in rows for number in row.group.to_solve if np.isfinite(number)]
    asked = [number for row in rows for number in row.group.final("comparisons")]
    most = max([1, *solved, *asked])
    never = 1.15 * most

    def shown(numbers: np.ndarray) -> np.ndarray:
        return np.where(np.isfinite(numbers), numbers, never)

    def summary(group: Group) -> np.ndarray:
        ends = interval_of_median(group.to_solve)
        return shown(np.array([quantiles(group.to_solve)[1], *(ends or ())]))

    _draw_rows(axes, rows, lambda group: shown(group.to_solve), summary)
    ticks = [tick for tick in whole_numbers(6).tick_values(0, most) if 0 <= tick < never / 1.05]
    names = [f"{tick:g}" for tick in ticks]
    if len(solved) < sum(len(row.group.runs) for row in rows):
        axes.axvline(never / 1.06, color=GREY, linestyle=":", linewidth=1)
        ticks, names = [*ticks, never], [*names, "never"]
    axes.set_xlim(0, never * 1.06)
    axes.set_xticks(ticks, names)
    axes.set_xlabel("comparisons to solve")


def draw_returns(axes: Axes, rows: Sequence[Row]) -> None:
    """The true return of each run at its end, their centre, and its interval."""

    def summary(group: Group) -> np.ndarray:
        final = group.final("true_return_mean")
        return np.array([centre(final), *(interval(final) or ())])

    _draw_rows(axes, rows, lambda group: group.final("true_return_mean"), summary)
    axes.set_xlabel("true return at the end")


def _draw_rows(
    axes: Axes,
    rows: Sequence[Row],
    numbers: Callable[[Group], np.ndarray],
    summary: Callable[[Group], np.ndarray],
) -> None:
    """A dot for each run's number; where there are several, a tick in their middle, and a pale bar for its interval.

    `summary` gives the middle and, if there are enough runs, both ends of the interval. What looks alike is drawn at
    once: rows can be hundreds.
    """
    for colour, marker in dict.fromkeys((row.colour, row.marker) for row in rows):
        alike = [row for row in rows if (row.colour, row.marker) == (colour, marker)]
        places, heights = [], []
        for row in alike:
            places.append(np.sort(numbers(row.group)))
            heights.append(row.height + _beside_each_other(places[-1]))
        axes.scatter(
            np.concatenate(places), np.concatenate(heights), color=colour, marker=marker, s=20, alpha=0.8, linewidths=0,
            zorder=3,
        )  # fmt: skip
        several = [(row.height, summary(row.group)) for row in alike if len(row.group.runs) > 1]
        if several:
            at, middles = np.array([(height, each[0]) for height, each in several]).T
            axes.vlines(middles, at - 0.32, at + 0.32, color=colour, linewidth=2)
        bars = [(height, *each[1:]) for height, each in several if len(each) > 1]
        if bars:
            axes.hlines(*np.array(bars).T, color=colour, linewidth=7, alpha=0.25)


def _beside_each_other(numbers: np.ndarray) -> np.ndarray:
    """Offsets that keep apart the marks of equal numbers, which are sorted, shape (n,)."""
    _, first, counts = np.unique(numbers, return_index=True, return_counts=True)
    place = np.arange(len(numbers)) - np.repeat(first, counts)
    middle = (np.repeat(counts, counts) - 1) / 2
    offsets: np.ndarray = (place - middle) * min(0.12, 0.6 / counts.max())
    return offsets
