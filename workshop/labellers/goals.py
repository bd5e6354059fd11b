"""What a group of labellers may want: each a function of what is seen and of the true reward, in one line.

Add one of your own to the table, and `--labellers` takes it.
"""

from collections.abc import Callable, Mapping

import numpy as np

from workshop import CARTPOLE_ID
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
AS_TRUE = ("true", "upright")  # the same as the environment's own reward


def goals_of(env_id: str) -> Mapping[str, Goal]:
    """The goals that there are in this environment, by name."""
    return {**ELSEWHERE, **POLE} if without_module(env_id) == without_module(CARTPOLE_ID) else ELSEWHERE
