"""DPO: comparisons train the policy itself, without a reward model, by the very loss that would have fitted one."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch

from workshop.bounds import require_bounds, within
from workshop.data import Comparisons
from workshop.exercise import ChoiceModel
from workshop.language.desk_environment import questions_and_answers
from workshop.language.language_model import LanguageModel, answer_features, log_probabilities, to_tensors
from workshop.state import State, restore, state_of


@dataclass(frozen=True)
class DPOConfig:
    """With --method dpo: direct preference optimisation (Rafailov et al. 2023)."""

    dpo_beta: Annotated[float, within(above=0, at_most=1000)] = 0.5
    """β: the policy's own return of an answer is β times the log-ratio of its probability to the SFT model's."""
    dpo_learning_rate: Annotated[float, within(above=0, at_most=1)] = 5e-4
    """Adam's step size."""
    dpo_batch_size: Annotated[int, within(at_least=1, at_most=1_000_000)] = 32
    """Comparisons in each gradient step."""

    def __post_init__(self) -> None:
        require_bounds(self)


class DPO:
    """The policy is a reward model: an answer's return is β log(π(answer) / π_SFT(answer)), and the loss is yours."""

    def __init__(
        self, sft: LanguageModel, choice_model: ChoiceModel, config: DPOConfig, generator: np.random.Generator
    ):
        self.config, self._sft, self._choice_model, self._generator = config, sft, choice_model, generator
        self.policy = LanguageModel(deepcopy(sft.network))
        self._optimizer = torch.optim.Adam(self.policy.network.parameters(), lr=config.dpo_learning_rate, fused=True)

    def sample(self, questions: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """An answer to each question, int64 of shape (n, 24)."""
        return self.policy.sample(questions, generator)

    def update(self, _: object, comparisons: Comparisons) -> None:
        """One pass over all answers."""
        comparisons = comparisons.answered
        parts = max(1, -(-len(comparisons) // self.config.dpo_batch_size))
        for part in np.array_split(self._generator.permutation(len(comparisons)), parts):
            if len(part) == 0:  # everything was skipped
                return
            loss = self.loss(comparisons[part])
            self._optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.policy.network.parameters(), 1.0)
            self._optimizer.step()

    def loss(self, comparisons: Comparisons) -> torch.Tensor:
        """preference_loss(β · log-ratio of a, β · log-ratio of b, answers)."""
        beta = self.config.dpo_beta
        ratio_a, ratio_b = (
            self._log_ratios(*questions_and_answers(each))
            for each in (comparisons.fragments_a, comparisons.fragments_b)
        )
        preferences = torch.from_numpy(comparisons.preferences).to(ratio_a)
        return self._choice_model.loss(beta * ratio_a, beta * ratio_b, preferences)

    def _log_ratios(self, questions: np.ndarray, answers: np.ndarray) -> torch.Tensor:
        """log(π(answer) / π_SFT(answer)), float64 of shape (n,)."""
        network, tokens = self.policy.network, to_tensors(self.policy.device, questions, answers)
        now = log_probabilities(network.logits(answer_features(network, *tokens)), tokens[1])
        before = torch.from_numpy(self._sft.log_probabilities(questions, answers)).to(now)
        return (now - before).sum(dim=1).double()

    def state(self) -> State:
        """Everything that it goes on from."""
        return {
            "generator": state_of(self._generator),
            "policy": self.policy.state(),
            "optimizer": self._optimizer.state_dict(),
        }

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        restore(self._generator, state["generator"])
        self.policy.restore(state["policy"])
        self._optimizer.load_state_dict(state["optimizer"])
