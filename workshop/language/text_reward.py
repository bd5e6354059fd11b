"""What is learned of answers: a reward for each token, whose sum is the return, by one model or one for each group."""

import math

import numpy as np

from workshop.data import Comparisons, Fragments
from workshop.labellers import ByGroup
from workshop.language.desk_environment import questions_and_answers


class TextReward:
    """A learned reward of answers; whoever has one says what its `rewards` are."""

    def rewards(self, questions: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """The learned, standardised rewards of the tokens, float32 (n, 24), 0 after the first `<end>`."""
        raise NotImplementedError

    def loss(self, comparisons: Comparisons) -> float:
        """The choice model's loss of these comparisons; NaN if there are none."""
        raise NotImplementedError

    def returns(self, questions: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """The learned, standardised returns of answers: the proxy, float64 of shape (n,)."""
        returns: np.ndarray = self.rewards(questions, answers).sum(axis=1, dtype=np.float64)
        return returns

    def difference(self, a: Fragments, b: Fragments) -> np.ndarray:
        """R_b - R_a of n pairs, float64 of shape (n,), standardised."""
        returns_a, returns_b = (self.returns(*questions_and_answers(each)) for each in (a, b))
        difference: np.ndarray = returns_b - returns_a
        return difference

    def accuracy(self, comparisons: Comparisons) -> float:
        """Of which share of these comparisons it says what was answered, ties aside; NaN if there are none."""
        decided = comparisons[np.isin(comparisons.preferences, (0.0, 1.0))]
        if len(decided) == 0:
            return math.nan
        learned = self.difference(decided.fragments_a, decided.fragments_b)
        return float(np.mean(1 - np.abs(np.heaviside(learned, 0.5) - decided.preferences)))


class AlignedTexts(ByGroup, TextReward):
    """Each answer's return is the lowest of what the groups' models give it, and its rewards are that model's.

    The lowest reward of each token would add up to less than any group gives the whole answer.
    """

    def rewards(self, questions: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """See `TextReward`."""
        each = np.stack([model.rewards(questions, answers) for model in self.models])  # (groups, n, 24)
        lowest = each.sum(axis=2, dtype=np.float64).argmin(axis=0)
        rewards: np.ndarray = each[lowest, np.arange(len(lowest))]
        return rewards

    def loss(self, comparisons: Comparisons) -> float:
        """The mean of the models' losses of these comparisons, whosever answers they are; NaN if there are none."""
        return float(np.mean([model.loss(comparisons) for model in self.models]))
