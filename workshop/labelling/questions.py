"""Questions as they are put to a person, and what is answered."""

from dataclasses import asdict, dataclass
from typing import Any

from workshop.labelling.clips import Clip
from workshop.labelling.texts import Text

Side = Clip | Text


class NotAsked(Exception):
    """No question of this number is being asked, or it has not been shown yet."""


class AlreadyAnswered(Exception):
    """The question has an answer, from another tab perhaps, or from the same request sent twice."""


class CannotUndo(Exception):
    """This is not the latest answer, or nothing will be learned any more."""


class LabellerLeft(Exception):
    """Nobody is there to answer any more; the text says why."""


@dataclass(frozen=True, eq=False)
class Question:
    """Which of two clips, or texts, is better? `a` is shown on the left, `b` on the right."""

    number: int
    a: Side
    b: Side
    again: bool = False  # shown before, to see how consistent the person is


@dataclass(frozen=True)
class Answer:
    """An answer to a question, or the undoing of it.

    | field | what |
    | --- | --- |
    | number | the question's |
    | preference | 0.0: a, the left one, is better; 1.0: b; 0.5: equally good; None: skipped |
    | seconds | how long the person looked at the question, ≥ 0 |
    | undone | the person has taken back the answer that the other fields tell |
    | labeller | who gives it, in a room; "" where there is but one person |
    """

    number: int
    preference: float | None
    seconds: float
    undone: bool = False
    labeller: str = ""


def outline(question: Question | None) -> dict[str, Any] | None:
    """A question as a page is told of it, ready for JSON."""
    if question is None:
        return None
    return {"number": question.number, "a": side_outline(question.a), "b": side_outline(question.b)}


def side_outline(side: Side | None) -> dict[str, Any] | None:
    """A side of a question as a page is told of it, ready for JSON; the pictures of a clip are asked for separately."""
    if side is None or isinstance(side, Text):
        return None if side is None else asdict(side)
    clip = side
    return {"frames": len(clip), "columns": clip.columns, "seconds": clip.seconds, "speed": clip.speed}
