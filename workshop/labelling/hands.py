"""Who has which question, where several people answer at a time."""

import time
from collections.abc import Iterable

from workshop.labelling.questions import Question

AWAY = 5.0  # seconds without a sign of a page, after which whoever had it open is taken to have left
LONG = 20.0  # seconds that somebody may have a question to themselves while others have none


class Hands:
    """Deals each question to one person.

    Answers are learned from in the order of their questions, so nobody may keep one for good: who has none gets one
    that somebody has had for long, or who has left. Somebody alone has all that were ever dealt.
    """

    def __init__(self) -> None:
        self._held: dict[int, tuple[str, float]] = {}  # by whom and since when, by the question's number
        self._seen: dict[str, float] = {}

    def deal(self, person: str, queue: Iterable[Question]) -> Question | None:
        """The question of those in the queue that this person has from now on, if there is one to be had."""
        now = time.monotonic()
        self.see(person)
        waiting = list(queue)
        own = next((question for question in waiting if self.has(person, question.number)), None)
        if own is not None:
            return own
        for question in waiting:
            holder, since = self._held.get(question.number, ("", -LONG))
            if question.number not in self._held or now - since >= LONG or now - self._seen[holder] >= AWAY:
                self._held[question.number] = person, now
                return question
        return None

    def has(self, person: str, number: int) -> bool:
        """Whether this person has been dealt this question, and nobody else since."""
        return number in self._held and self._held[number][0] == person

    def dealt(self, number: int) -> bool:
        """Whether anybody has been dealt this question."""
        return number in self._held

    def see(self, person: str) -> None:
        """Note that this person's page is open now."""
        self._seen[person] = time.monotonic()

    def present(self) -> set[str]:
        """Those whose page is open, by name."""
        now = time.monotonic()
        return {person for person, seen in self._seen.items() if now - seen < AWAY}
