"""Observations and actions as the numbers that a network takes."""

import numpy as np
from gymnasium import spaces


def encode(
    observation_space: spaces.Space, action_space: spaces.Space, observations: np.ndarray, actions: np.ndarray
) -> np.ndarray:
    """Flatten and join observations and actions, of shapes (…, *space shape), to shape (…, d).

    A `Box` is taken as it is, an element of a `Discrete` space as a one-hot vector.
    """
    return np.concatenate([flatten(observation_space, observations), flatten(action_space, actions)], axis=-1)


def encoded_size(observation_space: spaces.Space, action_space: spaces.Space) -> int:
    """The number d of numbers that `encode` makes of one observation and action."""
    return spaces.flatdim(observation_space) + spaces.flatdim(action_space)


def flatten(space: spaces.Space, values: np.ndarray) -> np.ndarray:
    """Elements of a space, shape (…, *space shape), as vectors, float32 of shape (…, d)."""
    if isinstance(space, spaces.Discrete):
        return np.eye(int(space.n), dtype=np.float32)[values - space.start]
    leading = values.shape[: values.ndim - len(space.shape)]
    return values.reshape(*leading, spaces.flatdim(space)).astype(np.float32, copy=False)
