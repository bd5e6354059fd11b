"""What a person is shown of a fragment: its pictures, by the environment's own renderer and without a window."""

from dataclasses import replace

import numpy as np
from gymnasium.envs.registration import EnvSpec
from PIL import Image

from workshop import CARTPOLE_ID
from workshop.data import Comparisons, Rollouts
from workshop.environments import Renderer, checksum, needed_of, pole_pictures, what_moves
from workshop.labelling.clips import NO_FRAMES, Clip
from workshop.labelling.pole_text import draw_pole
from workshop.messages import RunError

ANGLE = 2  # the place of the pole's angle in an observation
POLE_FPS = 50.0  # its step is 0.02 s


class FragmentClips:
    """Makes clips of fragments of rollouts in an environment whose copies were seeded `seed`, `seed + 1`, ….

    The pole is drawn from what was observed. Of other environments an observation does not tell the whole state, so the
    copy that the fragment is from is played again, from its seed and the actions taken in it. `pictures` is whether
    clips have frames; the pole's have text, too.
    """

    def __init__(self, spec: EnvSpec, seed: int, pictures: bool):
        self._spec, self._seed = spec, seed
        self._is_pole, self._pictures = spec.id == CARTPOLE_ID, pictures
        self._renderer = Renderer(spec) if pictures and not self._is_pole else None
        self._frames_per_second = POLE_FPS if self._renderer is None else self._renderer.frames_per_second

    def sides(self, rollouts: Rollouts, pairs: Comparisons) -> list[tuple[Clip, Clip]]:
        """The two clips of each of these pairs of fragments of the rollouts, of which what moves is shown."""
        shown = []
        for row in range(len(pairs)):
            fragments = pairs.fragments_a[row : row + 1], pairs.fragments_b[row : row + 1]
            if self._is_pole:
                part = needed_of(np.concatenate([each.observations[0, :, ANGLE] for each in fragments]))
                a, b = (self._draw_pole(each.observations[0], part) for each in fragments)
            else:
                a, b = crop_to_what_moves(
                    *(self.clip(rollouts, each.observations[0], each.actions[0]) for each in fragments)
                )
            shown.append((a, b))
        return shown

    def clip(self, rollouts: Rollouts, observations: np.ndarray, actions: np.ndarray) -> Clip:
        """The clip of the fragment of these rollouts with these observations (L, …) and actions (L, …).

        Raises a RunError if the environment does not do the same again.
        """
        if self._is_pole:
            return self._draw_pole(observations)
        place = find(rollouts, observations, actions)
        try:
            frames = self._play_again(rollouts, *place, len(observations))
        except RunError:  # maybe it keeps something over a reset, which one that has not been used does not have
            assert self._renderer is not None, "but for the pole, clips have frames"
            self._renderer.close()
            self._renderer = Renderer(self._spec)
            frames = self._play_again(rollouts, *place, len(observations))
        return Clip(frames, self._frames_per_second)

    def _draw_pole(self, observations: np.ndarray, *part: tuple[int, int, int, int]) -> Clip:
        frames = pole_pictures(observations, *part) if self._pictures else NO_FRAMES
        return Clip(frames, self._frames_per_second, draw_pole(observations))

    def _play_again(self, rollouts: Rollouts, first: int, copy: int, length: int) -> np.ndarray:
        renderer, end = self._renderer, first + length
        assert renderer is not None, "but for the pole, clips have frames"
        starts = np.flatnonzero(rollouts.episode_starts[:end, copy])
        states = renderer.replay(
            self._seed + copy,
            rollouts.actions[:end, copy],
            [checksum(observation) for observation in rollouts.observations[:end, copy]],
            {int(step): rollouts.observations[step, copy] for step in starts},
        )
        return np.array([renderer.picture() for step, _ in enumerate(states) if first <= step < end])


def crop_to_what_moves(a: Clip, b: Clip) -> tuple[Clip, Clip]:
    """The two clips, of pictures of one size, without what is still in both; both are cropped alike."""
    clips = [[Image.fromarray(frame) for frame in clip.frames] for clip in (a, b)]
    left, top, right, bottom = what_moves(clips)
    a, b = (replace(clip, frames=np.ascontiguousarray(clip.frames[:, top:bottom, left:right])) for clip in (a, b))
    return a, b


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
