"""Who answers: the synthetic oracle, which knows the true reward."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from preferences import Fragments
from workshop.messages import require_number


@dataclass(frozen=True)
class OracleConfig:
    """Who compares the fragments, and how reliably."""

    oracle_temperature: float = 1.0
    """How noisy the answers are, in units of the fragments' true returns; 0 for always the better one."""

    def __post_init__(self) -> None:
        require_number("--oracle-temperature", self.oracle_temperature, at_least=0)


class SyntheticOracle:
    """Answers by the fragments' true returns, which it alone may see.

    With temperature T the answer is drawn from P(b preferred) = sigmoid((R_b - R_a) / T), the model of Bradley and
    Terry (1952) with the returns R as in Christiano et al. 2017, equation 1. With T = 0 the better one always wins.
    Returns that are exactly equal give the answer 0.5, whatever the temperature.
    """

    name = "synthetic"

    def __init__(self, config: OracleConfig, generator: np.random.Generator):
        self.temperature = config.oracle_temperature
        self._generator = generator

    def probabilities(self, fragments_a: Fragments, fragments_b: Fragments) -> np.ndarray:
        """The probability that b is preferred, shape (n,), in [0, 1]."""
        difference = fragments_b.true_returns - fragments_a.true_returns
        if self.temperature == 0:
            return np.heaviside(difference, 0.5)
        with np.errstate(over="ignore"):  # a tiny temperature makes a certain answer, which infinity is
            return expit(difference / self.temperature)

    def compare(self, fragments_a: Fragments, fragments_b: Fragments) -> np.ndarray:
        """The answers, float64 of shape (n,): 0.0 where a is preferred, 1.0 where b is, 0.5 where they are equal."""
        probabilities = self.probabilities(fragments_a, fragments_b)
        answers = (self._generator.random(len(probabilities)) < probabilities).astype(np.float64)
        answers[fragments_a.true_returns == fragments_b.true_returns] = 0.5
        return answers
