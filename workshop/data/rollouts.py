"""What the agent did: the transitions of all its environments, kept in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from workshop.data.elements import Space, no_elements


@dataclass
class Rollouts:
    """Transitions of n environments stepped together for T steps, to which later ones can be added.

    | field | shape | what |
    | --- | --- | --- |
    | observations | (T, n, *observation shape) | the state acted in |
    | actions | (T, n, *action shape) | the action taken in it |
    | true_rewards | (T, n), float32 | the environment's own reward: for the oracle and reports alone |
    | episode_starts | (T, n), bool | whether the step is the first of its episode |

    `newest` is the step at which the newest rollouts begin; the older ones lie before it.
    """

    observations: np.ndarray
    actions: np.ndarray
    true_rewards: np.ndarray
    episode_starts: np.ndarray
    newest: int = field(default=0, kw_only=True)
    _room: int = field(default=0, init=False, repr=False)
    _buffers: dict[str, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def empty(cls, n_envs: int, observation_space: Space, action_space: Space, room: int = 0) -> "Rollouts":
        """No transitions yet, and room for as many steps as will come, if that is known."""
        observations, actions = (no_elements(space, 0, n_envs) for space in (observation_space, action_space))
        rollouts = cls(observations, actions, np.empty((0, n_envs), np.float32), np.empty((0, n_envs), bool))
        rollouts._room = room
        return rollouts

    def __len__(self) -> int:
        """The number of transitions, T times n."""
        return self.true_rewards.size

    def add(self, later: "Rollouts") -> None:
        """Add `later` rollouts of the same environments; an episode may span both.

        The arrays have room for all, or room to grow, as Python's lists do, so that a long run is not copied again and
        again.
        """
        self.newest = len(self.true_rewards)
        for name, added in later.arrays().items():
            so_far, steps = getattr(self, name), self.newest + len(added)
            buffer = self._buffers.get(name, so_far)
            if len(buffer) < steps:
                room = self._room if self._room >= steps else 2 * steps
                buffer = self._buffers[name] = np.empty((room, *added.shape[1:]), added.dtype)
                buffer[: self.newest] = so_far
            buffer[self.newest : steps] = added
            setattr(self, name, buffer[:steps])

    def transitions(self, at_most: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Observations (k, *shape) and actions (k, *shape), all of them or evenly spaced to be `at_most` so many."""
        every = 1 if at_most is None else -(-len(self) // at_most)
        observations, actions = (
            array.reshape(-1, *array.shape[2:])[::every] for array in (self.observations, self.actions)
        )
        return observations, actions

    @property
    def new(self) -> "Rollouts":
        """The newest of them, which were added last."""
        return Rollouts(*(array[self.newest :] for array in self.arrays().values()))

    def arrays(self) -> dict[str, np.ndarray]:
        """Their arrays by name."""
        return {name: getattr(self, name) for name in ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Rollouts":
        """Rollouts with these `arrays`."""
        return cls(*(arrays[name] for name in ARRAYS))

    def fragment_starts(self, length: int) -> np.ndarray:
        """Where a fragment of `length` steps can begin without crossing a reset: (k, 2), step and environment."""
        episode = np.cumsum(self.episode_starts, axis=0, dtype=np.int32)
        last = max(0, len(episode) - length + 1)
        return np.argwhere(episode[:last] == episode[length - 1 :])


ARRAYS = ("observations", "actions", "true_rewards", "episode_starts")
