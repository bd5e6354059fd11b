"""Lets the person who labels see what the agent is doing, and what has come of the answers."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from gymnasium.envs.registration import EnvSpec

from workshop import CARTPOLE_ID
from workshop.environments import why_not_drawn
from workshop.labelling.clips import Clip
from workshop.labelling.fragment_clips import POLE_FPS
from workshop.labelling.in_words import in_words
from workshop.labelling.session import LabellingSession
from workshop.reports import (
    FRAMES_PER_SECOND,
    Dependence,
    Episodes,
    Iteration,
    Listener,
    draw_learned_so_far,
    first_episode,
)

FRAMES = 38  # of the agent's latest clip: three seconds


class Spectator(Listener):
    """Tells a labelling session of a run that first takes `random_steps` steps, then `steps` in each iteration.

    `dependence` tells what the reward makes of each input. There is nothing to show before something was learned.
    """

    def __init__(
        self,
        session: LabellingSession,
        spec: EnvSpec,
        random_steps: int,
        steps: int,
        dependence: Callable[[], Sequence[Dependence]],
    ):
        self._session, self._spec, self._dependence = session, spec, dependence
        self._random_steps, self._steps = random_steps, steps
        self._taken, self._iterations = 0, 0

    def steps_taken(self, steps: int) -> None:
        """So many environment steps were taken."""
        self._taken += steps
        if self._iterations == 0:
            self._session.tell("rolling out a random policy", self._taken / max(1, self._random_steps))
        else:
            self._session.tell("training", self._taken / self._steps)

    def iteration(self, told: Iteration) -> None:
        """An iteration is over."""
        self._taken, self._iterations = 0, self._iterations + 1
        if not told.rows[-1]["comparisons"]:
            return
        episodes = told.evaluation.episodes
        plot = io.BytesIO()
        draw_learned_so_far(self._dependence(), self._spec.id, plot)
        clip = None
        if not why_not_drawn(self._spec):
            pictures = first_episode(self._spec, episodes, at_most=FRAMES)
            clip = Clip(np.array([np.asarray(picture) for picture in pictures]), FRAMES_PER_SECOND)
        true_return = float(episodes.true_returns.mean())
        self._session.show(plot.getvalue(), clip, true_return, self._in_words(episodes) if clip is not None else "")

    def _in_words(self, episodes: Episodes) -> str:
        """What the clip of the first of these episodes shows; "" where nobody can say it."""
        if self._spec.id != CARTPOLE_ID:
            return ""
        return in_words(episodes.first_observations[: round(FRAMES / FRAMES_PER_SECOND * POLE_FPS)])
