"""Who answers: the synthetic oracle, which knows the true reward, or a person."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from scipy.special import expit

from workshop.agent import Agent
from workshop.bounds import require_bounds, within
from workshop.data import Comparisons, Fragments, Rollouts, cut
from workshop.labellers import Agreement, Wants, agreement
from workshop.labelling import ask_a_person, clips_of, judged_by
from workshop.program import AnyRun, Run
from workshop.records import RunDirectory
from workshop.reports import tell_who_got_what, warn_of_disagreement
from workshop.state import State, restore, state_of

SPREAD_FROM = 2000  # fragments, about, from which the mean and spread of the true returns are taken

WHO, PANEL = 2, 3  # beside the run's seed: streams of randomness for who is asked, and for what all are asked
PUT_TO_ALL = 100  # pairs


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
        """Begin to ask about these pairs, which can then be answered while the agent trains; `compare` comes later.

        Pairs are compared in the order in which they are shown.
        """

    def withdraw(self) -> int:
        """Take back those of the pairs shown last that nobody has looked at yet, for better ones; how many."""

    def ahead(self, least: int) -> int:
        """How many questions to show before their answers are wanted: `least`, or more if many people answer."""

    def compare(self, pairs: Comparisons) -> Comparisons:
        """The same pairs with their answers, NaN for a skipped one; those that have answers already keep them.

        Who takes an answer back changes it where it was added.
        """

    def revised(self, last: bool) -> bool:
        """Whether answers have been taken back since they were compared; if not, none will be after the `last` call."""

    def finish(self, result: Mapping[str, Any]) -> None:
        """Nothing more will be asked; this is what came of the run."""

    def state(self) -> State:
        """What the oracle goes on from."""

    def restore(self, state: State) -> None:
        """Go on from `state`."""


class AnswersAtOnce:
    """What is alike in all oracles that need no time: nobody sees the pairs earlier, and no answer is taken back."""

    def show(self, pairs: Comparisons) -> None:
        """Nothing is answered before it is compared; see `Oracle`."""

    def withdraw(self) -> int:
        """None; see `Oracle`."""
        return 0

    def ahead(self, least: int) -> int:
        """No more than `least`; see `Oracle`."""
        return least

    def revised(self, last: bool) -> bool:
        """Nothing is taken back; see `Oracle`."""
        return False

    def finish(self, result: Mapping[str, Any]) -> None:
        """Nothing more will be asked; this is what came of the run."""


class SyntheticOracle(AnswersAtOnce):
    """Answers by the fragments' true returns, which it alone may see, or by what a group `wants`.

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
        self, config: OracleConfig, rollouts: Rollouts, directory: RunDirectory, generator: np.random.Generator,
        wants: Wants = lambda its: its.true_rewards,
    ):  # fmt: skip
        self.config, self._wants = config, wants
        self._rollouts, self._directory, self._generator = rollouts, directory, generator
        self._mean, self._spread = 0.0, 1.0

    def compare(self, pairs: Comparisons) -> Comparisons:
        """The pairs with the oracle's answers, which are on the disk then; see `Oracle`."""
        if len(pairs.answered):
            return pairs
        a, b = pairs.fragments_a, pairs.fragments_b
        self.observe(self._rollouts, a.true_rewards.shape[1])
        answers = self.answers(a, b)
        self._directory.record("synthetic", pairs).answers(answers)
        return replace(pairs, preferences=answers, labellers=np.full(len(pairs), "synthetic"))

    def observe(self, rollouts: Rollouts, fragment_length: int) -> None:
        """Take the mean and the spread of the values of these rollouts' fragments as the unit of what follows."""
        if self.config.oracle_unit == "raw":
            return
        starts = rollouts.fragment_starts(fragment_length)
        if len(starts) == 0:
            return
        some = starts[:: -(-len(starts) // SPREAD_FROM)]
        values = self._values(cut(rollouts, some, fragment_length))
        self._mean, self._spread = values.mean(), values.std() or 1.0

    def state(self) -> State:
        """What the oracle goes on from."""
        return {"generator": state_of(self._generator)}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        restore(self._generator, state["generator"])

    def values(self, fragments: Fragments) -> np.ndarray:
        """What the fragments are worth to this oracle: z in the table above, float64 of shape (n,)."""
        return (self._values(fragments) - self._mean) / self._spread

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

    def _values(self, fragments: Fragments) -> np.ndarray:
        """What these fragments, of L steps, are worth: R in the table above, with what is wanted; (n,)."""
        true_rewards = self._wants(fragments)
        weights = self.config.oracle_discount ** np.arange(true_rewards.shape[1] - 1, -1, -1)
        values: np.ndarray = true_rewards.astype(np.float64) @ weights
        return values


class GroupsOracle(AnswersAtOnce):
    """Labellers in groups that want different things: each question goes to one of them.

    Who is asked is drawn from a generator of its own, by how many there are in each group. What they answer is what a
    `SyntheticOracle` with their goal answers, its temperature, mistakes, … in units of the spread of what they want.
    Some pairs are put to all groups, after the first rollouts and at the end, to see how far they agree; nothing is
    learned from those. `config` is a program's flags, `run` knows what the groups want and what is put to all of them,
    and `rollouts` have the spread.
    """

    def __init__(self, config: Any, run: AnyRun, rollouts: Rollouts, generator: np.random.Generator):
        groups, seed = config.labellers.groups, config.seed
        self._seed, self._names = seed, [group.name for group in groups]
        self._shares = np.array([group.labellers for group in groups]) / sum(group.labellers for group in groups)
        self._directory, self._generator, self._who = run.directory, generator, np.random.default_rng([seed, WHO])
        self._panel, self._rollouts, self._run = np.random.default_rng([seed, PANEL]), rollouts, run
        self._each, self._asked_all = (
            [SyntheticOracle(config.oracle, rollouts, run.directory, its, run.wants[name]) for name in self._names]
            for its in (generator, self._panel)
        )
        self._first: Agreement | None = None

    def compare(self, pairs: Comparisons) -> Comparisons:
        """The pairs with the answer of one labeller each; see `Oracle`."""
        if len(pairs.answered):
            return pairs
        if self._first is None and len(self._names) > 1:
            self._first = self._put_to_all()
            warn_of_disagreement(self._names, self._first)
        who = self._who.choice(len(self._names), size=len(pairs), p=self._shares)
        answers = np.empty(len(pairs))
        for i, oracle in enumerate(self._each):
            if (asked := who == i).any():
                oracle.observe(self._rollouts, pairs.fragments_a.true_rewards.shape[1])
                answers[asked] = oracle.answers(pairs.fragments_a[asked], pairs.fragments_b[asked])
        labellers = np.array(self._names)[who]
        self._directory.record(labellers.tolist(), pairs).answers(answers)
        return replace(pairs, preferences=answers, labellers=labellers)

    def _put_to_all(self) -> Agreement:
        """How far the groups agree on pairs of what there is by now, as they would answer them."""
        a, b = self._run.pairs_for_all(self._panel, PUT_TO_ALL)
        for oracle in self._asked_all:
            oracle.observe(self._rollouts, a.true_rewards.shape[1])
        return agreement(np.stack([oracle.answers(a, b) for oracle in self._asked_all]), self._panel)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Tell who got what, where there is more than one group or another goal than the true reward."""
        if self._run.groups:
            last = self._put_to_all() if self._first is not None else None
            tell_who_got_what(self._directory, self._seed, self._names, self._shares, self._first, last)

    def state(self) -> State:
        """What the labellers go on from."""
        first = None if self._first is None else asdict(self._first)
        return {"generator": state_of(self._generator), "who": state_of(self._who), "panel": state_of(self._panel),
                "first": first}  # fmt: skip

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        for generator, name in ((self._generator, "generator"), (self._who, "who"), (self._panel, "panel")):
            restore(generator, state[name])
        self._first = None if state["first"] is None else Agreement(**state["first"])


def make_synthetic(config: Any, run: AnyRun, rollouts: Rollouts, generator: np.random.Generator) -> Oracle:
    """The synthetic oracle or, where `config`, a program's flags, has some, labellers in groups."""
    if config.labellers.labellers:
        return GroupsOracle(config, run, rollouts, generator)
    return SyntheticOracle(config.oracle, rollouts, run.directory, generator)


def make_oracle(
    config: Any, run: Run, agent: Agent, rollouts: Rollouts, comparisons: Comparisons, generator: np.random.Generator
) -> Oracle:
    """Whoever `config`, `main.py`'s flags, says: the synthetic oracle or a person, asked about these rollouts.

    A person is shown clips; some are of `comparisons` so far, a second time.
    """
    if config.oracle.oracle == "synthetic":
        return make_synthetic(config, run, rollouts, generator)
    how, wanted = config.oracle.oracle, config.preferences.comparisons
    clips, goal = clips_of(run.spec, agent.seed, rollouts), judged_by(run.spec.id)
    person = ask_a_person(how, config.labelling, wanted, run.directory, clips, comparisons, generator, judged_by=goal)
    return run.with_person(person)
