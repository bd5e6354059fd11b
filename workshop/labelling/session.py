"""A labelling session: what the trainer's thread and the person's page or terminal share."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from workshop.labelling.clips import Clip
from workshop.labelling.hands import Hands
from workshop.labelling.pace import pace_and_turn
from workshop.labelling.questions import (
    AlreadyAnswered,
    Answer,
    CannotUndo,
    LabellerLeft,
    NotAsked,
    Question,
    outline,
    side_outline,
)

WAKE = 0.2  # seconds: a waiting main thread looks up so often, or Ctrl-C would not reach it on Windows
UNDO = 8  # answers, the last ones, that can be taken back
PREFERENCES = (0.0, 0.5, 1.0, None)


class LabellingSession:
    """Questions in a queue, their answers, and what the agent is doing; every method may be called from any thread.

    There is one `person`, "", or a room of several, by name: each is asked other questions, and has their own to undo.

    | argument | what |
    | --- | --- |
    | record | called with each answer before it is acknowledged: once it returns, the answer must be on disk. If it \
      raises, the answer is refused and the session is as it was. It must not call the session |
    | wanted, wanted_again | how many answers the whole run asks for, skipped questions not counted; and how many to \
      questions that are shown a second time |
    | recorded | in a resumed run: the answers that there are already, by the question's number |
    | given | how many of those wanted, and of those wanted again, are among them |
    | given_by | and how many answers each person has given, by name |
    | goal | what the person is to judge by, shown above the clips; maybe "" |
    | needs_goal | whether a page asks for it before the first question, where there is none |
    | asking | what the person is asked; by default, which clip is better |
    | show_true_return | whether the person may see the true return |
    | record_goal | called with a goal that is typed on the page, as `record` is with an answer |
    | own_goal | whether the goal is the person's own, of which the true return tells nothing |

    | attribute | what |
    | --- | --- |
    | finished | whether the session has ended |
    | plot, latest_clip | to show now: a PNG, and a clip of the agent; None as long as there is none |
    | latest_true_return, in_words | the agent's by now, None if it tells nothing; what that clip shows |
    """

    def __init__(
        self,
        record: Callable[[Answer], None],
        wanted: int,
        *,
        wanted_again: int = 0,
        recorded: Mapping[int, float | None] | None = None,
        given: tuple[int, int] = (0, 0),
        given_by: Mapping[str, int] | None = None,
        goal: str = "",
        asking: str = "",
        needs_goal: bool = False,
        show_true_return: bool = False,
        record_goal: Callable[[str], object] = lambda goal: None,
        own_goal: bool = False,
    ):
        self._record, self._goal, self._show_true_return = record, goal, show_true_return
        self._wanted, self._wanted_again, self._given_before = wanted, wanted_again, given
        self._given_by_before = Counter(given_by or {})
        self._record_goal, self._own_goal = record_goal, own_goal
        self._asking, self._needs_goal = asking or "Which clip is better?", needs_goal
        self._changed = threading.Condition()
        self._queue: dict[int, Question] = {}  # by number, in the order in which they are asked
        self._hands = Hands()
        self._latest_number = -1
        self._open: dict[int, tuple[Question, Answer]] = {}  # answers that can be undone, in their order
        self._answers: dict[int, Answer] = {}  # all that were given here
        self._again: set[int] = set()  # the questions among them that had been shown before
        self._earlier = dict(recorded or {})
        self._taken: dict[int, float | None] = {}  # by the trainer
        self._closed = False  # nothing is learned from answers any more
        self._answered_at: list[float] = []
        self._farewells: set[str] = set()  # by whom
        self._left = ""
        self.finished = False
        self.plot: bytes | None = None
        self.latest_clip: Clip | None = None
        self.latest_true_return: float | None = None
        self.in_words = ""
        # what the trainer tells, as `state` has it
        self._told: dict[str, Any] = {"story": 0, "plot": False, "agent": None, "true_return": None}
        self._told |= {"report": None, "told": []}
        self.tell("starting")

    # The trainer's side.

    def ask(self, questions: Iterable[Question]) -> None:
        """Add questions to the queue. Their numbers rise within a run, or a ValueError is raised."""
        with self._changed:
            for question in questions:
                if question.number <= self._latest_number:
                    raise ValueError(f"question {question.number} comes after question {self._latest_number}")
                self._latest_number = question.number
                self._queue[question.number] = question
            self._changed.notify_all()

    def withdraw(self, number: int) -> bool:
        """Take a question back if nobody has been asked it yet: no page has had it on screen; whether it was."""
        with self._changed:
            if unseen := number in self._queue and not self._hands.dealt(number):
                del self._queue[number]
            return unseen

    def taken(self, number: int, preference: float | None) -> None:
        """Say that the trainer has learned from this answer, None for skipped, before it was interrupted."""
        with self._changed:
            self._taken[number] = preference

    def has(self, numbers: Collection[int]) -> bool:
        """Whether there is an answer to each of these questions."""
        with self._changed:
            return all(number in self._answers or number in self._earlier for number in numbers)

    def wait(self, numbers: Collection[int]) -> dict[int, float | None]:
        """Wait until all these questions are answered, and those anew whose answers were taken back after a wait.

        Returns the preferences by number: of these questions, and of those that have changed since. Raises NotAsked if
        one of them never was asked, and LabellerLeft if nobody is there to answer.
        """
        with self._changed:
            while unanswered := self._unanswered(numbers):
                if unknown := unanswered - self._queue.keys():
                    raise NotAsked(f"questions {sorted(unknown)} were never asked")
                if self._left:
                    raise LabellerLeft(self._left)
                self._changed.wait(WAKE)
            answers = {number: self._preference(number) for number in {*self._taken, *numbers}}
            news = {number: answers[number] for number in numbers}
            news |= {number: answers[number] for number, taken in self._taken.items() if answers[number] != taken}
            self._taken |= news
            return news

    def revised(self, last: bool) -> bool:
        """Whether answers that the trainer has taken have been taken back, or are others by now.

        If not, and it is the `last` time that anything is learned, none can be taken back from now on.
        """
        with self._changed:
            revised = bool(self._unanswered(())) or any(
                self._preference(number) != taken for number, taken in self._taken.items()
            )
            self._closed = self._closed or (last and not revised)
            return revised

    def _unanswered(self, numbers: Collection[int]) -> set[int]:
        return {n for n in (*numbers, *self._taken) if n not in self._answers and n not in self._earlier}

    def _preference(self, number: int) -> float | None:
        return self._answers[number].preference if number in self._answers else self._earlier[number]

    def tell(self, doing: str, share: float | None = None) -> None:
        """Say what the agent does now ("rolling out", "fitting", "training"), and how much of it is done, 0 to 1."""
        with self._changed:
            self._told |= {"doing": doing, "share": None if share is None else min(1.0, max(0.0, float(share)))}

    def show(
        self, plot_png: bytes | None, clip: Clip | None = None, true_return: float | None = None, in_words: str = ""
    ) -> None:
        """After an iteration: a plot of the learned reward's story (a PNG), and the agent's latest clip."""
        with self._changed:
            self.plot, self.latest_clip, self.in_words = plot_png, clip, in_words
            self.latest_true_return = None if self._own_goal else true_return
            self._told |= {"story": self._told["story"] + 1, "plot": plot_png is not None, "agent": side_outline(clip)}
            self._told["true_return"] = true_return if self._show_true_return else None

    def finish(self, report: str | Mapping[str, str], told: Sequence[str] = ()) -> None:
        """End the session: no more questions. The report is a text, or values by what they tell.

        `told` is what came of it, for everybody: a few sentences, the most important one first.
        """
        with self._changed:
            self._queue.clear()
            self._open.clear()
            self.finished, self._told["told"] = True, list(told)
            self._told["report"] = report if isinstance(report, str) else dict(report)
            self._changed.notify_all()

    def wait_for_farewell(self, seconds: float) -> bool:
        """After `finish`: wait until all pages that are open have shown the end, at most so long; whether they have."""
        with self._changed:
            return self._changed.wait_for(
                lambda: bool(self._farewells) and self._hands.present() <= self._farewells, seconds
            )

    # The person's side.

    def current(self, person: str = "") -> Question | None:
        """The question that this person is asked now, from then on open to their answer; None if there is none."""
        with self._changed:
            return self._hands.deal(person, self._queue.values())

    def state(self, person: str = "") -> dict[str, Any]:
        """All that a page shows, ready for JSON; see `workshop/labelling/page/page.js`.

        | key | what |
        | --- | --- |
        | question, next | {"number", "a", "b"} or null; a clip is {"frames", "columns", "seconds", "speed"}, a text \
          {"question", "answer"} |
        | undo | the number of this person's answer that can be undone, or null |
        | person, own | in a room: who this is, and how many answers they have given |
        | goal, needs_goal | text, maybe empty; whether the person is to say it first |
        | asking | what is asked |
        | given, wanted | answers so far, and in all |
        | given_again, wanted_again | those beside them to questions that are shown a second time |
        | skipped | questions skipped |
        | seconds_per_answer, seconds_left | the median, and an estimate, of the waiting too; null before the first \
          answer |
        | doing, share | what the agent does, and how much of it is done (0 to 1, or null) |
        | story, plot, agent, true_return | how often there was something to show; whether there is a plot; a clip or \
          null; a number or null |
        | told | what came of it in the end, sentences |
        | finished, report | whether the session is over, and its report: null, text, or texts by name |
        """
        with self._changed:
            question = self.current(person)  # is shown from now on
            following = None if person else next((q for q in self._queue.values() if q is not question), None)
            return {
                "question": outline(question),
                "next": outline(following),
                "undo": self._undoable(person),
                **({"person": person, "own": self.given_by()[person]} if person else {}),
                **self.overview(person),
            }

    def overview(self, person: str = "") -> dict[str, Any]:
        """What `state` tells, but for what this person alone is asked or may do."""
        with self._changed:
            asked = {"goal": self._goal, "asking": self._asking, "needs_goal": self._needs_goal and not self._goal}
            return asked | self._counts(person) | self._told | {"finished": self.finished}

    def given_by(self) -> Counter[str]:
        """How many answers each person has given so far, by name; skipped questions not counted."""
        with self._changed:
            answered = [a.labeller for a in self._answers.values() if a.preference is not None]
            return self._given_by_before + Counter(answered)

    def see(self, person: str) -> set[str]:
        """Note that this person's page is open, though they are asked nothing; all whose page is, by name."""
        with self._changed:
            self._hands.see(person)
            return self._hands.present()

    def clip(self, number: int, side: str) -> Clip:
        """The clip "a" or "b" of a question in the queue. Raises NotAsked."""
        question = self._queue.get(number)
        clip = getattr(question, side, None) if side in ("a", "b") else None
        if not isinstance(clip, Clip):
            raise NotAsked(f"there is no clip {side!r} of a question {number}")
        return clip

    def answer(self, number: int, preference: float | None, seconds: float, person: str = "") -> None:
        """Answer a question that this person has been shown; it is recorded when this returns.

        Raises NotAsked, AlreadyAnswered, a ValueError for a preference or a time that cannot be, or what `record`
        raises, an OSError as a rule; then nothing has changed.
        """
        if preference not in PREFERENCES or not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"no answer: preference {preference}, seconds {seconds}")
        with self._changed:
            if number in self._answers:
                raise AlreadyAnswered(f"question {number} has been answered")
            question = self._queue.get(number)
            if question is None or not self._hands.has(person, number):
                raise NotAsked(f"question {number} is not being asked")
            answer = Answer(number, None if preference is None else float(preference), float(seconds), False, person)
            self._record(answer)
            del self._queue[number]
            self._answers[number] = answer
            if question.again:
                self._again.add(number)
            self._open[number] = (question, answer)
            own = [n for n, (_, other) in self._open.items() if other.labeller == person]
            if len(own) > UNDO:  # their pictures take a lot of memory
                del self._open[own[0]]
            self._answered_at.append(time.monotonic())
            self._changed.notify_all()

    def undo(self, number: int, person: str = "") -> None:
        """Take back this person's latest answer, to this question, and ask it again next; then the one before can be.

        Raises CannotUndo, or what `record` raises; then nothing has changed.
        """
        with self._changed:
            if self._undoable(person) != number:
                raise CannotUndo(f"the answer to question {number} cannot be undone")
            question, answer = self._open[number]
            self._record(replace(answer, undone=True))
            del self._open[number], self._answers[number]
            self._queue = {number: question, **self._queue}
            self._changed.notify_all()

    def set_goal(self, goal: str) -> None:
        """Say what is judged by, where nobody has yet; it is on record when this returns, or `record_goal` raises."""
        with self._changed:
            if not self._goal:
                goal = " ".join(goal.split())
                self._record_goal(goal)
                self._goal, self._own_goal = goal, True

    def farewell(self, person: str = "") -> None:
        """Say that this person's page shows the end, so that the program may go."""
        with self._changed:
            if self.finished:
                self._farewells.add(person)
            self._changed.notify_all()

    def leave(self, why: str) -> None:
        """Say that nobody is there to answer any more: a trainer that waits, or will, gets LabellerLeft."""
        with self._changed:
            self._left = why
            self._changed.notify_all()

    def _undoable(self, person: str) -> int | None:
        """The number of the last of this person's answers that can be undone."""
        own = (number for number, (_, answer) in reversed(self._open.items()) if answer.labeller == person)
        return None if self._closed else next(own, None)

    def _counts(self, person: str) -> dict[str, float | None]:
        answered = [answer for answer in self._answers.values() if answer.preference is not None]
        again = sum(answer.number in self._again for answer in answered)
        given, given_again = self._given_before[0] + len(answered) - again, self._given_before[1] + again
        left = max(0, self._wanted - given) + max(0, self._wanted_again - given_again)
        own = [answer.seconds for answer in answered if answer.labeller == person]
        pace, turn = pace_and_turn(own, self._answered_at, alone=not person)
        return {
            "given": given,
            "given_again": given_again,
            "skipped": len(self._answers) - len(answered),
            "wanted": self._wanted,
            "wanted_again": self._wanted_again,
            "seconds_per_answer": pace,
            "seconds_left": None if turn is None else turn * left,
        }
