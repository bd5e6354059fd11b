"""How well a reward model explains answers that it has not learned from."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch

from workshop.exercise import ChoiceModel


@dataclass(frozen=True)
class HeldOut:
    """What the reward model says about comparisons that it did not learn from.

    | field | what |
    | --- | --- |
    | differences | R_b - R_a by the learned reward, float64 of shape (n,) |
    | preferences | the answers, float64 of shape (n,) |
    | loss | the mean loss of these; NaN without any |
    | accuracy | share, in [0, 1], of the answers other than "equal" that it agrees with; NaN without any |
    """

    differences: np.ndarray = field(default_factory=lambda: np.empty(0))
    preferences: np.ndarray = field(default_factory=lambda: np.empty(0))
    loss: float = math.nan
    accuracy: float = math.nan


def judge(returns_a: np.ndarray, returns_b: np.ndarray, preferences: np.ndarray, choice_model: ChoiceModel) -> HeldOut:
    """Judge n comparisons by the learned returns of their fragments, all of shape (n,)."""
    loss = choice_model.loss(*(torch.from_numpy(array) for array in (returns_a, returns_b, preferences)))
    decided = preferences != 0.5
    correct = 1 - np.abs(np.heaviside(returns_b - returns_a, 0.5) - preferences)
    accuracy = float(correct[decided].mean()) if decided.any() else math.nan
    return HeldOut(returns_b - returns_a, preferences, float(loss), accuracy)
