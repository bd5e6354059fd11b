"""What a learned reward makes of each of its inputs by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from gymnasium import spaces

from workshop.data import Rollouts, Space

MemberRewards = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (n, …) observations and actions to (M, n) rewards

TRANSITIONS = 200  # that the other inputs are taken from
POINTS = 41  # along an input
MOST_VALUES = 60  # of an input that has but some
MOST_INPUTS = 30  # that are looked at; of more, those that the reward goes along with
OUTLIERS = 1.0, 99.0  # percentiles, beyond which an input has been too seldom to be drawn


@dataclass(frozen=True)
class Dependence:
    """The partial dependence (Friedman 2001) of the members' standardised rewards on one input.

    | field | what |
    | --- | --- |
    | of, index | "observation" or "action", and which number of it |
    | discrete | whether it is one of a few values, without anything between |
    | values | those that the input was given, shape (k,) |
    | rewards | of each member, the mean over the transitions with this value in them, shape (M, k) |
    | seen | what the input was in these transitions, shape (n,) |
    """

    of: Literal["observation", "action"]
    index: int
    discrete: bool
    values: np.ndarray
    rewards: np.ndarray
    seen: np.ndarray

    @property
    def importance(self) -> float:
        """How much the reward changes along the input: the standard deviation of the members' mean."""
        return float(self.rewards.mean(axis=0).std())


def partial_dependence(
    member_rewards: MemberRewards, rollouts: Rollouts, observation_space: Space, action_space: Space
) -> list[Dependence]:
    """The dependence on every input, observations first; with very many, on those that the reward goes along with.

    One input is varied over its range, while the others are as they were in up to 200 transitions of the rollouts,
    drawn with the same seed each time.
    """
    observations, actions = rollouts.transitions()
    drawn = np.random.default_rng(0).permutation(len(actions))[:TRANSITIONS]
    observations, actions = observations[drawn], actions[drawn]
    rewards = member_rewards(observations, actions).mean(axis=0)
    found = []
    for of, index in _inputs(observations, actions, rewards):
        array, space = (observations, observation_space) if of == "observation" else (actions, action_space)
        seen = array.reshape(len(array), -1)[:, index]
        values = _range(seen, space, index)
        of_each = []
        for value in values:
            varied = array.copy()
            varied.reshape(len(array), -1)[:, index] = value
            pair = (varied, actions) if of == "observation" else (observations, varied)
            of_each.append(member_rewards(*pair).mean(axis=1))
        discrete = isinstance(space, spaces.Discrete)
        found.append(Dependence(of, index, discrete, values, np.stack(of_each, axis=1), seen))
    return found


def _inputs(
    observations: np.ndarray, actions: np.ndarray, rewards: np.ndarray
) -> list[tuple[Literal["observation", "action"], int]]:
    """Which inputs are looked at: all of them or, of very many, those that are correlated most with the rewards."""
    arrays = {"observation": observations, "action": actions}
    flat = {of: array.reshape(len(array), -1).astype(np.float64) for of, array in arrays.items()}
    inputs = [(of, index) for of, array in flat.items() for index in range(array.shape[1])]
    if len(inputs) > MOST_INPUTS:
        together = np.concatenate(list(flat.values()), axis=1)
        together -= together.mean(axis=0)
        norms = np.linalg.norm(together, axis=0)
        along = np.abs((rewards - rewards.mean()) @ together) / np.where(norms > 0, norms, np.inf)
        inputs = [inputs[place] for place in sorted(np.argsort(-along, kind="stable")[:MOST_INPUTS])]
    return inputs  # type: ignore[return-value]  # the names are those of `arrays`


def _range(seen: np.ndarray, space: Space, index: int) -> np.ndarray:
    """The values that an input is given: all that it can have or, of a continuous one, evenly spaced ones."""
    if isinstance(space, spaces.Discrete):
        values = np.arange(space.start, space.start + space.n)
        return values[:: -(-len(values) // MOST_VALUES)]
    assert isinstance(space, spaces.Box), "environment_spec takes no others"
    low, high = (float(bound.reshape(-1)[index]) for bound in (space.low, space.high))
    least, most = np.percentile(seen, OUTLIERS)
    if np.isfinite(high - low) and high - low <= 2 * (
        float(seen.max()) - float(seen.min())
    ):  # it has been nearly everywhere
        least, most = low, high
    return np.linspace(least, most, POINTS)
