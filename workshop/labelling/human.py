"""A person as the oracle, over a labelling session."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
from gymnasium.envs.registration import EnvSpec

from workshop.data import Comparisons
from workshop.labelling.options import LabellingConfig
from workshop.labelling.session import Answer, LabellerLeft, LabellingSession, Question, Side
from workshop.labelling.spectator import Spectator
from workshop.messages import RunError, say
from workshop.records import QuestionRecord, RunDirectory, read_record
from workshop.state import State, restore, state_of

# What a person is shown of pairs: of each, what stands on the left and on the right.
Sides = Callable[[Comparisons], Sequence[tuple[Side, Side]]]

SECONDS_TO_LOOK = 10  # that the page has, at the end, to fetch the report


class HumanOracle:
    """You, on a page in the browser or on a terminal, over a `LabellingSession`.

    Every answer is on the disk before it is acknowledged, and those that are there already, of a run that was
    interrupted, are not asked for again. Some pairs are shown a second time, maybe the other way round; their answers
    are recorded, and learned from by nobody.

    | argument | what |
    | --- | --- |
    | wanted | answers in the whole run |
    | sides | what the person is shown of pairs: the left and the right side of each |
    | comparisons | the answered ones so far, other runs' first; whoever has them adds what `compare` returns |
    | asking | what is asked of two sides; by default, which clip is better |

    | attribute | what |
    | --- | --- |
    | session | what a page or a terminal shows |
    | way | the page or the terminal, as long as it is open |
    """

    way: AbstractContextManager[object]

    def __init__(
        self,
        config: LabellingConfig,
        wanted: int,
        directory: RunDirectory,
        sides: Sides,
        comparisons: Comparisons,
        generator: np.random.Generator,
        asking: str = "",
    ):
        self._labeller, self._wanted, self._ask_again = config.labeller, wanted, config.ask_again
        self._goal = config.goal
        self._directory, self._sides, self._generator = directory, sides, generator
        self._comparisons = comparisons
        self._records: dict[int, QuestionRecord] = {}
        self._shown: tuple[Comparisons, QuestionRecord] | None = None
        self._numbers: list[int] = []  # of the answered questions
        self._again: list[int] = []  # those of them that were asked again
        self.session = LabellingSession(
            self._record,
            wanted + config.ask_again,
            given=sum(preference is not None for preference in directory.recorded.values()),
            goal=config.goal,
            asking=asking,
            show_true_return=config.show_true_return,
        )

    def make_spectator(self, spec: EnvSpec, random_steps: int, steps: int) -> Spectator:
        """A listener that lets the person see what the agent is doing; see `Spectator`."""
        return Spectator(self.session, spec, random_steps, steps)

    def show(self, pairs: Comparisons) -> None:
        """Show the pairs, to be answered while the agent trains."""
        self._shown = pairs, self._ask(pairs)

    def compare(self, pairs: Comparisons) -> Comparisons:
        """The pairs with the person's answers, NaN for a skipped one; those that have answers already keep them.

        Raises a RunError if nobody answers any more.
        """
        if len(pairs.answered):
            return pairs
        shown, self._shown = self._shown, None
        record = shown[1] if shown is not None and shown[0] is pairs else self._ask(pairs)
        compared = replace(pairs, preferences=self._wait(record), labellers=np.full(len(pairs), self._labeller))
        own = self._comparisons[len(self._comparisons) - len(self._numbers) :]
        own.add(compared)
        self._numbers += [n for n, answer in zip(record.numbers, compared.preferences, strict=True) if answer == answer]
        while len(self._again) < self._ask_again * len(self._numbers) // self._wanted:
            self._ask_one_again(own)
        self.session.tell("learning from your answers")
        return compared

    def finish(self) -> None:
        """Report on the labeller, on the page and on standard error."""
        from workshop.reports import labeller_report  # SciPy's statistics take half a second

        report = "Nobody was asked anything."
        if self._directory.recorded_anything:
            report = labeller_report(read_record(self._directory.path)).as_text(self._goal)
        self.session.finish(report)
        say(report)
        self.session.wait_for_farewell(SECONDS_TO_LOOK)

    def state(self) -> State:
        """What the oracle goes on from."""
        return {"generator": state_of(self._generator), "numbers": self._numbers, "again": self._again}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        restore(self._generator, state["generator"])
        self._numbers, self._again = state["numbers"], state["again"]

    def _ask(self, pairs: Comparisons, **repeated: int | bool) -> QuestionRecord:
        record = self._directory.record(self._labeller, pairs, **repeated)
        to_ask = [row for row, number in enumerate(record.numbers) if number not in record.recorded]
        sides = self._sides(pairs[np.array(to_ask, dtype=int)])
        questions = [Question(record.numbers[row], *both) for row, both in zip(to_ask, sides, strict=True)]
        self._records |= {question.number: record for question in questions}
        self.session.ask(questions)
        return record

    def _ask_one_again(self, own: Comparisons) -> None:
        """Show an earlier pair of this person's `own` a second time, maybe the other way round."""
        fresh = [place for place, number in enumerate(self._numbers) if number not in self._again]
        if not fresh:
            self._again.append(-1)  # nothing is left to ask again
            return
        place, swapped = int(self._generator.choice(fresh)), bool(self._generator.random() < 0.5)
        self._again.append(self._numbers[place])
        pair = own[place : place + 1]
        sides = (pair.fragments_b, pair.fragments_a) if swapped else (pair.fragments_a, pair.fragments_b)
        self._wait(self._ask(Comparisons.questions(*sides), repeats=self._numbers[place], swapped=swapped))

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
