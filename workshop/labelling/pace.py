"""How fast people answer."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

LATEST = 10  # answers, from which the time between two is taken


def pace_and_turn(own: Sequence[float], answered_at: Sequence[float], alone: bool) -> tuple[float | None, float | None]:
    """Seconds that somebody needs for an answer, and seconds from one answer to the next; None where nobody can tell.

    `own` is how long their own answers took, whose median the first is; `answered_at` is when, in seconds, the answers
    came, whoever gave them, so that the waiting between them is counted in. Who is `alone` needs no less from one to
    the next than for one.
    """
    pace = median(own) if own else None
    turns = [after - before for before, after in pairwise(answered_at[-LATEST - 1 :])]
    turn = sum(turns) / len(turns) if turns else None
    if alone:
        turn = None if pace is None else max(pace, turn or 0)
    return pace, turn
