"""Whom the reward is aligned to: a reward model of one group's answers, of all in turns, or the lower of several."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from workshop.data import Comparisons, Fragments, Rollouts
from workshop.state import State


class ByGroup:
    """Reward models of the answers of some groups, used as one reward model is. `make` makes the i-th.

    With one group it is a reward model that never sees the other answers. With several there is one model for each, and
    the agent gets the lowest of what they say, standardised: it is worth as much as it is to whom it is worth least
    (Rawls 1971; MaxMin-RLHF, Chakraborty et al. 2024).
    """

    def __init__(self, groups: Sequence[str], make: Callable[[int], Any]):
        self.groups = list(groups)
        self.models = [make(i) for i in range(len(self.groups))]
        self.config = self.models[0].config

    def _answers_of(self, comparisons: Comparisons) -> list[Comparisons]:
        return [comparisons[comparisons.labellers == group] for group in self.groups]

    def fit(self, comparisons: Comparisons) -> None:
        """Fit each model further to its own group's answers."""
        for model, own in zip(self.models, self._answers_of(comparisons), strict=True):
            model.fit(own)

    @property
    def gradient_steps(self) -> int:
        """Those of all models."""
        return sum(model.gradient_steps for model in self.models)

    def state(self) -> State:
        """What all models go on from."""
        return {"models": [model.state() for model in self.models]}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        for model, own in zip(self.models, state["models"], strict=True):
            model.restore(own)

    def save(self, path: Path) -> None:
        """The first group's at `path`, each other one's beside it, with the group's number in its name."""
        for i, model in enumerate(self.models):
            model.save(path if i == 0 else path.with_name(f"{path.stem}_{i + 1}{path.suffix}"))


class Aligned(ByGroup):
    """The same for the rewards of steps."""

    def reward(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """The lowest of the standardised rewards, float32 of shape (n,)."""
        lowest: np.ndarray = np.min([model.reward(observations, actions) for model in self.models], axis=0)
        return lowest

    def member_rewards(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """The lowest of each member's standardised rewards, shape (M, n)."""
        return np.asarray(np.min([model.member_rewards(observations, actions) for model in self.models], axis=0))

    def member_probabilities(self, fragments_a: Fragments, fragments_b: Fragments) -> np.ndarray:
        """Each member's P(b preferred), the groups' mean: where members differ there is something to ask. (M, n)."""
        return np.asarray(np.mean([m.member_probabilities(fragments_a, fragments_b) for m in self.models], axis=0))

    def describe(self, fragments: Fragments) -> np.ndarray:
        """As a reward model does; all normalise alike."""
        return np.asarray(self.models[0].describe(fragments))

    def observe(self, rollouts: Rollouts) -> None:
        """As each reward model does."""
        for model in self.models:
            model.observe(rollouts)

    def standardise(self, rollouts: Rollouts) -> None:
        """As each reward model does, so that no group counts more for the scale of its answers."""
        for model in self.models:
            model.standardise(rollouts)

    def held_out(self, comparisons: Comparisons) -> Any:
        """What each model says of its own group's held-out answers, all together."""
        each = [model.held_out(own) for model, own in zip(self.models, self._answers_of(comparisons), strict=True)]
        known = [held for held in each if len(held.preferences)]
        if len(known) < 2:
            return known[0] if known else each[0]
        weights = [len(held.preferences) for held in known]
        decided = [(held.preferences != 0.5).sum() for held in known]
        accuracies = [held.accuracy if n else 0.0 for held, n in zip(known, decided, strict=True)]
        return replace(
            known[0],
            differences=np.concatenate([held.differences for held in known]),
            preferences=np.concatenate([held.preferences for held in known]),
            loss=float(np.average([held.loss for held in known], weights=weights)),
            accuracy=float(np.average(accuracies, weights=decided)) if sum(decided) else float("nan"),
        )

    def progress(self, held_out: Any) -> dict[str, float | str]:
        """The columns of `progress.csv`: the gradient steps of all models, and the first one's weight decay."""
        columns: dict[str, float | str] = self.models[0].progress(held_out)
        return columns | {"gradient_steps": self.gradient_steps}


def weights_in_turns(comparisons: Comparisons) -> np.ndarray:
    """How much each answer counts, with a mean of 1, so that the sum over each of the groups is the same; (n,).

    Batches are resampled by these, so that `preference_loss` stays the plain mean that a participant has written.
    """
    _, group, counts = np.unique(comparisons.labellers, return_inverse=True, return_counts=True)
    weights: np.ndarray = len(comparisons) / (len(counts) * counts[group])
    return weights


def align(
    align_to: str,
    everybody: Sequence[str],
    make: Callable[..., Any],
    generator: np.random.Generator,
    by_group: type[ByGroup] = Aligned,
) -> Any:
    """What learns the reward: a plain reward model of everybody's answers, or one as `--align-to` says.

    `make(generator=…)` makes a reward model; the first draws from `generator`, each other one from one of its own.
    Where single groups count, `by_group` has their models.
    """
    if align_to == "everybody":
        return make(generator=generator)
    if align_to == "turns":
        return make(generator=generator, weigh=weights_in_turns)
    names = everybody if align_to == "worst-off" else [align_to]
    generators = [generator, *generator.spawn(len(names) - 1)]
    return by_group(names, lambda i: make(generator=generators[i]))
