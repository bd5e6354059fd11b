"""Fragments of trajectories."""

from dataclasses import dataclass, fields

import numpy as np

from workshop.data.rollouts import Rollouts


@dataclass(frozen=True)
class Fragments:
    """n contiguous pieces of episodes, each of L steps.

    | field | shape | what |
    | --- | --- | --- |
    | observations | (n, L, *observation shape) | the states acted in |
    | actions | (n, L, *action shape) | the actions taken in them |
    | true_rewards | (n, L), float32 | the environment's own rewards: for the oracle alone |
    """

    observations: np.ndarray
    actions: np.ndarray
    true_rewards: np.ndarray

    def __len__(self) -> int:
        return len(self.true_rewards)

    def __getitem__(self, index: np.ndarray | slice) -> "Fragments":
        return Fragments(*(getattr(self, field.name)[index] for field in fields(self)))

    def followed_by(self, later: "Fragments") -> "Fragments":
        """These fragments and then `later` ones."""
        return Fragments(*(np.concatenate([getattr(self, f.name), getattr(later, f.name)]) for f in fields(self)))

    @property
    def true_returns(self) -> np.ndarray:
        """The undiscounted sums of the true rewards, float64 of shape (n,)."""
        returns: np.ndarray = self.true_rewards.sum(axis=1, dtype=np.float64)
        return returns


def cut(rollouts: Rollouts, starts: np.ndarray, length: int) -> Fragments:
    """The fragments of `length` steps that begin at `starts`: integers (n, 2), step and environment."""
    steps, environments = starts[:, :1] + np.arange(length), starts[:, 1:]
    return Fragments(*(getattr(rollouts, field.name)[steps, environments] for field in fields(Fragments)))
