"""What a person is shown of a fragment: its pictures, by the environment's own renderer and without a window."""

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from workshop import CARTPOLE_ID
from workshop.data import Rollouts
from workshop.environments import FixedHorizonCartPoleEnv, draw, make_renderer, replay
from workshop.labelling.clips import NO_FRAMES, Clip
from workshop.labelling.pole_text import draw_pole


class FragmentClips:
    """Makes clips of fragments of rollouts in an environment whose copies were seeded `seed`, `seed + 1`, ….

    The pole is drawn from what was observed. Of other environments an observation does not tell the whole state, so the
    copy that the fragment is from is played again, from its seed and the actions taken in it. `pictures` is whether
    clips have frames; the pole's have text, too.
    """

    def __init__(self, spec: EnvSpec, seed: int, pictures: bool):
        self._seed = seed
        self._is_pole = spec.id == CARTPOLE_ID
        self._env = make_renderer(spec) if pictures else gymnasium.make(spec)
        self._pictures = pictures
        self._frames_per_second = float(self._env.metadata.get("render_fps", 30))

    def clip(self, rollouts: Rollouts, observations: np.ndarray, actions: np.ndarray) -> Clip:
        """The clip of the fragment of these rollouts with these observations (L, …) and actions (L, …).

        Raises a RunError if the environment does not do the same again.
        """
        if self._is_pole:
            frames = self._draw_pole(observations) if self._pictures else NO_FRAMES
            return Clip(frames, self._frames_per_second, draw_pole(observations))
        frames = self._play_again(rollouts, *find(rollouts, observations, actions), len(observations))
        return Clip(frames, self._frames_per_second)

    def _draw_pole(self, observations: np.ndarray) -> np.ndarray:
        pole = self._env.unwrapped
        assert isinstance(pole, FixedHorizonCartPoleEnv)
        self._env.reset(seed=0)
        frames = []
        for observation in observations:
            pole.state = observation.astype(np.float64)
            frames.append(draw(self._env))
        return np.array(frames)

    def _play_again(self, rollouts: Rollouts, first: int, copy: int, length: int) -> np.ndarray:
        starts = np.flatnonzero(rollouts.episode_starts[: first + length, copy])
        states = replay(
            self._env,
            self._seed + copy,
            rollouts.actions[: first + length, copy],
            {int(step): rollouts.observations[step, copy] for step in starts},
        )
        shown = range(first, first + length)
        return np.array([draw(self._env) for step, _ in enumerate(states) if step in shown])


def find(rollouts: Rollouts, observations: np.ndarray, actions: np.ndarray) -> tuple[int, int]:
    """The step and the environment at which the fragment with these observations and actions begins in the rollouts.

    Raises a ValueError if there is none.
    """
    length = len(observations)
    axes = tuple(range(2, rollouts.observations.ndim))
    alike = (rollouts.observations == observations[0]).all(axis=axes)
    for step, copy in np.argwhere(alike):
        here = slice(step, step + length), copy
        pairs = (rollouts.observations, observations), (rollouts.actions, actions)
        if all(np.array_equal(played[here], shown) for played, shown in pairs):
            return int(step), int(copy)
    raise ValueError("there is no such fragment in the rollouts")
