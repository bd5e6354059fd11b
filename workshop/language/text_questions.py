"""Which answers are compared: two to the same question, by the policy as it is."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from workshop.bounds import require_bounds, within
from workshop.data import Comparisons
from workshop.language.desk import draw_questions
from workshop.language.desk_environment import fragments
from workshop.language.policy import Policy
from workshop.state import State, restore, state_of

QUESTIONS_PER_ANSWER = 10  # asked at most, where the oracle skips


@dataclass(frozen=True)
class TextQuestionsConfig:
    """Step 2: the comparisons."""

    comparisons: Annotated[int, within(at_least=0, at_most=200_000)] = 120
    """Comparisons of two answers to ask for in the whole run, shared equally by its iterations."""
    comparisons_from: tuple[Path, ...] = ()
    """Learn from the answers recorded in these runs first; --comparisons are then 0 by default."""

    def __post_init__(self) -> None:
        require_bounds(self)


class TextQuestions:
    """Draws pairs of answers, keeps count of what was said of them, and asks again, about others, for what was skipped.

    `comparisons` are all so far, to which whoever has them adds; `recorded` are those of other runs, which come first.
    """

    def __init__(
        self,
        config: TextQuestionsConfig,
        iterations: int,
        comparisons: Comparisons,
        recorded: Comparisons,
        policy: Policy,
        generator: np.random.Generator,
    ):
        self._config, self._iterations, self._policy, self._generator = config, iterations, policy, generator
        self._comparisons, self._recorded = comparisons, recorded
        self._shown = 0  # pairs so far
        self._asked = 0  # in so many iterations

    @property
    def answered(self) -> int:
        """How many answers there are but those of other runs; one that was taken back, and then skipped, is none."""
        return max(0, self._comparisons.answers - len(self._recorded))

    @property
    def skipped(self) -> int:
        """How many pairs have been asked about that have no answer."""
        return self._shown - self.answered

    def pairs(self, iteration: int) -> Iterator[Comparisons]:
        """What is to be compared in this iteration, a batch at a time; the answers are expected in `comparisons`.

        Those of other runs have their answers already. Where nearly everything is skipped, so many questions as would
        do for ten times the answers are asked, and no more.
        """
        if iteration < self._asked:
            return  # before the run was interrupted
        if len(self._comparisons) < len(self._recorded):
            yield self._recorded
        due = math.ceil(self._config.comparisons * (iteration + 1) / self._iterations - 1e-9)
        may_ask = QUESTIONS_PER_ANSWER * (due - self.answered)
        while (n := min(due - self.answered, may_ask)) > 0:
            questions = draw_questions(self._generator, n)
            sides = [fragments(questions, self._policy.sample(questions, self._generator)) for _ in range(2)]
            yield Comparisons.questions(*sides)
            self._shown, may_ask = self._shown + n, may_ask - n
        self._asked = iteration + 1

    def state(self) -> State:
        """What asking goes on from."""
        return {"generator": state_of(self._generator), "counts": (self._shown, self._asked)}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        restore(self._generator, state["generator"])
        self._shown, self._asked = state["counts"]
