"""A labelling session: what the trainer's thread and the person's page or terminal share."""

import math
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from workshop.labelling.clips import Clip
from workshop.labelling.texts import Text

Side = Clip | Text

WAKE = 0.2  # seconds: a waiting main thread looks up so often, or Ctrl-C would not reach it on Windows
PREFERENCES = (0.0, 0.5, 1.0, None)


class NotAsked(Exception):
    """No question of this number is being asked, or it has not been shown yet."""


class AlreadyAnswered(Exception):
    """The question has an answer, from another tab perhaps, or from the same request sent twice."""


class CannotUndo(Exception):
    """This is not the latest answer, or the trainer has already taken it."""


class LabellerLeft(Exception):
    """Nobody is there to answer any more; the text says why."""


@dataclass(frozen=True, eq=False)
class Question:
    """Which of two clips, or texts, is better? `a` is shown on the left, `b` on the right."""

    number: int
    a: Side
    b: Side


@dataclass(frozen=True)
class Answer:
    """An answer to a question, or the undoing of it.

    | field | what |
    | --- | --- |
    | number | the question's |
    | preference | 0.0: a, the left one, is better; 1.0: b; 0.5: equally good; None: skipped |
    | seconds | how long the person looked at the question, ≥ 0 |
    | undone | the person has taken back the answer that the other fields tell |
    """

    number: int
    preference: float | None
    seconds: float
    undone: bool = False


