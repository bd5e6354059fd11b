"""Lets the person who labels see what the agent is doing, and what has come of the answers."""

import io
from collections.abc import Sequence

import numpy as np
from gymnasium.envs.registration import EnvSpec

from workshop.labelling.clips import Clip
from workshop.labelling.session import LabellingSession
from workshop.records.progress import Row
from workshop.reports.evaluation import Evaluation
from workshop.reports.figures import draw_story
from workshop.reports.moving_pictures import FRAMES_PER_SECOND, can_be_drawn, replay

FRAMES = 38  # of the agent's latest clip: three seconds


class Spectator:
    """Tells a labelling session of a run that first takes `random_steps` steps, then `steps` in each iteration."""

    def __init__(self, session: LabellingSession, spec: EnvSpec, random_steps: int, steps: int):
        self._session, self._spec = session, spec
        self._random_steps, self._steps = random_steps, steps
        self._taken, self._iterations = 0, 0

    def steps_taken(self, steps: int) -> None:
        """So many environment steps were taken."""
        self._taken += steps
        if self._iterations == 0:
            self._session.tell("rolling out a random policy", self._taken / max(1, self._random_steps))
        else:
            self._session.tell("training", self._taken / self._steps)

    def iteration(self, rows: Sequence[Row], evaluation: Evaluation) -> None:
        """An iteration is over: these are the rows of `progress.csv` so far, and this its evaluation."""
        self._taken, self._iterations = 0, self._iterations + 1
        plot = io.BytesIO()
        draw_story(rows, plot)
        clip = None
        if can_be_drawn(self._spec.id):
            pictures = replay(self._spec, evaluation.episodes, at_most=FRAMES)
            clip = Clip(np.array([np.asarray(picture) for picture in pictures]), FRAMES_PER_SECOND)
        self._session.show(plot.getvalue(), clip, float(evaluation.episodes.true_returns.mean()))
