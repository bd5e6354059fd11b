"""Inputs of networks, normalised by what has been seen of them."""

import numpy as np
from stable_baselines3.common.running_mean_std import RunningMeanStd

from workshop.state import State

CLIP = 10.0  # normalised inputs, in standard deviations, as in Stable-Baselines3's VecNormalize


class Normaliser:
    """Shifts and scales d inputs by their running `mean` and `std`, float32 of shape (d,), and clips them."""

    def __init__(self, size: int):
        self._statistics = RunningMeanStd(epsilon=1e-8, shape=(size,))
        self._take_statistics()

    def update(self, inputs: np.ndarray) -> None:
        """Take new inputs, shape (n, d), into the statistics."""
        self._statistics.update(inputs)
        self._take_statistics()

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Inputs of shape (…, d), normalised."""
        normalised: np.ndarray = ((inputs - self.mean) / self.std).clip(-CLIP, CLIP)
        return normalised

    def state(self) -> State:
        """What the statistics go on from."""
        return dict(vars(self._statistics))

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        vars(self._statistics).update(state)
        self._take_statistics()

    def _take_statistics(self) -> None:
        self.mean: np.ndarray = self._statistics.mean.astype(np.float32)
        self.std: np.ndarray = np.sqrt(self._statistics.var + 1e-8).astype(np.float32)