class LabellingSession:
    """Questions in a queue, their answers, and what the agent is doing; every method may be called from any thread.

    | argument | what |
    | --- | --- |
    | record | called with each answer before it is acknowledged: once it returns, the answer must be on disk. If it \
      raises, the answer is refused and the session is as it was. It must not call the session |
    | wanted | how many answers the whole run asks for, skipped questions not counted |
    | given | how many of them a resumed run has already |
    | goal | what the person is to judge by, shown above the clips; "" if that is left to them |
    | asking | what the person is asked; by default, which clip is better, or closer to the goal |
    | show_true_return | whether the person may see the true return |
    | undo_seconds | `wait` leaves the latest answer open for so long, to be undone |

    | attribute | what |
    | --- | --- |
    | finished | whether the session has ended |
    | plot, latest_clip | to show now: a PNG, and a clip of the agent; None as long as there is none |
    """

    def __init__(
        self,
        record: Callable[[Answer], None],
        wanted: int,
        *,
        given: int = 0,
        goal: str = "",
        asking: str = "",
        show_true_return: bool = False,
        undo_seconds: float = 2.0,
    ):
        self._record, self._wanted, self._given_before, self._goal = record, wanted, given, goal
        self._asking = asking or ("Which clip is closer to the goal?" if goal else "Which clip is better?")
        self._show_true_return, self._undo_seconds = show_true_return, undo_seconds
        self._changed = threading.Condition()
        self._queue: dict[int, Question] = {}  # by number, in the order in which they are asked
        self._shown: set[int] = set()
        self._latest_number = -1
        self._open: dict[int, tuple[Question, Answer]] = {}  # answers that can be undone, in their order
        self._answers: dict[int, Answer] = {}  # all of them
        self._answered_at = -math.inf
        self._farewell = False
        self._left = ""
        self.finished = False
        self.plot: bytes | None = None
        self.latest_clip: Clip | None = None
        # what the trainer tells, as `state` has it
        self._told: dict[str, Any] = {"story": 0, "plot": False, "agent": None, "true_return": None, "report": None}
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

    def wait(self, numbers: Collection[int]) -> dict[int, float | None]:
        """Wait until all these questions are answered; their preferences by number. They can no longer be undone.

        Raises NotAsked if one of them never was asked, and LabellerLeft if nobody is there to answer.
        """
        with self._changed:
            while not self._settled(numbers):
                if self._left:
                    raise LabellerLeft(self._left)
                self._changed.wait(WAKE)
            for number in numbers:
                self._open.pop(number, None)
            return {number: self._answers[number].preference for number in numbers}

    def tell(self, doing: str, share: float | None = None) -> None:
        """Say what the agent does now ("rolling out", "fitting", "training"), and how much of it is done, 0 to 1."""
        with self._changed:
            self._told |= {"doing": doing, "share": None if share is None else min(1.0, max(0.0, float(share)))}

    def show(self, plot_png: bytes | None, clip: Clip | None = None, true_return: float | None = None) -> None:
        """After an iteration: a plot of the learned reward's story (a PNG), and the agent's latest clip."""
        with self._changed:
            self.plot, self.latest_clip = plot_png, clip
            self._told |= {"story": self._told["story"] + 1, "plot": plot_png is not None, "agent": _side_outline(clip)}
            self._told["true_return"] = true_return if self._show_true_return else None

    def finish(self, report: str | Mapping[str, str]) -> None:
        """End the session: no more questions. The report is a text, or values by what they tell."""
        with self._changed:
            self._queue.clear()
            self._open.clear()
            self.finished, self._told["report"] = True, report if isinstance(report, str) else dict(report)
            self._changed.notify_all()

    def wait_for_farewell(self, seconds: float) -> bool:
        """After `finish`: wait until a page has shown the end, at most so long; whether one has."""
        with self._changed:
            return self._changed.wait_for(lambda: self._farewell, seconds)

    # The person's side.

    def current(self) -> Question | None:
        """The question that is asked now, from then on open to an answer; None if there is none."""
        with self._changed:
            question = next(iter(self._queue.values()), None)
            if question is not None:
                self._shown.add(question.number)
            return question

    def state(self) -> dict[str, Any]:
        """All that a page shows, ready for JSON; see `workshop/labelling/page/page.js`.

        | key | what |
        | --- | --- |
        | question, next | {"number", "a", "b"} or null; a clip is {"frames", "columns", "seconds", "speed"}, a text \
          {"question", "answer"} |
        | undo | the number of the answer that can be undone, or null |
        | goal, asking | text, maybe empty; what is asked |
        | given, skipped, wanted | answers so far, questions skipped, answers in all |
        | seconds_per_answer, seconds_left | the median, and an estimate from it; null before the first answer |
        | doing, share | what the agent does, and how much of it is done (0 to 1, or null) |
        | story, plot, agent, true_return | how often there was something to show; whether there is a plot; a clip or \
          null; a number or null |
        | finished, report | whether the session is over, and its report: null, text, or texts by name |
        """
        with self._changed:
            self.current()  # is shown from now on
            question, following, *_ = *self._queue.values(), None, None
            return {
                "question": _outline(question),
                "next": _outline(following),
                "undo": next(reversed(self._open), None),
                "goal": self._goal,
                "asking": self._asking,
                **self._counts(),
                **self._told,
                "finished": self.finished,
            }

    def clip(self, number: int, side: str) -> Clip:
        """The clip "a" or "b" of a question in the queue. Raises NotAsked."""
        question = self._queue.get(number)
        clip = getattr(question, side, None) if side in ("a", "b") else None
        if not isinstance(clip, Clip):
            raise NotAsked(f"there is no clip {side!r} of a question {number}")
        return clip

    def answer(self, number: int, preference: float | None, seconds: float) -> None:
        """Answer a question that has been shown; it is recorded when this returns.

        Raises NotAsked, AlreadyAnswered, a ValueError for a preference or a time that cannot be, or what `record`
        raises, an OSError as a rule; then nothing has changed.
        """
        if preference not in PREFERENCES or not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"no answer: preference {preference}, seconds {seconds}")
        with self._changed:
            if number in self._answers:
                raise AlreadyAnswered(f"question {number} has been answered")
            question = self._queue.get(number)
            if question is None or number not in self._shown:
                raise NotAsked(f"question {number} is not being asked")
            answer = Answer(number, None if preference is None else float(preference), float(seconds))
            self._record(answer)
            del self._queue[number]
            self._answers[number] = answer
            self._open[number] = (question, answer)
            self._answered_at = time.monotonic()
            self._changed.notify_all()

    def undo(self, number: int) -> None:
        """Take back the latest answer, which is to this question, and ask it again next.

        Raises CannotUndo, or what `record` raises; then nothing has changed.
        """
        with self._changed:
            if next(reversed(self._open), None) != number:
                raise CannotUndo(f"the answer to question {number} cannot be undone")
            question, answer = self._open[number]
            self._record(replace(answer, undone=True))
            del self._open[number], self._answers[number]
            self._queue = {number: question, **self._queue}
            self._changed.notify_all()

    def farewell(self) -> None:
        """Say that the page shows the end, so that the program may go."""
        with self._changed:
            self._farewell = self.finished
            self._changed.notify_all()

    def leave(self, why: str) -> None:
        """Say that nobody is there to answer any more: a trainer that waits, or will, gets LabellerLeft."""
        with self._changed:
            self._left = why
            self._changed.notify_all()

    def _settled(self, numbers: Collection[int]) -> bool:
        unanswered = [number for number in numbers if number not in self._answers]
        if unknown := set(unanswered) - self._queue.keys():
            raise NotAsked(f"questions {sorted(unknown)} were never asked")
        if unanswered:
            return False
        # An answer that came after another one has had its time; only the very latest is held back.
        held = next(reversed(self._open), None) in numbers
        return not held or time.monotonic() >= self._answered_at + self._undo_seconds

    def _counts(self) -> dict[str, float | None]:
        answered = [answer for answer in self._answers.values() if answer.preference is not None]
        given = self._given_before + len(answered)
        pace = median(answer.seconds for answer in answered) if answered else None
        return {
            "given": given,
            "skipped": len(self._answers) - len(answered),
            "wanted": self._wanted,
            "seconds_per_answer": pace,
            "seconds_left": None if pace is None else pace * max(0, self._wanted - given),
        }


def _outline(question: Question | None) -> dict[str, Any] | None:
    if question is None:
        return None
    return {"number": question.number, "a": _side_outline(question.a), "b": _side_outline(question.b)}


def _side_outline(side: Side | None) -> dict[str, Any] | None:
    if side is None or isinstance(side, Text):
        return None if side is None else asdict(side)
    clip = side
    return {"frames": len(clip), "columns": clip.columns, "seconds": clip.seconds, "speed": clip.speed}
