"""How somebody labelled: consistency, agreement with the true reward, bias, noise and speed.

The true reward is used here and goes nowhere else: nothing of this report is learned from.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from workshop.records import RecordedComparisons

ENOUGH = 5  # answers, for a share to be worth telling
ENOUGH_TO_FIT = 10  # answers, for the temperature
LIKELY_CHANCE = 0.05  # p values from here on are no sign of a bias
WIDEST = np.log(1e12)  # fitted temperatures are this close to the largest difference of returns, or else 0 or infinite


@dataclass(frozen=True)
class Share:
    """`count` of `n`."""

    count: int
    n: int

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's (1927) 95 % interval, two numbers in [0, 1]; from 0 to 1 of nothing."""
        if self.n == 0:
            return 0.0, 1.0
        from scipy.stats import binomtest  # which takes half a second, and is needed when somebody has labelled

        ends = binomtest(self.count, self.n).proportion_ci(0.95, method="wilson")
        return float(ends.low), float(ends.high)

    def __str__(self) -> str:
        if self.n < ENOUGH:
            return f"{self.count} of {self.n}, too few to say more"
        share, low, high = (round(100 * part) for part in (self.count / self.n, *self.interval))
        return f"{self.count} of {self.n} ({share} %; 95 % interval {low} to {high} %)"


@dataclass(frozen=True)
class LabellerReport:
    """What the answers in a record tell about who gave them.

    | field | what |
    | --- | --- |
    | answers, equal | questions answered, each pair once; those of them answered "equally good" |
    | skipped, times_undone | questions skipped; how often an answer was taken back |
    | consistent | of the pairs shown and answered twice, those with the same answer, whichever side each was on; \
"equally good" is the same only as itself |
    | opposite | how many of these pairs had first one fragment preferred and then the other |
    | agreement | of the answers that prefer one fragment, where the true returns differ, those for the higher one |
    | left | of the answers that prefer one fragment, those for a, which is shown on the left; repeats not counted, \
since a swapped one balances the first |
    | left_p_value | in [0, 1]: how likely so uneven a share would be without a bias; two-sided, exact binomial |
    | temperature | in units of the true return of a fragment, from 0 to infinite, or NaN: see `fitted_temperature` |
    | fitted_to | to how many answers the temperature is fitted: those where the true returns differ |
    | median_seconds | per answer, repeats included; NaN if nobody measured |
    """

    answers: int
    equal: int
    skipped: int
    times_undone: int
    consistent: Share
    opposite: int
    agreement: Share
    left: Share
    left_p_value: float
    temperature: float
    fitted_to: int
    median_seconds: float

    def as_text(self, goal: str = "") -> str:
        """The report in a few sentences, a line each, without an end of line after the last.

        Where there was a `goal` of the labeller's own, the true reward means nothing, and is not told of.
        """
        by_true_reward = [] if goal else [self._agreement(), self._temperature()]
        return "\n".join([self._counts(), self._consistency(), *by_true_reward, self._bias()])

    def _counts(self) -> str:
        text = f"Answers: {self.answers}, of them {self.equal} equally good; skipped: {self.skipped}"
        text += f"; taken back: {self.times_undone}."
        return text if np.isnan(self.median_seconds) else f"{text} Median time: {self.median_seconds:.1f} s an answer."

    def _consistency(self) -> str:
        if self.consistent.n == 0:
            return "Consistency: no pair was answered twice."
        return f"Consistency: the same answer to a pair shown twice: {self.consistent}; the opposite: {self.opposite}."

    def _agreement(self) -> str:
        if self.agreement.n == 0:
            return "Agreement: there is no true reward to compare with."
        return f"Agreement: the higher true return was preferred: {self.agreement}."

    def _temperature(self) -> str:
        if self.fitted_to < ENOUGH_TO_FIT:
            return f"Noise: too few answers to fit a temperature ({self.fitted_to}; {ENOUGH_TO_FIT} are needed)."
        if self.temperature == 0:
            return "Noise: none; every answer goes by the true return (temperature 0)."
        if np.isinf(self.temperature):
            return "Noise: the answers do not follow the true return at all (infinite temperature)."
        return (
            f"Noise: a temperature of {self.temperature:.3g} in true return; where two fragments differ by "
            f"{self.temperature * np.log(3):.3g}, three of four answers go by it."
        )

    def _bias(self) -> str:
        text = f"Left or right: left was preferred: {self.left}"
        if self.left.n < ENOUGH:
            return f"{text}."
        verdict = "no sign of a bias" if self.left_p_value >= LIKELY_CHANCE else "a bias"
        return f"{text}; {verdict} (p = {self.left_p_value:.2g})."


def labeller_report(recorded: RecordedComparisons) -> LabellerReport:
    """What these answers, of one labeller or of several taken together, tell."""
    from scipy.stats import binomtest

    preferences = recorded.preferences
    strict = preferences != 0.5
    differences = _true_returns(recorded.fragments_b) - _true_returns(recorded.fragments_a)
    known = differences != 0
    judged = strict & known
    first, again = recorded.repeats.first, recorded.repeats.again
    left = Share(int((preferences == 0).sum()), int(strict.sum()))
    seconds = np.concatenate([recorded.seconds, recorded.repeats.seconds])
    seconds = seconds[~np.isnan(seconds)]
    return LabellerReport(
        answers=len(recorded),
        equal=int((~strict).sum()),
        skipped=recorded.skipped,
        times_undone=recorded.times_undone,
        consistent=Share(int((first == again).sum()), len(first)),
        opposite=int((np.abs(first - again) == 1).sum()),
        agreement=Share(int(((differences > 0) == (preferences == 1))[judged].sum()), int(judged.sum())),
        left=left,
        left_p_value=float(binomtest(left.count, left.n).pvalue) if left.n else 1.0,
        temperature=fitted_temperature(differences, preferences),
        fitted_to=int(known.sum()),
        median_seconds=float(np.median(seconds)) if len(seconds) else np.nan,
    )


def fitted_temperature(differences: np.ndarray, preferences: np.ndarray) -> float:
    """The temperature T that makes answers most likely under P(b preferred) = sigmoid((R_b - R_a) / T).

    Bradley and Terry's (1952) model. `differences` are R_b - R_a, `preferences` 0.0 for a, 1.0 for b and 0.5, which is
    taken as half an answer for each; both have shape (n,). Pairs with equal returns tell nothing about T. The
    likelihood is concave in 1 / T, so its slope there has one zero, or none: T is 0 if every answer goes by the
    returns, infinite if the answers do not follow them or go against them, and NaN if no returns differ.
    """
    from scipy.optimize import brentq

    differences, preferences = differences[differences != 0], preferences[differences != 0]
    if len(differences) == 0:
        return np.nan
    largest = np.abs(differences).max()
    scaled = differences / largest

    def slope(log_temperature: float) -> float:
        return float(scaled @ (preferences - expit(scaled / np.exp(log_temperature))))

    if slope(WIDEST) <= 0:
        return np.inf
    if slope(-WIDEST) >= 0:
        return 0.0
    return float(largest * np.exp(brentq(slope, -WIDEST, WIDEST)))


def _true_returns(fragments: Mapping[str, np.ndarray]) -> np.ndarray:
    return fragments["true_rewards"].sum(axis=1, dtype=np.float64) if fragments else np.empty(0)
