"""Statistics over runs that differ by their seed alone."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

SEEDS_FOR_INTERVAL = 5
SEEDS_FOR_IQM = 8
RESAMPLES = 2000


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
    resampled = stats.bootstrap((values,), centre, n_resamples=RESAMPLES, method="percentile", rng=0)
    return resampled.confidence_interval.low, resampled.confidence_interval.high


def quantiles(to_solve: Sequence[float] | np.ndarray, shares: Sequence[float] = (0.25, 0.5, 0.75)) -> np.ndarray:
    """Quantiles, by default the quartiles, of what the runs needed to solve; infinity is never. Of shape (shares,).

    Each is the number in one of the runs, the higher of two where it lies between them.
    """
    return np.quantile(to_solve, shares, method="higher")
