"""A person as the oracle, over a labelling session."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workshop.data import Comparisons
from workshop.labelling.clips import Clip
from workshop.labelling.options import LabellingConfig
from workshop.labelling.people import People
from workshop.labelling.questions import Answer, LabellerLeft, Question, Side
from workshop.labelling.session import LabellingSession
from workshop.labelling.spectator import Spectator
from workshop.messages import RunError, say
from workshop.records import QuestionRecord, RunDirectory, read_record
from workshop.state import State, restore, state_of

# What a person is shown of pairs: of each, what stands on the left and on the right.
Sides = Callable[[Comparisons], Sequence[tuple[Side, Side]]]

SECONDS_TO_LOOK = 10  # that the page has, at the end, to fetch the report


@dataclass(frozen=True, eq=False)
class Asked:
    """A question that the person has, or has had: the pair, and what its answers are recorded by."""

    number: int
    pair: Comparisons
    record: QuestionRecord
    repeated: dict[str, Any]  # `repeats` and `swapped`, or nothing


class HumanOracle:
    """You, on a page in the browser or on a terminal, or all who are in a room, over a `LabellingSession`.

    Questions are answered in the order in which they are asked, and may be asked long before their answers are wanted:
    see `show`. Every answer is on the disk before it is acknowledged, and those that are there already, of a run that
    was interrupted, are not asked for again. Some pairs are shown a second time, maybe the other way round; their
    answers are recorded, and learned from by nobody.

    | argument | what |
    | --- | --- |
    | wanted | answers in the whole run |
    | sides | what the person is shown of pairs: the left and the right side of each |
    | comparisons | the answered ones so far, other runs' first; whoever has them adds what `compare` returns |
    | asking | what is asked of two sides; by default, which clip is better |
    | judged_by | what is shown above them as the goal, where `config` names none of the person's own |

    | attribute | what |
    | --- | --- |
    | session | what a page or a terminal shows |
    | way | the page or the terminal, as long as it is open |
    | on_goal | called with a goal that is typed on the page, once it is on the disk |
    | people | who has joined, where labellers may join; else None |
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
        judged_by: str = "",
    ):
        self._labeller, self._wanted, self._ask_again = config.labeller, wanted, config.ask_again
        self._goal = config.goal
        self.on_goal: Callable[[str], object] = lambda goal: None
        self._directory, self._sides, self._generator = directory, sides, generator
        self._comparisons = comparisons
        self._records: dict[int, QuestionRecord] = {}
        self._queue: list[Asked] = []  # asked, and not compared yet
        self._skipped: dict[int, Comparisons] = {}  # compared, and without an answer
        self._numbers: list[int] = []  # of those in `comparisons`, which end with them
        self._again: list[int] = []  # those of them that were asked again
        self.people: People | None = None
        if config.labellers_may_join:
            on_record = 1 + max(directory.lines, default=-1)
            self.people = People(directory.path, lambda: directory.asked, on_record)
        self._who = {number: line.labeller for number, line in directory.lines.items()}  # has answered
        given = [number for number, preference in directory.recorded.items() if preference is not None]
        again = sum(directory.lines[number].repeats is not None for number in given)
        self.session = LabellingSession(
            self._record,
            wanted,
            wanted_again=config.ask_again if wanted else 0,
            recorded=directory.recorded,
            given=(len(given) - again, again),
            given_by=Counter(self._who[number] for number in given),
            goal=config.goal or judged_by,
            asking=asking,
            needs_goal=not asking,
            show_true_return=config.show_true_return,
            record_goal=self._record_goal,
            own_goal=bool(config.goal),
        )

    def make_spectator(self, *arguments: Any) -> Spectator:
        """A listener that lets the person see what the agent is doing, of what `Spectator` takes after the session."""
        return Spectator(self.session, *arguments)

    def show(self, pairs: Comparisons) -> None:
        """Ask about these pairs after all others; they can be answered from now on, while the agent trains."""
        for row in range(len(pairs)):
            self._ask(pairs[row : row + 1])

    def withdraw(self) -> int:
        """Take back those of the pairs shown last that the person has not seen yet; how many.

        In a run that goes on, those that had been answered then were seen, and those taken back then are so again. In a
        room there is one for each, who will have it in no time, and all stay.
        """
        if self.people is not None:
            return 0
        directory, taken_back = self._directory, 0
        for asked in [each for each in self._queue[::-1] if not each.repeated]:
            unseen = asked.number not in directory.lines and self.session.withdraw(asked.number)
            if not (unseen or asked.number in directory.withdrawn):
                break
            directory.withdraw(asked.number)
            self._queue.remove(asked)
            taken_back += 1
        return taken_back

    def ahead(self, least: int) -> int:
        """How many questions to ask before their answers are wanted: `least`, or as many as there are people."""
        return least if self.people is None else self.people.ahead(least)

    def compare(self, pairs: Comparisons) -> Comparisons:
        """The pairs with the person's answers, NaN for a skipped one; those that have answers already keep them.

        Those that were shown are compared in that order. An answer that was taken back since it was learned from is
        replaced in `comparisons` by the one that was given instead (NaN: skipped); one to a pair that had been skipped
        comes with the others. Raises a RunError if nobody answers any more.
        """
        if len(pairs.answered):
            return pairs
        self.show(pairs[sum(not asked.repeated for asked in self._queue) :])
        due = self._ask_again * (len(self._numbers) + len(pairs)) // self._wanted
        while len(self._again) < due and self._ask_one_again():
            pass
        compared = self._take(len(pairs))
        self.session.tell("learning from your answers")
        return compared

    def revised(self, last: bool) -> bool:
        """Whether answers that were learned from have been taken back; no more can be if none has and it is the `last`.

        `compare` then waits for what is answered instead.
        """
        return self.session.revised(last)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Tell on the page what came of it, and report on the labeller, there and on standard error."""
        from workshop.labelling.ending import what_came_of_it
        from workshop.reports import labeller_report  # SciPy's statistics take half a second

        report, told = "Nobody was asked anything.", []
        if self._directory.recorded_anything:
            about = labeller_report(read_record(self._directory.path))
            report = about.as_text(self._goal)
            room = None if self.people is None else self.session.given_by()
            in_words = self.session.in_words
            told = what_came_of_it(result, self._directory.rows, about, self._goal, room, in_words)
        self.session.finish(report, told)
        say("\n".join(["", *told, report]))
        self.session.wait_for_farewell(SECONDS_TO_LOOK)

    def state(self) -> State:
        """What the oracle goes on from."""
        own = self._comparisons[len(self._comparisons) - len(self._numbers) :]
        return {
            "generator": state_of(self._generator),
            "numbers": self._numbers,
            "preferences": own.preferences,
            **({} if self.people is None else {"labellers": own.labellers}),
            "again": self._again,
            "queue": [(asked.number, asked.record.iteration, asked.repeated) for asked in self._queue],
            "skipped": list(self._skipped),
            "pairs": [pair.arrays() for pair in [*self._skipped.values(), *(asked.pair for asked in self._queue)]],
        }

    def restore(self, state: State) -> None:
        """Go on from `state`, with what was answered or taken back since."""
        restore(self._generator, state["generator"])
        self._numbers, self._again = state["numbers"], state["again"]
        first = len(self._comparisons) - len(self._numbers)
        self._comparisons.preferences[first:] = state["preferences"]
        if "labellers" in state:
            others = self._comparisons.labellers[:first]
            self._comparisons.labellers = np.concatenate([others, state["labellers"]])
        pairs = [Comparisons.from_arrays(arrays) for arrays in state["pairs"]]
        self._skipped = dict(zip(state["skipped"], pairs, strict=False))
        learned = {number: (self._pair(number), float(self._pair(number).preferences[0])) for number in self._numbers}
        learned |= {number: (pair, math.nan) for number, pair in self._skipped.items()}
        for number in sorted(learned):
            self._learned(number, *learned[number])
        for (number, iteration, repeated), pair in zip(state["queue"], pairs[len(self._skipped) :], strict=True):
            record = self._directory.record_again(self._labeller, number, iteration, repeated)
            self._put(Asked(number, pair, record, repeated))

    def _learned(self, number: int, pair: Comparisons, preference: float) -> None:
        """Go on from an answer that was learned from; ask again if it has been taken back since."""
        if number not in self._directory.recorded:
            record = self._directory.record_again(self._labeller, number, self._directory.iteration, {})
            self._ask_person(Asked(number, pair, record, {}))
        self.session.taken(number, None if math.isnan(preference) else preference)

    def _pair(self, number: int) -> Comparisons:
        place = len(self._comparisons) - len(self._numbers) + self._numbers.index(number)
        return self._comparisons[place : place + 1]

    def _ask(self, pair: Comparisons, **repeated: int | bool) -> None:
        record = self._directory.record(self._labeller, pair, **repeated)
        self._put(Asked(record.numbers[0], pair, record, repeated))

    def _put(self, asked: Asked) -> None:
        self._queue.append(asked)
        if asked.number not in asked.record.recorded and asked.number not in self._directory.withdrawn:
            self._ask_person(asked)

    def _ask_person(self, asked: Asked) -> None:
        self._records[asked.number] = asked.record
        ((a, b),) = self._sides(asked.pair)
        if self.people is not None:  # there are as many as people
            a, b = (side.packed() if isinstance(side, Clip) else side for side in (a, b))
        self.session.ask([Question(asked.number, a, b, again=bool(asked.repeated))])

    def _ask_one_again(self) -> bool:
        """Show an earlier pair a second time, maybe the other way round; whether there is one."""
        fresh = [n for n in self._numbers if n not in self._again and len(self._pair(n).answered)]
        if not fresh:
            return False
        number, swapped = int(self._generator.choice(fresh)), bool(self._generator.random() < 0.5)
        self._again.append(number)
        pair = self._pair(number)
        sides = (pair.fragments_b, pair.fragments_a) if swapped else (pair.fragments_a, pair.fragments_b)
        self._ask(Comparisons.questions(*sides), repeats=number, swapped=swapped)
        return True

    def _take(self, n: int) -> Comparisons:
        """The next n pairs with their answers, in the order in which they were asked, once they are all there."""
        taken: list[Asked] = []
        while sum(not asked.repeated for asked in taken) < n:
            taken.append(self._queue.pop(0))
        while self._queue and all(asked.repeated for asked in self._queue):  # nothing else comes after them
            taken.append(self._queue.pop(0))
        answers = self._wait([asked.number for asked in taken])
        first = len(self._comparisons) - len(self._numbers)
        who = self._comparisons.labellers.tolist()
        for place, number in enumerate(self._numbers, start=first):
            if number in answers:
                self._comparisons.preferences[place] = answers[number]
                who[place] = self._labeller_of(number)
        self._comparisons.labellers = np.array(who, dtype=np.str_)  # names may have become longer
        revived = [n for n in self._skipped if not math.isnan(answers.get(n, math.nan))]
        pairs = {n: self._skipped.pop(n) for n in revived}
        pairs |= {asked.number: asked.pair for asked in taken if not asked.repeated}
        compared = self._comparisons[:0]
        for number, pair in pairs.items():
            compared = compared.followed_by(
                replace(pair, preferences=np.array([answers[number]]), labellers=np.array([self._labeller_of(number)]))
            )
            if math.isnan(answers[number]):
                self._skipped[number] = pair
            else:
                self._numbers.append(number)
        return compared

    def _wait(self, numbers: Sequence[int]) -> dict[int, float]:
        """The answers to these questions, NaN for skipped ones, and those that have changed since they were taken."""
        if not self.session.has(numbers):
            self.session.tell("waiting for your answers")
        try:
            answers = self.session.wait(numbers)
        except LabellerLeft as left:
            raise RunError(str(left)) from None
        return {number: math.nan if answer is None else answer for number, answer in answers.items()}

    def _record_goal(self, goal: str) -> None:
        self._directory.write_goal(goal)
        self._goal = goal
        self.on_goal(goal)

    def _labeller_of(self, number: int) -> str:
        return self._labeller if self.people is None else self._who[number]

    def _record(self, answer: Answer) -> None:
        labeller = self._labeller if self.people is None else answer.labeller
        record = self._records[answer.number]
        record.answer(answer.number, answer.preference, answer.seconds, answer.undone, labeller)
        self._who[answer.number] = labeller
