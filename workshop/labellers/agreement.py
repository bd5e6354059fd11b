"""How far groups agree with one another on the same pairs, beyond what chance alone would give."""

from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000


@dataclass(frozen=True)
class Agreement:
    """Krippendorff's alpha with a 95 % interval: 1 all agree, 0 as by chance, below it they contradict each other.

    `disagree` is the share of the pairs, in [0, 1], on which not all gave the same answer. NaN where nobody can say.
    """

    alpha: float
    low: float
    high: float
    disagree: float
    pairs: int

    @property
    def one_reward_cannot_serve_all(self) -> bool:
        """Whether the agreement is surely low: its whole interval below 0.667, under which Krippendorff draws none."""
        return bool(self.high < 0.667)


def agreement(answers: np.ndarray, generator: np.random.Generator) -> Agreement:
    """The agreement of answers of shape (groups, n), NaN for none given; the interval by a bootstrap of the pairs."""
    answered = answers[:, (~np.isnan(answers)).sum(axis=0) >= 2]
    n = answered.shape[1]
    if n == 0:
        return Agreement(np.nan, np.nan, np.nan, np.nan, 0)
    drawn = [krippendorff_alpha(answered[:, generator.integers(n, size=n)]) for _ in range(RESAMPLES)]
    drawn = [alpha for alpha in drawn if not np.isnan(alpha)]
    low, high = np.percentile(drawn, (2.5, 97.5)) if drawn else (np.nan, np.nan)
    disagree = float((np.nanmax(answered, axis=0) != np.nanmin(answered, axis=0)).mean())
    return Agreement(krippendorff_alpha(answered), float(low), float(high), disagree, n)


def krippendorff_alpha(answers: np.ndarray) -> float:
    """Alpha for nominal answers of shape (raters, n), NaN for none (Krippendorff 2011, "Computing alpha-reliability").

    1 - D_o / D_e, the disagreement observed within pairs over that expected of all answers thrown together, from the
    coincidences o_cd = Σ_u n_uc (n_ud - [c = d]) / (m_u - 1). NaN where all answers are one and the same.
    """
    values = np.unique(answers[~np.isnan(answers)])
    counts = np.array([(answers == value).sum(axis=0) for value in values]).reshape(len(values), -1)  # (values, n)
    counts = counts[:, counts.sum(axis=0) >= 2]
    weights = 1 / (counts.sum(axis=0) - 1)
    coincidences = (counts * weights) @ counts.T - np.diag((counts * weights).sum(axis=1))
    totals = coincidences.sum(axis=1)
    n = totals.sum()
    expected = n**2 - (totals**2).sum()
    if expected == 0:
        return float("nan")
    return float(1 - (n - 1) * (n - np.trace(coincidences)) / expected)
