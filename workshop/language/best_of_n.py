"""Best-of-n: the SFT model answers n times, and the answer with the largest learned return is given."""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from workshop.bounds import require_bounds, within
from workshop.language.language_model import LanguageModel
from workshop.language.text_reward import TextReward
from workshop.state import State


@dataclass(frozen=True)
class BestOfNConfig:
    """With --method best-of-n: nothing is trained, and the reward model chooses (Stiennon et al. 2020)."""

    best_of: Annotated[int, within(at_least=1, at_most=10_000)] = 16
    """Answers of the SFT model to each question, of which the best is given."""

    def __post_init__(self) -> None:
        require_bounds(self)


class BestOfN:
    """A policy that gives the best, by the reward model as it is then, of n answers of the SFT model."""

    def __init__(self, sft: LanguageModel, reward_model: TextReward, config: BestOfNConfig):
        self._sft, self._reward_model, self.config = sft, reward_model, config

    @property
    def kl(self) -> float:
        """How far it is from the SFT model, in nats an answer, where no two answers are alike: log n - (n - 1) / n."""
        n = self.config.best_of
        return math.log(n) - (n - 1) / n

    def sample(self, questions: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """An answer to each question, int64 of shape (n, 24)."""
        n = self.config.best_of
        answers = self._sft.sample(questions.repeat(n, axis=0), generator)
        returns = self._reward_model.returns(questions.repeat(n, axis=0), answers).reshape(-1, n)
        chosen: np.ndarray = answers.reshape(len(questions), n, -1)[np.arange(len(questions)), returns.argmax(axis=1)]
        return chosen

    def update(self, *_: object) -> None:
        """There is nothing to train."""

    def state(self) -> State:
        """Nothing: it goes on from its models' states."""
        return {}

    def restore(self, state: State) -> None:
        """Go on from there."""
