"""Step 3 of the slide, in three ways: PPO, or one of the "many other methods derived from this basic setup"."""

from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol

import numpy as np

from workshop.bounds import require_bounds, within
from workshop.data import Comparisons
from workshop.exercise import ChoiceModel
from workshop.language.best_of_n import BestOfN, BestOfNConfig
from workshop.language.dpo import DPO, DPOConfig
from workshop.language.language_model import LanguageModel, kl_divergence
from workshop.language.sequence_ppo import SequencePPO, SequencePPOConfig
from workshop.language.text_reward import TextReward
from workshop.state import State


@dataclass(frozen=True)
class PolicyConfig:
    """Step 3: how the policy is optimised."""

    method: Literal["ppo", "best-of-n", "dpo"] = "ppo"
    """PPO on the learned reward; the best, by it, of several answers; or DPO, which learns from comparisons alone."""
    updates: Annotated[int, within(at_least=0, at_most=1_000_000)] = 36
    """Updates of the policy in the whole run, shared equally by its iterations; with DPO, passes over the answers."""
    ppo: SequencePPOConfig = field(default_factory=SequencePPOConfig)
    best_of_n: BestOfNConfig = field(default_factory=BestOfNConfig)
    dpo: DPOConfig = field(default_factory=DPOConfig)

    def __post_init__(self) -> None:
        require_bounds(self)


class Policy(Protocol):
    """Whoever answers."""

    def sample(self, questions: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """An answer to each question (n, 5): int64 of shape (n, 24)."""

    def update(self, reward_model: TextReward, comparisons: Comparisons) -> None:
        """Become better, by the reward model or by the comparisons themselves."""

    def state(self) -> State:
        """What it goes on from."""

    def restore(self, state: State) -> None:
        """Go on from `state`."""


def make_policy(
    config: PolicyConfig,
    sft: LanguageModel,
    reward_model: TextReward,
    choice_model: ChoiceModel,
    generator: np.random.Generator,
) -> Policy:
    """The policy of the method that `config` names, which begins as the SFT model."""
    if config.method == "ppo":
        return SequencePPO(sft, config.ppo, generator)
    if config.method == "dpo":
        return DPO(sft, choice_model, config.dpo, generator)
    return BestOfN(sft, reward_model, config.best_of_n)


def kl_of(policy: Policy, sft: LanguageModel, questions: np.ndarray, answers: np.ndarray) -> float:
    """How far the policy that gave these answers has moved from `sft`, in nats an answer, in the mean."""
    if isinstance(policy, BestOfN):
        return policy.kl
    assert isinstance(policy, SequencePPO | DPO)
    return float(kl_divergence(policy.policy, sft, questions, answers).mean())
