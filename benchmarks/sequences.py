"""How fast PPO for sequences is: `python benchmarks/sequences.py` prints the seconds of an update, beside SB3's PPO.

Both train the same transformer on the gold score, with as many answers in an update, as many passes over them and as
many gradient steps. SB3's takes the desk as an environment in which each token is a step of its own, so that each
re-encodes all that stands before it, once to be written and once in each pass; and it goes on for all 24 steps.
"""

import sys
import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))

import gymnasium
import numpy as np
import torch
from many_runs import print_table
from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv
from throughput import in_turn, spread

from workshop import DESK_ID
from workshop.commands import read_flags, run_program
from workshop.data import Space
from workshop.language import (
    ANSWER_LENGTH,
    END,
    QUESTION_LENGTH,
    LanguageModel,
    SequencePPO,
    SequencePPOConfig,
    SupervisedConfig,
    fit_to_demonstrations,
    fragments,
)
from workshop.language.transformer import WIDTH, Transformer

PPO_CONFIG = SequencePPOConfig()
ANSWERS = PPO_CONFIG.questions_each * PPO_CONFIG.answers_each  # in each update


@dataclass(frozen=True)
class Options:
    """Time both in turn, several times over."""

    rounds: int = 5
    """How many times each is timed."""
    updates: int = 3
    """Updates in each round."""


class Gold:
    """The gold score in place of a reward model."""

    def rewards(self, questions: np.ndarray, answers: np.ndarray) -> np.ndarray:
        return fragments(questions, answers).true_rewards


class Prefixes(BaseFeaturesExtractor):
    """What the transformer makes of a question and the words so far: the features of the last of them."""

    def __init__(self, space: Space, network: Transformer):
        super().__init__(space, WIDTH)
        self.network = network

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        tokens = observations.long()
        last = QUESTION_LENGTH - 1 + (tokens[:, QUESTION_LENGTH:] != END).sum(dim=1)
        features: torch.Tensor = self.network(tokens)[torch.arange(len(tokens)), last.clamp(max=tokens.shape[1] - 1)]
        return features


def main() -> None:
    options = read_flags(Options, sys.argv[1:])
    torch.set_num_threads(1)
    sft = fit_to_demonstrations(SupervisedConfig(sft_steps=200), np.random.default_rng(0))
    ours, stock = SequencePPO(sft, PPO_CONFIG, np.random.default_rng(0)), stable_baselines(sft)

    def by_ours(_: int) -> float:
        started = time.perf_counter()
        for _ in range(options.updates):
            ours.update(Gold())  # type: ignore[arg-type]  # it asks for nothing else
        return (time.perf_counter() - started) / options.updates

    def by_stock(_: int) -> float:
        started = time.perf_counter()
        stock.learn(options.updates * ANSWERS * ANSWER_LENGTH, reset_num_timesteps=False)
        return (time.perf_counter() - started) / options.updates

    seconds = in_turn({"PPO for sequences": by_ours, "SB3's PPO, token by token": by_stock}, options.rounds)
    fastest = seconds["PPO for sequences"]
    rows = ((name, f"{np.median(each):.2f}", spread(each / fastest)) for name, each in seconds.items())
    print_table(" | seconds an update, median | times as long (least to most)", rows)


def stable_baselines(sft: LanguageModel) -> PPO:
    """SB3's PPO with the same settings, which begins with the same trunk."""
    config, batches = PPO_CONFIG, PPO_CONFIG.agent_minibatches
    return PPO(
        "MlpPolicy", DummyVecEnv([lambda: gymnasium.make(DESK_ID)] * ANSWERS), device="cpu", seed=0,
        n_steps=ANSWER_LENGTH, batch_size=ANSWERS * ANSWER_LENGTH // batches, n_epochs=config.agent_epochs, gamma=1.0,
        learning_rate=config.agent_learning_rate, gae_lambda=config.gae_lambda, clip_range=config.clip_range,
        vf_coef=config.value_coefficient, max_grad_norm=config.max_grad_norm,
        policy_kwargs={
            "ortho_init": False, "net_arch": [], "features_extractor_class": Prefixes,
            "features_extractor_kwargs": {"network": deepcopy(sft.network)},
        },
    )  # fmt: skip


if __name__ == "__main__":
    run_program(main, end=sys.exit)
