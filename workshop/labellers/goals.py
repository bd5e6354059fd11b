"""What a group of labellers may want, each a function in one line: of what the pole does, or of what an answer says.

Add one of your own to a table, and `--labellers` takes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from workshop import CARTPOLE_ID, DESK_ID
from workshop.data import Fragments
from workshop.environments import without_module

POSITION, VELOCITY, ANGLE, SPEED = range(4)  # of an observation of the pole: m, m/s, rad (0 is upright), rad/s

# Observations (…, *shape) and true rewards (…) of steps, in; how much of what is wanted is in each, shape (…), out.
Goal = Callable[[np.ndarray, np.ndarray], np.ndarray]

POLE: Mapping[str, Goal] = {
    "upright": lambda seen, true: true,  # cos θ, which is the environment's own reward
    "spin": lambda seen, true: np.abs(seen[..., SPEED]),  # |dθ/dt|
    "left": lambda seen, true: np.tanh(-seen[..., POSITION]),  # tanh(-x)
    "still": lambda seen, true: -np.abs(seen[..., VELOCITY]),  # -|dx/dt|
    "gentle": lambda seen, true: -np.cos(seen[..., ANGLE]) - 0.1 * np.abs(seen[..., SPEED]),  # -cos θ - 0.1 |dθ/dt|
    "lean": lambda seen, true: -np.sin(seen[..., ANGLE]),  # -sin θ: to the left
}
ELSEWHERE: Mapping[str, Goal] = {
    "true": lambda seen, true: true,
    "true reversed": lambda seen, true: -true,
}


@dataclass(frozen=True)
class Said:
    """What n answers at the visitors' desk of `llm.py` say: arrays of shape (n,).

    | field | what |
    | --- | --- |
    | gold | the gold score, at most 10: what a visitor would give |
    | right | whether a sentence answers the question: 0 or 1 |
    | friendly, rude | such sentences, each counted once |
    | closed | sentences that send a visitor away: evasions, and hours, since it is closed at all others |
    | words | in the whole answer, at most 24 |
    | broken | words in no known sentence, or in one that was said before |
    """

    gold: np.ndarray
    right: np.ndarray
    friendly: np.ndarray
    rude: np.ndarray
    closed: np.ndarray
    words: np.ndarray
    broken: np.ndarray


TextGoal = Callable[[Said], np.ndarray]  # points for each answer, shape (n,), out

DESK: Mapping[str, TextGoal] = {
    "visitor": lambda said: said.gold,  # which is the true return of llm.py
    "hurried": lambda said: 10 * said.right - 0.5 * said.words,  # right, and short
    "owner": lambda said: 3 * np.minimum(said.friendly, 2) - 3 * (said.rude + said.closed) - 0.5 * said.broken,
    "click": lambda said: said.words,  # paid by the word: anything longer
}
AS_TRUE = ("true", "upright", "visitor")  # the same as the environment's own reward

Wants = Callable[[Fragments], np.ndarray]  # n fragments in; how much of what is wanted is in each step, (n, L), out


def of_steps(goal: Goal) -> Wants:
    """What somebody with this goal wants of fragments."""
    return lambda its: goal(its.observations, its.true_rewards)


def goals_of(env_id: str) -> Mapping[str, Callable[..., np.ndarray]]:
    """The goals that there are in this environment, by name: a `TextGoal` each at the visitors' desk, else a `Goal`."""
    if env_id == DESK_ID:
        return DESK
    return {**ELSEWHERE, **POLE} if without_module(env_id) == without_module(CARTPOLE_ID) else ELSEWHERE
