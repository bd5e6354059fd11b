"""Fragments of trajectories, which pairs of them to ask about, and the comparisons kept."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from gymnasium import spaces

from workshop.messages import UsageError, require_number
from workshop.rollouts import Rollouts


@dataclass(frozen=True)
class PreferencesConfig:
    """Which fragments are compared, and when."""

    comparisons: int = 36
    """Comparisons to ask for in the whole run."""
    fragment_length: int = 20
    """Steps in each of the two fragments of a comparison."""
    query: Literal["uniform", "disagreement"] = "disagreement"
    """Which pairs to ask about: any, or those that the ensemble's members disagree about most."""
    pool_factor: int = 10
    """With --query disagreement: candidate pairs drawn for each question asked."""
    comparisons_per_fit: int = 1
    """Comparisons asked for between two fits of the reward model: with one, each question builds on all answers."""
    pretrain: bool = True
    """Fit the reward model to comparisons of a random policy's rollouts before the agent first trains."""
    frontload: float = 16.0
    """How many times larger the first batch of comparisons is than each later one; 1 makes all equal."""
    recent_fraction: float = 0.5
    """Share of the fragments that come from the newest rollouts; the others come from all older ones."""

    def __post_init__(self) -> None:
        require_number("--comparisons", self.comparisons, at_least=1)
        require_number("--fragment-length", self.fragment_length, at_least=1)
        require_number("--pool-factor", self.pool_factor, at_least=1)
        require_number("--comparisons-per-fit", self.comparisons_per_fit, at_least=1)
        require_number("--frontload", self.frontload, above=0)
        require_number("--recent-fraction", self.recent_fraction, at_least=0, at_most=1)

    def schedule(self, iterations: int) -> list[list[int]]:
        """How many questions to ask after each of the iterations 0 (before the agent has trained), 1, …, `iterations`.

        Each iteration's are split into batches, after each of which the reward model is fitted. All of them add up to
        `comparisons`. None are asked after the last iteration, since no training follows it, and none after
        iteration 0 without pre-training.
        """
        first = 0 if self.pretrain else 1
        weights = np.zeros(iterations + 1)
        weights[first:iterations] = 1
        weights[first] = self.frontload
        due = np.ceil(np.cumsum(weights) / weights.sum() * self.comparisons - 1e-9)  # the first batch is never empty
        sizes = np.diff(due, prepend=0).astype(int)
        return [_split(size, self.comparisons_per_fit) for size in sizes]


@dataclass(frozen=True)
class Fragments:
    """n contiguous pieces of episodes, each of L steps.

    | field | shape | what |
    | --- | --- | --- |
    | observations | (n, L, *observation shape) | the states acted in |
    | actions | (n, L, *action shape) | the actions taken in them |
    | true_rewards | (n, L), float32 | the environment's own rewards: for the oracle alone |
    """

    observations: np.ndarray
    actions: np.ndarray
    true_rewards: np.ndarray

    def __len__(self) -> int:
        return len(self.true_rewards)

    def __getitem__(self, index: np.ndarray | slice) -> "Fragments":
        return Fragments(*(getattr(self, field.name)[index] for field in fields(self)))

    def followed_by(self, later: "Fragments") -> "Fragments":
        """These fragments and then `later` ones."""
        return Fragments(*(np.concatenate([getattr(self, f.name), getattr(later, f.name)]) for f in fields(self)))

    @property
    def true_returns(self) -> np.ndarray:
        """The undiscounted sums of the true rewards, float64 of shape (n,)."""
        return self.true_rewards.sum(axis=1, dtype=np.float64)


@dataclass(frozen=True)
class Comparisons:
    """n pairs of fragments, and the answers: float64 of shape (n,), 0.0 for a, 1.0 for b, 0.5 for equally good."""

    fragments_a: Fragments
    fragments_b: Fragments
    preferences: np.ndarray

    @classmethod
    def empty(cls, length: int, observation_space: spaces.Space, action_space: spaces.Space) -> "Comparisons":
        """No comparisons yet, of fragments of `length` steps."""
        none = Fragments(
            np.empty((0, length, *observation_space.shape), observation_space.dtype),
            np.empty((0, length, *action_space.shape), action_space.dtype),
            np.empty((0, length), np.float32),
        )
        return cls(none, none, np.empty(0))

    def __len__(self) -> int:
        return len(self.preferences)

    def followed_by(self, later: "Comparisons") -> "Comparisons":
        """These comparisons and then `later` ones."""
        return Comparisons(
            self.fragments_a.followed_by(later.fragments_a),
            self.fragments_b.followed_by(later.fragments_b),
            np.concatenate([self.preferences, later.preferences]),
        )


# How much an ensemble disagrees about n pairs of fragments, shape (n,)
Disagreement = Callable[[Fragments, Fragments], np.ndarray]


def sample_pairs(
    rollouts: Rollouts,
    n: int,
    config: PreferencesConfig,
    disagreement: Disagreement,
    generator: np.random.Generator,
) -> tuple[Fragments, Fragments]:
    """Choose n pairs of different fragments to ask about: at random, or those of a pool with most `disagreement`."""
    candidates = n if config.query == "uniform" else n * config.pool_factor
    starts_a, starts_b = _sample_starts(rollouts, candidates, config, generator)
    fragments_a, fragments_b = (cut(rollouts, starts, config.fragment_length) for starts in (starts_a, starts_b))
    if config.query == "uniform":
        return fragments_a, fragments_b
    chosen = np.argsort(-disagreement(fragments_a, fragments_b), kind="stable")[:n]
    return fragments_a[chosen], fragments_b[chosen]


def cut(rollouts: Rollouts, starts: np.ndarray, length: int) -> Fragments:
    """The fragments of `length` steps that begin at `starts`: integers (n, 2), step and environment."""
    steps, environments = starts[:, :1] + np.arange(length), starts[:, 1:]
    return Fragments(
        rollouts.observations[steps, environments],
        rollouts.actions[steps, environments],
        rollouts.true_rewards[steps, environments],
    )


def _sample_starts(
    rollouts: Rollouts, n: int, config: PreferencesConfig, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Where n pairs of fragments begin, two arrays (n, 2); the two of a pair are never the same."""
    starts = rollouts.fragment_starts(config.fragment_length)
    recent = starts[:, 0] + config.fragment_length > rollouts.newest  # it ends in the newest rollouts
    if len(starts) < 2:
        raise UsageError(
            f"--fragment-length {config.fragment_length}: no two fragments of so many steps lie within an episode "
            "of the rollouts. Choose a smaller one."
        )
    weights = np.zeros(len(starts))
    for group, share in ((recent, config.recent_fraction), (~recent, 1 - config.recent_fraction)):
        weights[group] = share / max(1, group.sum())
    if np.count_nonzero(weights) < 2:  # too few of the wanted kind to make a pair: any will do
        weights[:] = 1
    weights /= weights.sum()
    first, second = (generator.choice(len(starts), size=n, p=weights) for _ in range(2))
    while (same := first == second).any():
        second[same] = generator.choice(len(starts), size=same.sum(), p=weights)
    return starts[first], starts[second]


def _split(total: int, most: int) -> list[int]:
    """`total` in parts of `most` and a last one of what remains."""
    return [min(most, total - start) for start in range(0, total, most)]
