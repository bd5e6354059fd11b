"""Who answers: the synthetic oracle, which knows the true reward, or a person."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

import numpy as np
from scipy.special import expit

from preferences import Fragments, cut
from workshop import state as randomness
from workshop.data.rollouts import Rollouts
from workshop.labelling.clips import Clip
from workshop.labelling.fragment_clips import FragmentClips
from workshop.labelling.options import LabellingConfig
from workshop.labelling.session import Answer, LabellerLeft, LabellingSession, Question
from workshop.messages import RunError, require_number, say
from workshop.records.checkpoint import State
from workshop.records.comparisons_from import read_record
from workshop.records.directory import QuestionRecord, RunDirectory

SECONDS_TO_LOOK = 10  # that the page has, at the end, to fetch the report
SPREAD_FROM = 2000  # fragments, about, from which the mean and spread of the true returns are taken


@dataclass(frozen=True)
class OracleConfig:
    """Who compares the fragments: you, or an oracle made of the teachers of B-Pref (Lee et al. 2021) in combination."""

    oracle: Literal["synthetic", "human", "terminal"] = "synthetic"
    """Who answers: an oracle that knows the true reward, or you, on a page in the browser or in the terminal."""
    oracle_temperature: float = 0.1
    """How noisy the answers are, in --oracle-unit; 0 for always the better one."""
    oracle_mistakes: float = 0.0
    """The probability with which an answer is turned round, however clear the case."""
    oracle_skip: float | None = None
    """Skip pairs of which neither is any good: both returns are below this, in --oracle-unit from the mean return."""
    oracle_equal: float = 0.0
    """Answer "equally good" where the returns differ by less than this, in --oracle-unit."""
    oracle_discount: float = 1.0
    """Below 1, the oracle is myopic: each step counts this many times as much as the step after it."""
    oracle_unit: Literal["spread", "raw"] = "spread"
    """Unit of returns: the standard deviation of the rollouts' fragments, or the environment's own (skip: from 0)."""

    def __post_init__(self) -> None:
        require_number("--oracle-temperature", self.oracle_temperature, at_least=0)
        require_number("--oracle-mistakes", self.oracle_mistakes, at_least=0, at_most=1)
        if self.oracle_skip is not None:
            require_number("--oracle-skip", self.oracle_skip)
        require_number("--oracle-equal", self.oracle_equal, at_least=0)
        require_number("--oracle-discount", self.oracle_discount, above=0, at_most=1)


class Oracle(Protocol):
    """Whoever answers.

    | attribute | what |
    | --- | --- |
    | name | the labeller, as the record has it |
    """

    name: str

    def observe(self, rollouts: Rollouts, fragment_length: int) -> None:
        """Look at all rollouts so far, before being asked about them."""

    def ask(self, fragments_a: Fragments, fragments_b: Fragments, record: QuestionRecord) -> Callable[[], np.ndarray]:
        """Ask about n pairs, and record the answers. The function returned gets them, once they are all there.

        They are float64 of shape (n,): 0.0 for a, 1.0 for b, 0.5 for equally good, NaN for a skipped pair.
        """

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

    name = "synthetic"

    def __init__(self, config: OracleConfig, generator: np.random.Generator):
        self.config = config
        self._generator = generator
        self._mean, self._spread = 0.0, 1.0

    def observe(self, rollouts: Rollouts, fragment_length: int) -> None:
        """Take the mean and the spread of the values of these rollouts' fragments as the unit of what follows."""
        if self.config.oracle_unit == "raw":
            return
        starts = rollouts.fragment_starts(fragment_length)
        if len(starts) == 0:
            return
        values = self._returns(cut(rollouts, starts[:: -(-len(starts) // SPREAD_FROM)], fragment_length))
        self._mean, self._spread = values.mean(), values.std() or 1.0

    def state(self) -> State:
        """What the oracle goes on from."""
        return {"generator": randomness.state_of(self._generator)}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        randomness.restore(self._generator, state["generator"])

    def values(self, fragments: Fragments) -> np.ndarray:
        """What the fragments are worth to this oracle: z in the table above, float64 of shape (n,)."""
        return (self._returns(fragments) - self._mean) / self._spread

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

    def compare(self, fragments_a: Fragments, fragments_b: Fragments) -> np.ndarray:
        """The answers, float64 of shape (n,): 0.0 for a, 1.0 for b, 0.5 for equally good, NaN for a skipped pair."""
        values_a, values_b = self.values(fragments_a), self.values(fragments_b)
        probabilities = self.probabilities(fragments_a, fragments_b)
        answers = (self._generator.random(len(probabilities)) < probabilities).astype(np.float64)
        answers[(np.abs(values_a - values_b) < self.config.oracle_equal) | (values_a == values_b)] = 0.5
        if self.config.oracle_skip is not None:
            answers[np.maximum(values_a, values_b) < self.config.oracle_skip] = np.nan
        return answers

    def ask(self, fragments_a: Fragments, fragments_b: Fragments, record: QuestionRecord) -> Callable[[], np.ndarray]:
        """Answer at once, by `compare`; see `Oracle`."""
        answers = self.compare(fragments_a, fragments_b)
        record.answers(answers)
        return lambda: answers

    def finish(self) -> None:
        """Nothing more will be asked."""

    def _returns(self, fragments: Fragments) -> np.ndarray:
        length = fragments.true_rewards.shape[1]
        weights = self.config.oracle_discount ** np.arange(length - 1, -1, -1)
        return fragments.true_rewards.astype(np.float64) @ weights


class HumanOracle:
    """You, on a page in the browser or on a terminal, over a `LabellingSession`.

    Every answer is on the disk before it is acknowledged, and those that are there already, of a run that was
    interrupted, are not asked for again. Some pairs are shown a second time, maybe the other way round; their answers
    are recorded, and learned from by nobody. `session` is what a page or a terminal shows.
    """

    def __init__(
        self,
        config: LabellingConfig,
        comparisons: int,
        run: RunDirectory,
        clips: FragmentClips,
        generator: np.random.Generator,
    ):
        self.name = config.labeller
        self._run, self._clips, self._generator = run, clips, generator
        self._comparisons, self._ask_again = comparisons, config.ask_again
        self._records: dict[int, QuestionRecord] = {}
        # the answered questions' numbers and fragments, and how many of them were asked again
        self._numbers: list[int] = []
        self._a: list[Fragments] = []
        self._b: list[Fragments] = []
        self._again: list[int] = []
        self.session = LabellingSession(
            self._record,
            comparisons + config.ask_again,
            given=sum(preference is not None for preference in run.recorded.values()),
            goal=config.goal,
            show_true_return=config.show_true_return,
        )

    def observe(self, rollouts: Rollouts, fragment_length: int) -> None:
        """Take these rollouts as those that fragments are from."""
        self._rollouts = rollouts

    def ask(self, fragments_a: Fragments, fragments_b: Fragments, record: QuestionRecord) -> Callable[[], np.ndarray]:
        """Show the pairs; see `Oracle`. A RunError is raised if nobody answers any more."""
        questions = [
            Question(number, self._clip(fragments_a[row : row + 1]), self._clip(fragments_b[row : row + 1]))
            for row, number in enumerate(record.numbers)
            if number not in record.recorded
        ]
        self._records |= {question.number: record for question in questions}
        self.session.ask(questions)
        return partial(self._answers, fragments_a, fragments_b, record)

    def finish(self) -> None:
        """Report on the labeller, on the page and on standard error."""
        from workshop.reports.labeller import labeller_report  # SciPy's statistics take half a second

        report = labeller_report(read_record(self._run.path)).as_text()
        self.session.finish(report)
        say(report)
        self.session.wait_for_farewell(SECONDS_TO_LOOK)

    def state(self) -> State:
        """What the oracle goes on from."""
        return {
            "generator": randomness.state_of(self._generator),
            "numbers": self._numbers,
            "again": self._again,
            "a": [vars(fragment) for fragment in self._a],
            "b": [vars(fragment) for fragment in self._b],
        }

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        randomness.restore(self._generator, state["generator"])
        self._numbers, self._again = state["numbers"], state["again"]
        self._a, self._b = ([Fragments(**arrays) for arrays in state[side]] for side in "ab")

    def _answers(self, fragments_a: Fragments, fragments_b: Fragments, record: QuestionRecord) -> np.ndarray:
        answers = self._wait(record)
        for row, (number, answer) in enumerate(zip(record.numbers, answers, strict=True)):
            if not np.isnan(answer):
                self._numbers.append(number)
                self._a.append(fragments_a[row : row + 1])
                self._b.append(fragments_b[row : row + 1])
        while len(self._again) < self._ask_again * len(self._numbers) // self._comparisons:
            self._ask_one_again(record.iteration)
        self.session.tell("learning from your answers")
        return answers

    def _ask_one_again(self, iteration: int) -> None:
        """Show an earlier pair a second time, maybe the other way round."""
        fresh = [place for place, number in enumerate(self._numbers) if number not in self._again]
        if not fresh:
            self._again.append(-1)  # nothing is left to ask again
            return
        place, swapped = int(self._generator.choice(fresh)), bool(self._generator.random() < 0.5)
        self._again.append(self._numbers[place])
        pair = (self._b[place], self._a[place]) if swapped else (self._a[place], self._b[place])
        again = {"repeats": self._numbers[place], "swapped": swapped}
        record = self._run.record(iteration, self.name, vars(pair[0]), vars(pair[1]), **again)
        self.ask(*pair, record)
        self._wait(record)

    def _wait(self, record: QuestionRecord) -> np.ndarray:
        """The answers to these questions, float64 of shape (n,), with NaN for skipped ones."""
        if len(record.recorded) < len(record.numbers):
            self.session.tell("waiting for your answers")
        try:
            answers = record.recorded | self.session.wait(set(record.numbers) - record.recorded.keys())
        except LabellerLeft as left:
            raise RunError(str(left)) from None
        return np.array([np.nan if answers[number] is None else answers[number] for number in record.numbers])

    def _record(self, answer: Answer) -> None:
        self._records[answer.number].answer(answer.number, answer.preference, answer.seconds, answer.undone)

    def _clip(self, fragment: Fragments) -> Clip:
        return self._clips.clip(self._rollouts, fragment.observations[0], fragment.actions[0])
