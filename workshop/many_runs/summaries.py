"""Statistics over runs that differ by their seed alone."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import stats

SEEDS_FOR_INTERVAL = 5
SEEDS_FOR_IQM = 8
RESAMPLES = 2000
PERCENTILES = (0.025, 0.975)  # of a 95 % interval


def centre_name(n: int) -> str:
    """What `centre` is of n runs: "mean" or, from 8 on, "IQM"."""
    return "IQM" if n >= SEEDS_FOR_IQM else "mean"


def centre(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """The mean of n runs or, from 8 runs on, their interquartile mean, which a few runs gone wrong do not sway.

    `values` has the runs along `axis`, which goes. A quarter of the runs, rounded down, is left out at each end
    (Agarwal et al. 2021: *Deep reinforcement learning at the edge of the statistical precipice*).
    """
    if values.shape[axis] < SEEDS_FOR_IQM:
        return np.asarray(values.mean(axis=axis))
    return np.asarray(stats.trim_mean(values, 0.25, axis=axis))


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Both ends of a 95 % interval of `centre` over the first axis, by the percentile bootstrap; None below 5 runs.

    The resamples are the same each time, so that the same runs give the same interval.
    """
    if len(values) < SEEDS_FOR_INTERVAL:
        return None
    low, high = np.quantile(resampled_centres(values), PERCENTILES, axis=0)
    return low, high


def interval_of_median(to_solve: np.ndarray) -> tuple[float, float] | None:
    """The same of the median, as `quantiles` has it, of what n runs needed to solve; None below 5 runs."""
    if len(to_solve) < SEEDS_FOR_INTERVAL:
        return None
    low, high = np.quantile(resampled_medians(to_solve), PERCENTILES, method="inverted_cdf")
    return float(low), float(high)


def resampled_centres(values: np.ndarray, stream: int = 0) -> np.ndarray:
    """The centres of resamples of n runs, `values` being of shape (n, …); of shape (RESAMPLES, …).

    What is drawn are ranks, the same for every place of the other axes, so that the centre of a resample is a weighted
    sum of the sorted values: a curve's band comes of one product of matrices. `stream` is which resamples.
    """
    n = len(values)
    cut = n // 4 if n >= SEEDS_FOR_IQM else 0
    kept = _ranks(n, stream)[:, cut : n - cut]
    how_often = np.stack([(kept == rank).sum(axis=1) for rank in range(n)], axis=1).astype(float)
    centres: np.ndarray = np.tensordot(how_often, np.sort(values, axis=0), axes=1) / kept.shape[1]
    return centres


def resampled_medians(to_solve: np.ndarray, stream: int = 0) -> np.ndarray:
    """The medians, as `quantiles` has them, of resamples of n runs; of shape (RESAMPLES,)."""
    medians: np.ndarray = np.sort(to_solve)[_ranks(len(to_solve), stream)[:, len(to_solve) // 2]]
    return medians


def quantiles(to_solve: Sequence[float] | np.ndarray, shares: Sequence[float] = (0.25, 0.5, 0.75)) -> np.ndarray:
    """Quantiles, by default the quartiles, of what the runs needed to solve; infinity is never. Of shape (shares,).

    Each is the number in one of the runs, the higher of two where it lies between them.
    """
    return np.quantile(to_solve, shares, method="higher")


@cache
def _ranks(n: int, stream: int) -> np.ndarray:
    """Resamples of n runs, as the ranks of their values, in order; of shape (RESAMPLES, n)."""
    return np.sort(np.random.default_rng(stream).integers(n, size=(RESAMPLES, n)), axis=1)
