"""Observations and actions as the numbers that a network takes."""

from functools import cache

import numpy as np
from gymnasium import spaces

from workshop.data import Space, shape_of


def encode(
    observation_space: Space, action_space: Space | None, observations: np.ndarray, actions: np.ndarray
) -> np.ndarray:
    """Flatten and join observations and actions, of shapes (…, *space shape), to shape (…, d).

    A `Box` is taken as it is, an element of a `Discrete` space as a one-hot vector. Without an action space, the
    observations are taken alone.
    """
    if action_space is None:
        return as_vectors(observation_space, observations)
    return np.concatenate([as_vectors(observation_space, observations), as_vectors(action_space, actions)], axis=-1)


def encoded_size(observation_space: Space, action_space: Space | None) -> int:
    """The number d of numbers that `encode` makes of one observation and action."""
    return spaces.flatdim(observation_space) + (0 if action_space is None else spaces.flatdim(action_space))


def as_vectors(space: Space, values: np.ndarray) -> np.ndarray:
    """Elements of a space, shape (…, *space shape), as vectors, float32 of shape (…, d)."""
    if isinstance(space, spaces.Discrete):
        one_hot: np.ndarray = _one_hot_vectors(int(space.n))[values - space.start]
        return one_hot
    leading = values.shape[: values.ndim - len(shape_of(space))]
    return values.reshape(*leading, spaces.flatdim(space)).astype(np.float32, copy=False)


@cache  # since they are asked for in each step
def _one_hot_vectors(n: int) -> np.ndarray:
    """All n of them, float32 of shape (n, n)."""
    return np.eye(n, dtype=np.float32)
