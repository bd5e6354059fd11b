"""The values of several runs at the same places, so that they can be drawn and averaged."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from workshop.records import ENOUGH_HELD_OUT, FinishedRun

X = Literal["env_steps", "comparisons", "seconds"]
POINTS = 200  # at most so many along a curve


def aligned(runs: Sequence[FinishedRun], x: X, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The column of n runs at the same k places of `x`: places, shape (k,), and values, shape (n, k).

    Against comparisons, a run's value is the last one that it had with so many or fewer, for it trains on when nothing
    more is asked; and the first place is where every run has learned from some, as nobody has measured what is between
    none and the first batch. Against anything else it is interpolated, as far as all runs went. Places where a run has
    no value are left out, of the accuracy also those where it comes of too few answers; there are none if a run does
    not have the column.
    """
    if any(column not in run.columns for run in runs):
        return np.empty(0), np.empty((len(runs), 0))
    grid = np.unique(np.concatenate([run.columns[x] for run in runs]))
    if x == "comparisons":
        grid = grid[grid >= max(_first_asked(run.columns[x]) for run in runs)]
        last = [np.searchsorted(run.columns[x], grid, side="right") - 1 for run in runs]
        values = np.stack([_told(run, column)[at] for run, at in zip(runs, last, strict=True)])
    else:
        grid = grid[grid <= min(run.columns[x][-1] for run in runs)]
        if len(grid) > POINTS:
            grid = np.linspace(grid[0], grid[-1], POINTS)
        values = np.stack([_interpolated(grid, run.columns[x], _told(run, column)) for run in runs])
    whole = np.isfinite(values).all(axis=0)
    return grid[whole], values[:, whole]


def _told(run: FinishedRun, column: str) -> np.ndarray:
    """The column, without the accuracies of a few held-out answers, which are noise."""
    values = run.columns[column]
    if column == "reward_model_accuracy" and "held_out_answers" in run.columns:
        values = np.where(run.columns["held_out_answers"] < ENOUGH_HELD_OUT, np.nan, values)
    return values


def _first_asked(comparisons: np.ndarray) -> float:
    """The first number of comparisons that is one; 0 in a run that asks nothing."""
    return float(next((number for number in comparisons if number > 0), 0))


def _interpolated(grid: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    known = np.isfinite(y)
    if not known.any():
        return np.full(len(grid), np.nan)
    values: np.ndarray = np.interp(grid, x[known], y[known], left=np.nan, right=np.nan)
    return values
