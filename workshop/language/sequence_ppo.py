"""Step 3 of the slide: the policy is trained by PPO on the learned reward, with a KL penalty to where it began."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from workshop.bounds import require_bounds, within
from workshop.data import Comparisons
from workshop.language.desk import draw_questions
from workshop.language.language_model import LanguageModel, answer_features, log_probabilities, to_tensors, written
from workshop.language.text_reward import TextReward
from workshop.state import State, restore, state_of


@dataclass(frozen=True)
class SequencePPOConfig:
    """Step 3: PPO (Schulman et al. 2017) with a KL penalty (Ziegler et al. 2019)."""

    kl_coefficient: Annotated[float, within(at_least=0, at_most=1000)] = 0.2
    """How much each nat costs that a token has become likelier than the SFT model has it, in spreads of the proxy."""
    questions_each: Annotated[int, within(at_least=1, at_most=10_000)] = 16
    """Questions in each update."""
    answers_each: Annotated[int, within(at_least=1, at_most=10_000)] = 8
    """Answers to each of these questions."""
    agent_learning_rate: Annotated[float, within(above=0, at_most=1)] = 7e-4
    """Adam's step size for the policy."""
    agent_epochs: Annotated[int, within(at_least=1, at_most=1000)] = 2
    """Passes over the answers in each update."""
    agent_minibatches: Annotated[int, within(at_least=1, at_most=1000)] = 2
    """Parts into which the answers are divided in each pass, with a gradient step each."""
    clip_range: Annotated[float, within(above=0, at_most=10)] = 0.2
    """How far one update may change the probability of a token, as a share of it."""
    gae_lambda: Annotated[float, within(at_least=0, at_most=1)] = 0.95
    """Trade-off of bias (0) and variance (1) in the advantages (Schulman et al. 2016)."""
    value_coefficient: Annotated[float, within(at_least=0, at_most=1000)] = 0.1
    """Weight of the value function's loss."""
    max_grad_norm: Annotated[float, within(above=0, at_most=1000)] = 1.0
    """Gradients are scaled down to this norm if theirs is larger."""

    def __post_init__(self) -> None:
        require_bounds(self)


class SequencePPO:
    """PPO for answers, with a token as a step, no discount, and the value function as a head on the policy's trunk."""

    def __init__(self, sft: LanguageModel, config: SequencePPOConfig, generator: np.random.Generator):
        self.config, self._sft, self._generator = config, sft, generator
        self.policy = LanguageModel(deepcopy(sft.network))
        self._value_head = nn.Linear(sft.network.norm.weight.shape[0], 1, device=sft.device)
        nn.init.zeros_(self._value_head.weight)
        nn.init.zeros_(self._value_head.bias)
        self._parameters = [*self.policy.network.parameters(), *self._value_head.parameters()]
        self._optimizer = torch.optim.Adam(self._parameters, lr=config.agent_learning_rate, fused=True)

    def sample(self, questions: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """An answer to each question, int64 of shape (n, 24)."""
        return self.policy.sample(questions, generator)

    def update(self, reward_model: TextReward, comparisons: Comparisons | None = None) -> None:
        """Answer some questions, and make more of what paid."""
        config = self.config
        questions = draw_questions(self._generator, config.questions_each).repeat(config.answers_each, axis=0)
        answers = self.policy.sample(questions, self._generator)
        rewards = reward_model.rewards(questions, answers)
        tokens = to_tensors(self.policy.device, questions, answers)
        there = written(tokens[1])
        with torch.no_grad():
            before, values = self._evaluate(*tokens)
            ratio = before - torch.from_numpy(self._sft.log_probabilities(questions, answers)).to(before)
            paid = torch.from_numpy(rewards).to(before) - config.kl_coefficient * ratio
            advantages = advantages_of(paid, values, config.gae_lambda)
            returns = advantages + values
            advantages = (advantages - advantages[there].mean()) / (advantages[there].std() + 1e-8)
        for _ in range(config.agent_epochs):
            for part in np.array_split(self._generator.permutation(len(answers)), config.agent_minibatches):
                now, value = self._evaluate(*(each[part] for each in tokens))
                loss = ppo_loss(now, before[part], advantages[part], there[part], config.clip_range)
                loss = loss + config.value_coefficient * F.mse_loss(value[there[part]], returns[part][there[part]])
                self._optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self._parameters, config.max_grad_norm)
                self._optimizer.step()

    def _evaluate(self, questions: torch.Tensor, answers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The log probability of each token, and the value before it; (n, 24) each, 0 after the first `<end>`."""
        features = answer_features(self.policy.network, questions, answers)
        values = self._value_head(features).squeeze(-1) * written(answers)
        return log_probabilities(self.policy.network.logits(features), answers), values

    def state(self) -> State:
        """Everything that it goes on from."""
        return {
            "generator": state_of(self._generator),
            "policy": self.policy.state(),
            "value_head": self._value_head.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        restore(self._generator, state["generator"])
        self.policy.restore(state["policy"])
        self._value_head.load_state_dict(state["value_head"])
        self._optimizer.load_state_dict(state["optimizer"])


def advantages_of(rewards: torch.Tensor, values: torch.Tensor, gae_lambda: float) -> torch.Tensor:
    """Generalised advantages without a discount: (n, 24), of rewards and values that are 0 after the first `<end>`."""
    following = torch.cat([values[:, 1:], torch.zeros_like(values[:, :1])], dim=1)
    advantages = rewards + following - values
    for place in reversed(range(rewards.shape[1] - 1)):
        advantages[:, place] += gae_lambda * advantages[:, place + 1]
    return advantages


def ppo_loss(
    now: torch.Tensor, before: torch.Tensor, advantages: torch.Tensor, there: torch.Tensor, clip_range: float
) -> torch.Tensor:
    """PPO's clipped objective, to be made smaller: the mean over the tokens that are there.

    Log probabilities of the tokens by the policy as it is and as it was when it wrote them, their advantages, and which
    of them are part of an answer; (n, 24) each.
    """
    ratio = (now - before).exp()
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return -torch.minimum(ratio * advantages, clipped * advantages)[there].mean()
