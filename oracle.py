"""Who answers: the synthetic oracle, which knows the true reward, or a person."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from scipy.special import expit

from workshop.agent import Agent
from workshop.bounds import require_bounds, within
from workshop.data import Comparisons, Fragments, Rollouts
from workshop.labelling import ask_a_person, clips_of
from workshop.program import Run
from workshop.records import RunDirectory
from workshop.state import State, restore, state_of

SPREAD_FROM = 2000  # fragments, about, from which the mean and spread of the true returns are taken


@dataclass(frozen=True)
class OracleConfig:
    """Who compares the fragments: you, or an oracle made of the teachers of B-Pref (Lee et al. 2021) in combination."""

    oracle: Literal["synthetic", "human", "terminal"] = "synthetic"
    """Who answers: an oracle that knows the true reward, or you, on a page in the browser or in the terminal."""
    oracle_temperature: Annotated[float, within(at_least=0)] = 0.1
    """How noisy the answers are, in --oracle-unit; 0 for always the better one."""
    oracle_mistakes: Annotated[float, within(at_least=0, at_most=1)] = 0.0
    """The probability with which an answer is turned round, however clear the case."""
    oracle_skip: Annotated[float | None, within()] = None
    """Skip pairs of which neither is any good: both returns are below this, in --oracle-unit from the mean return."""
    oracle_equal: Annotated[float, within(at_least=0)] = 0.0
    """Answer "equally good" where the returns differ by less than this, in --oracle-unit."""
    oracle_discount: Annotated[float, within(above=0, at_most=1)] = 1.0
    """Below 1, the oracle is myopic: each step counts this many times as much as the step after it."""
    oracle_unit: Literal["spread", "raw"] = "spread"
    """Unit of returns: the standard deviation of the rollouts' fragments, or the environment's own (skip: from 0)."""

    def __post_init__(self) -> None:
        require_bounds(self)


class Oracle(Protocol):
    """Whoever answers."""

    def show(self, pairs: Comparisons) -> None:
        """Begin to ask about these pairs, which can then be answered while the agent trains; `compare` comes later."""

    def compare(self, pairs: Comparisons) -> Comparisons:
        """The same pairs with their answers, NaN for a skipped one; those that have answers already keep them."""

    def finish(self) -> None:
        """Nothing more will be asked."""

    def state(self) -> State:
        """What the oracle goes on from."""

    def restore(self, state: State) -> None:
        """Go on from `state`."""


class SyntheticOracle:
    """Answers by the fragments' true returns, which it alone may see.

    The teachers of B-Pref (Lee, Smith, Dragan, Abbeel 2021, section 4.1), which can be combined. A fragment of the
    true rewards r_1, …, r_L is worth

        R = Σ_t γ^(L-t) r_t          (myopic: `oracle_discount` γ < 1; else the plain sum)
        z = (R - mean) / spread      (`oracle_unit` "spread"; for "raw", z = R)

    where mean and spread are those of the values R of all rollouts observed so far. Every flag is in units of z and is
    applied to it once, in this order:

    | teacher | answer |
    | --- | --- |
    | skip | NaN, none, if max(z_a, z_b) < `oracle_skip` |
    | equal | 0.5 if abs(z_a - z_b) < `oracle_equal`, or if z_a = z_b exactly |
    | stochastic | b with P(b preferred) = 1 / (1 + exp(-(z_b - z_a) / `oracle_temperature`)) (Bradley and Terry 1952) |
    | mistake | this answer, if there was a preference, turned round with the probability `oracle_mistakes` |

    As the temperature goes to 0 the better one always wins. B-Pref's thresholds are shares of the agent's average
    return, which means nothing where returns are negative; hence the spread.
    """

    def __init__(
        self, config: OracleConfig, rollouts: Rollouts, directory: RunDirectory, generator: np.random.Generator
    ):
        self.config = config
        self._rollouts, self._directory, self._generator = rollouts, directory, generator
        self._mean, self._spread = 0.0, 1.0
        self._shown: tuple[Comparisons, Comparisons] | None = None

    def show(self, pairs: Comparisons) -> None:
        """Answer already; see `Oracle`."""
        self._shown = pairs, self.compare(pairs)

    def compare(self, pairs: Comparisons) -> Comparisons:
        """The pairs with the oracle's answers, which are on the disk then; see `Oracle`."""
        shown, self._shown = self._shown, None
        if shown is not None and shown[0] is pairs:
            return shown[1]
        if len(pairs.answered):
            return pairs
        a, b = pairs.fragments_a, pairs.fragments_b
        self.observe(self._rollouts, a.true_rewards.shape[1])
        answers = self.answers(a, b)
        self._directory.record("synthetic", pairs).answers(answers)
        return replace(pairs, preferences=answers)

    def observe(self, rollouts: Rollouts, fragment_length: int) -> None:
        """Take the mean and the spread of the values of these rollouts' fragments as the unit of what follows."""
        if self.config.oracle_unit == "raw":
            return
        starts = rollouts.fragment_starts(fragment_length)
        if len(starts) == 0:
            return
        some = starts[:: -(-len(starts) // SPREAD_FROM)]
        values = self._values(rollouts.true_rewards[some[:, :1] + np.arange(fragment_length), some[:, 1:]])
        self._mean, self._spread = values.mean(), values.std() or 1.0

    def state(self) -> State:
        """What the oracle goes on from."""
        return {"generator": state_of(self._generator)}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        restore(self._generator, state["generator"])

    def values(self, fragments: Fragments) -> np.ndarray:
        """What the fragments are worth to this oracle: z in the table above, float64 of shape (n,)."""
        return (self._values(fragments.true_rewards) - self._mean) / self._spread

    def probabilities(self, fragments_a: Fragments, fragments_b: Fragments) -> np.ndarray:
        """The probability that b is preferred, if the oracle prefers either; mistakes included. (n,), in [0, 1]."""
        difference = self.values(fragments_b) - self.values(fragments_a)
        temperature, mistakes = self.config.oracle_temperature, self.config.oracle_mistakes
        if temperature == 0:
            meant = np.heaviside(difference, 0.5)
        else:
            with np.errstate(over="ignore"):  # a tiny temperature makes a certain answer, which infinity is
                meant = expit(difference / temperature)
        given: np.ndarray = (1 - mistakes) * meant + mistakes * (1 - meant)
        return given

    def answers(self, fragments_a: Fragments, fragments_b: Fragments) -> np.ndarray:
        """The answers, float64 of shape (n,): 0.0 for a, 1.0 for b, 0.5 for equally good, NaN for a skipped pair."""
        values_a, values_b = self.values(fragments_a), self.values(fragments_b)
        probabilities = self.probabilities(fragments_a, fragments_b)
        answers = (self._generator.random(len(probabilities)) < probabilities).astype(np.float64)
        answers[(np.abs(values_a - values_b) < self.config.oracle_equal) | (values_a == values_b)] = 0.5
        if self.config.oracle_skip is not None:
            answers[np.maximum(values_a, values_b) < self.config.oracle_skip] = np.nan
        return answers

    def finish(self) -> None:
        """Nothing more will be asked."""

    def _values(self, true_rewards: np.ndarray) -> np.ndarray:
        """What fragments of these true rewards, shape (n, L), are worth: R in the table above, (n,)."""
        weights = self.config.oracle_discount ** np.arange(true_rewards.shape[1] - 1, -1, -1)
        values: np.ndarray = true_rewards.astype(np.float64) @ weights
        return values


def make_oracle(
    config: Any, run: Run, agent: Agent, rollouts: Rollouts, comparisons: Comparisons, generator: np.random.Generator
) -> Oracle:
    """Whoever `config`, `main.py`'s flags, says: the synthetic oracle or a person, asked about these rollouts.

    A person is shown clips; some are of `comparisons` so far, a second time.
    """
    if config.oracle.oracle == "synthetic":
        return SyntheticOracle(config.oracle, rollouts, run.directory, generator)
    how, wanted = config.oracle.oracle, config.preferences.comparisons
    clips = clips_of(run.spec, agent.seed, rollouts)
    return run.with_person(ask_a_person(how, config.labelling, wanted, run.directory, clips, comparisons, generator))
