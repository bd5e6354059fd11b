"""Elements of the spaces of observations and of actions."""

from typing import Any

import numpy as np
from gymnasium import spaces

# of observations or of actions: a Box or Discrete, which `environment_spec` sees to
Space = spaces.Space[Any]


def no_elements(space: Space, *leading: int) -> np.ndarray:
    """An array of the space's type, shape (*leading, *space shape), one of the leading dimensions being 0."""
    return np.empty((*leading, *shape_of(space)), space.dtype)


def shape_of(space: Space) -> tuple[int, ...]:
    """The shape of a space's elements."""
    assert space.shape is not None, "a Box or Discrete has a shape"
    return space.shape
