"""Fragments and comparisons of them, of two numbers an observation, and a reward model to learn from them."""

import numpy as np
from gymnasium import spaces

from reward_model import RewardModel, RewardModelConfig
from workshop.data import Comparisons, Fragments, Rollouts
from workshop.exercise.choice_models import ChoiceModelConfig, PreferenceLoss, choice_model
from workshop.exercise.solution import bradley_terry_loss

OBSERVATIONS = spaces.Box(-np.inf, np.inf, (2,), np.float32)
ACTIONS = spaces.Discrete(2)


def random_fragments(n: int, length: int = 5, seed: int = 0) -> Fragments:
    """The true reward is the first number of the observation; the second, and the action, are noise."""
    generator = np.random.default_rng(seed)
    observations = generator.normal(size=(n, 1, 2)) + 0.3 * generator.normal(size=(n, length, 2))
    observations = observations.astype(np.float32)
    return Fragments(observations, generator.integers(0, 2, size=(n, length)), observations[..., 0])


def random_comparisons(n: int, seed: int = 0) -> Comparisons:
    a, b = random_fragments(n, seed=seed), random_fragments(n, seed=seed + 1)
    return Comparisons(a, b, (b.true_returns > a.true_returns).astype(np.float64))


def rollouts(seed: int = 0) -> Rollouts:
    fragments = random_fragments(400, seed=seed)
    return Rollouts(fragments.observations, fragments.actions, fragments.true_rewards, np.zeros((400, 5), bool))


BRADLEY_TERRY = choice_model(ChoiceModelConfig(), yours=bradley_terry_loss)


# an ensemble of small networks, where a test says nothing else
NETWORKS = {
    "reward_network": "joint", "hidden_sizes": (16,), "ensemble_size": 5, "reward_epochs": 6, "reward_batch_size": 20,
    "reward_learning_rate": 3e-3, "weight_decay": 5.0,
}  # fmt: skip


def model(seed: int = 0, loss: PreferenceLoss = bradley_terry_loss, **options) -> RewardModel:
    config = RewardModelConfig(**{**NETWORKS, **options})
    choice = choice_model(ChoiceModelConfig(), yours=loss)
    made = RewardModel(OBSERVATIONS, ACTIONS, choice, config, np.random.default_rng(seed))
    made.observe(rollouts())
    return made
