"""Choice models: how returns turn into answers.

A choice model says with which probability b is preferred to a, given their returns, which are first divided by a
temperature ("scale rewards before softmax" on the slides): a large one makes for unsure answers. Its loss is the
negative log-likelihood of the answers, or for the hinge the usual margin loss.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from scipy.special import expit, log_ndtr
from torch.nn import functional as F

from workshop.bounds import require_bounds, within
from workshop.exercise.solution import bradley_terry_loss
from workshop.flags import ONLY_ON

# (returns_a, returns_b, preferences), three tensors of shape (batch,), to a scalar tensor: the mean over the batch
PreferenceLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
# differences of returns R_b - R_a, of any shape, to the log probabilities that b is preferred, of the same shape
LogProbability = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class ChoiceModelConfig:
    """How the learned returns of two fragments turn into an answer, and so the loss."""

    loss: Literal["yours", "bradley-terry", "thurstone", "lapse", "hinge"] = "yours"
    """The reward model's loss: your preference_loss in main.py, or one of the workshop's."""
    solution: Annotated[bool, ONLY_ON] = False
    """Use the workshop's solution in place of your preference_loss: --loss bradley-terry."""
    loss_temperature: Annotated[float, within(at_least=0.001, at_most=1_000_000)] = 1.0
    """Divide the returns by this before they enter the loss, whichever it is: larger, and answers tell less."""
    hinge_margin: Annotated[float, within(above=0, at_most=1_000_000)] = 1.0
    """With --loss hinge: by how much, in units of the temperature, the better return should be the larger."""
    lapse_rate: Annotated[float, within(above=0, below=1)] = 0.1
    """With --loss lapse: the share of answers that are taken to be given blindly."""

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.solution and self.loss not in ("yours", "bradley-terry"):
            raise ValueError(
                f"--solution is --loss bradley-terry, so it cannot go with --loss {self.loss}; leave one out."
            )

    @property
    def uses_yours(self) -> bool:
        """Whether the participant's own loss trains the reward model."""
        return self.loss == "yours" and not self.solution


@dataclass(frozen=True)
class ChoiceModel:
    """A loss for the reward model, and the log P(b preferred) that goes with it, of R_b - R_a."""

    loss: PreferenceLoss
    log_probability: LogProbability

    def probability(self, differences: np.ndarray) -> np.ndarray:
        """P(b preferred), in [0, 1], for differences R_b - R_a of any shape."""
        return np.exp(self.log_probability(differences))


def thurstone_loss(returns_a: torch.Tensor, returns_b: torch.Tensor, preferences: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood under Thurstone's (1927) case V: P(b preferred) = Φ(R_b - R_a), Φ the normal CDF."""
    difference = returns_b - returns_a
    log_b, log_a = torch.special.log_ndtr(difference), torch.special.log_ndtr(-difference)
    log_likelihood: torch.Tensor = preferences * log_b + (1 - preferences) * log_a
    return -log_likelihood.mean()


def lapse_loss(rate: float) -> PreferenceLoss:
    """Negative log-likelihood of Bradley-Terry answers of which a share `rate` is given blindly.

    P(b preferred) = (1 - rate) sigmoid(R_b - R_a) + rate / 2; Christiano et al. 2017, section 2.2.3, take 10 %.
    """

    def loss(returns_a: torch.Tensor, returns_b: torch.Tensor, preferences: torch.Tensor) -> torch.Tensor:
        probability = (1 - rate) * torch.sigmoid(returns_b - returns_a) + rate / 2
        return F.binary_cross_entropy(probability, preferences)

    return loss


def hinge_loss(margin: float) -> PreferenceLoss:
    """How far the better return falls short of being the larger by `margin`: max(0, margin - (R_better - R_worse)).

    The ranking support vector machine's (Herbrich, Graepel, Obermayer 1999). It is meant for answers 0.0 and 1.0.
    """

    def loss(returns_a: torch.Tensor, returns_b: torch.Tensor, preferences: torch.Tensor) -> torch.Tensor:
        difference = returns_b - returns_a
        return (preferences * F.relu(margin - difference) + (1 - preferences) * F.relu(margin + difference)).mean()

    return loss


def choice_models(config: ChoiceModelConfig) -> dict[str, ChoiceModel]:
    """Every choice model by name, at a temperature of 1.

    The hinge is no likelihood; here its probabilities are those in proportion to exp(-loss) (Sollich 2002).
    """
    margin, rate = config.hinge_margin, config.lapse_rate

    def hinge(difference: np.ndarray) -> np.ndarray:
        loss_b, loss_a = np.maximum(0, margin - difference), np.maximum(0, margin + difference)
        log_probability: np.ndarray = -np.logaddexp(0, loss_b - loss_a)
        return log_probability

    def lapse(difference: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):  # at a tiny rate an answer can be impossible, which -infinity says
            log_probability: np.ndarray = np.log((1 - rate) * expit(difference) + rate / 2)
        return log_probability

    return {
        "bradley-terry": ChoiceModel(bradley_terry_loss, lambda difference: -np.logaddexp(0, -difference)),
        "thurstone": ChoiceModel(thurstone_loss, log_ndtr),
        "lapse": ChoiceModel(lapse_loss(rate), lapse),
        "hinge": ChoiceModel(hinge_loss(margin), hinge),
    }


def choice_model(config: ChoiceModelConfig, yours: PreferenceLoss) -> ChoiceModel:
    """The choice model that the flags ask for; `yours` is the participant's loss, taken to be Bradley and Terry's."""
    temperature = config.loss_temperature
    name = "bradley-terry" if config.solution or config.loss == "yours" else config.loss
    model = choice_models(config)[name]
    loss = yours if config.uses_yours else model.loss
    return ChoiceModel(
        loss=lambda a, b, preferences: loss(a / temperature, b / temperature, preferences),
        log_probability=lambda difference: model.log_probability(difference / temperature),
    )


def explain(
    config: ChoiceModelConfig, differences: np.ndarray, preferences: np.ndarray
) -> dict[str, tuple[float, float]]:
    """How well each choice model explains answers, given the differences R_b - R_a; both of shape (n,).

    For each by name: its mean negative log-likelihood per answer, in nats, at the temperature that makes it least, and
    that temperature. Guessing has log 2 = 0.693, as has any model at an infinite temperature. Empty without answers.
    """
    if len(preferences) == 0:
        return {}
    models = choice_models(config).items()
    return {name: _best(model.log_probability, differences, preferences) for name, model in models}


def _best(function: LogProbability, differences: np.ndarray, preferences: np.ndarray) -> tuple[float, float]:
    from scipy.optimize import minimize_scalar  # needed at the end of a run, so it need not hold up the beginning

    def cost(log_temperature: float) -> float:
        scaled = differences / np.exp(log_temperature)
        return -float(np.mean(preferences * function(scaled) + (1 - preferences) * function(-scaled)))

    scale = np.log(np.abs(differences).max() + 1e-12)
    best = minimize_scalar(cost, bounds=(scale - 7, scale + 7), method="bounded")
    return float(best.fun), float(np.exp(best.x))
