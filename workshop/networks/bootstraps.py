"""Which comparisons each member of an ensemble learns from, and how often."""

import numpy as np

DRAWS = 2.0  # how often, on average, a comparison is in a bootstrap; exp(-2), an eighth, are left out


class Bootstraps:
    """A bootstrap of n comparisons for each of M members, which grows as there are more comparisons.

    What was drawn before stays, so that a member never sees what its bootstrap leaves out. `told_apart` is whether
    something else makes the members differ, such as a prior: they need no bootstraps for that, and each comparison is
    left out by one of them, to be judged by it. `counts` is how often each comparison is in each, integers (M, n);
    `weights`, (n,), is how much each counts beside, None for all the same.
    """

    def __init__(self, members: int, told_apart: bool, generator: np.random.Generator):
        self._told_apart, self._generator = told_apart and members > 1, generator
        self.counts = np.empty((members, 0), dtype=np.int64)
        self.weights: np.ndarray | None = None

    def extend(self, comparisons: int) -> None:
        """Draw how often each new one, of so many in all, is in each bootstrap: Poisson (Oza and Russell 2001)."""
        members, known = self.counts.shape
        new = comparisons - known
        if self._told_apart:
            drawn = np.ones((members, new), dtype=np.int64)
            drawn[self._generator.integers(members, size=new), np.arange(new)] = 0
        else:
            drawn = self._generator.poisson(DRAWS, size=(members, new))
        self.counts = np.concatenate([self.counts, drawn], axis=1)
        self.counts[self.counts.sum(axis=1) == 0, -1] = 1  # nobody is left with nothing to learn from

    def shuffled(self) -> np.ndarray:
        """As many comparisons for each member as there are, from its bootstrap in random order, shape (M, n).

        With weights, four times as many, (M, 4 n), each drawn as often as its share of the bootstrap's weight
        says, or once more or less: systematic resampling, so that a plain mean over a batch is the weighted one.
        """
        n = self.counts.shape[1]
        if (weights := self.weights) is not None:
            return np.stack(
                [self._generator.permutation(self._systematic(counts * weights, 4 * n)) for counts in self.counts]
            )
        drawn = (np.repeat(np.arange(n), counts) for counts in self.counts)
        return np.stack([np.resize(self._generator.permutation(each), n) for each in drawn])

    def _systematic(self, weights: np.ndarray, n: int) -> np.ndarray:
        places = (np.arange(n) + self._generator.random()) / n
        ends = np.cumsum(weights) / weights.sum()
        return np.minimum(np.searchsorted(ends, places, side="right"), len(weights) - 1)
