"""The choice models against values worked out by hand, and against SciPy and PyTorch."""

import math

import numpy as np
import pytest
import torch
from scipy.special import entr
from scipy.stats import norm

from workshop.exercise.choice_models import (
    ChoiceModelConfig,
    PreferenceLoss,
    choice_model,
    choice_models,
    explain,
    hinge_loss,
    lapse_loss,
    thurstone_loss,
)
from workshop.exercise.solution import bradley_terry_loss


def loss_of(a: float, b: float, preference: float, loss: PreferenceLoss = bradley_terry_loss) -> float:
    return float(loss(*(torch.tensor([x], dtype=torch.float64) for x in (a, b, preference))))


def model(name: str, **options):
    return choice_model(ChoiceModelConfig(loss=name, **options), yours=bradley_terry_loss)


@pytest.mark.parametrize(
    ("a", "b", "preference", "expected"),
    [
        (0, 0, 0, math.log(2)),
        (5, 5, 1, math.log(2)),
        (5, 5, 0.5, math.log(2)),
        (0, math.log(3), 1, math.log(4 / 3)),  # P(b) = 3/4
        (0, math.log(3), 0, math.log(4)),
        (0, math.log(3), 0.5, (math.log(4 / 3) + math.log(4)) / 2),
        (1000, 0, 1, 1000),
        (1000, 0, 0, 0),
    ],
)
def test_bradley_terry_by_hand(a: float, b: float, preference: float, expected: float):
    assert loss_of(a, b, preference) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_gradient_is_probability_minus_answer_over_the_batch():
    a = torch.tensor([0.0, 0.0, 2000.0], requires_grad=True)
    b = torch.tensor([math.log(3), 0.0, 0.0], requires_grad=True)
    bradley_terry_loss(a, b, torch.tensor([1.0, 0.5, 1.0])).backward()
    # P(b) - answer: 3/4 - 1, 1/2 - 1/2, 0 - 1; each over the three comparisons of the batch
    torch.testing.assert_close(b.grad, torch.tensor([-0.25, 0.0, -1.0]) / 3)
    torch.testing.assert_close(a.grad, -b.grad)


@pytest.mark.parametrize(("a", "b"), [(0, 0), (0, 1.5), (2, -1), (30, 0)])
def test_thurstone_is_the_normal_distribution(a: float, b: float):
    assert loss_of(a, b, 1, thurstone_loss) == pytest.approx(-norm.logcdf(b - a))
    assert loss_of(a, b, 0, thurstone_loss) == pytest.approx(-norm.logcdf(a - b))
    assert loss_of(a, b, 0.5, thurstone_loss) == pytest.approx(-(norm.logcdf(b - a) + norm.logcdf(a - b)) / 2)


def test_lapses_bound_the_loss_by_hand():
    # P(b) = 0.8 * 3/4 + 0.1
    assert loss_of(0, math.log(3), 1, lapse_loss(0.2)) == pytest.approx(-math.log(0.7))
    assert loss_of(1000, 0, 1, lapse_loss(0.2)) == pytest.approx(-math.log(0.1)), "a lapse explains any answer"


def test_hinge_by_hand():
    assert loss_of(0, 3, 1, hinge_loss(2)) == 0, "the better return is the larger by more than the margin"
    assert loss_of(0, 0.5, 1, hinge_loss(2)) == 1.5
    assert loss_of(0, 0.5, 0, hinge_loss(2)) == 2.5
    assert loss_of(0, 0.5, 1, model("hinge", hinge_margin=2.0).loss) == 1.5


@pytest.mark.parametrize("name", ["bradley-terry", "thurstone", "lapse", "hinge"])
def test_loss_is_the_mean_over_the_batch(name: str):
    loss = model(name).loss
    values = [(0.0, 1.0, 1.0), (2.0, -1.0, 0.0), (0.5, 0.5, 0.5)]
    together = loss(*(torch.tensor(column, dtype=torch.float64) for column in zip(*values, strict=True)))
    assert together.shape == ()
    assert float(together) == pytest.approx(sum(loss_of(*value, loss) for value in values) / 3)


@pytest.mark.parametrize("name", ["yours", "bradley-terry", "thurstone", "lapse"])
def test_loss_is_the_negative_log_of_the_probability(name: str):
    chosen = model(name, loss_temperature=1.7, lapse_rate=0.3)
    for difference in (-4.0, -0.3, 0.0, 2.0):
        probability = chosen.probability(np.array(difference))
        assert loss_of(0, difference, 1, chosen.loss) == pytest.approx(-math.log(probability))
        assert loss_of(0, difference, 0, chosen.loss) == pytest.approx(-math.log(1 - probability))


@pytest.mark.parametrize("name", ["bradley-terry", "thurstone", "lapse", "hinge"])
def test_probabilities_are_probabilities(name: str):
    function = choice_models(ChoiceModelConfig())[name].log_probability
    differences = np.linspace(-40, 40, 81)
    b, a = np.exp(function(differences)), np.exp(function(-differences))
    np.testing.assert_allclose(a + b, 1, rtol=1e-9)
    assert (np.diff(b) >= 0).all()
    assert b[40] == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["yours", "bradley-terry", "thurstone", "lapse", "hinge"])
def test_temperature_scales_returns_before_the_loss(name: str):
    plain, hot = model(name), model(name, loss_temperature=4.0)
    assert loss_of(2, 10, 0, hot.loss) == pytest.approx(loss_of(0.5, 2.5, 0, plain.loss))
    np.testing.assert_allclose(hot.probability(np.array([8.0])), plain.probability(np.array([2.0])))


def test_your_loss_is_used_unless_another_is_asked_for():
    def mine(a: torch.Tensor, b: torch.Tensor, preferences: torch.Tensor) -> torch.Tensor:
        return (a + b + preferences).sum()

    def chosen(**options) -> PreferenceLoss:
        return choice_model(ChoiceModelConfig(**options), yours=mine).loss

    assert loss_of(1, 2, 3, chosen()) == 6
    assert loss_of(0, math.log(3), 1, chosen(solution=True)) == pytest.approx(math.log(4 / 3))
    assert loss_of(0, math.log(3), 1, chosen(loss="bradley-terry")) == pytest.approx(math.log(4 / 3))
    assert ChoiceModelConfig().uses_yours
    assert not ChoiceModelConfig(solution=True).uses_yours


def test_the_model_that_made_the_answers_explains_them_best():
    generator = np.random.default_rng(0)
    differences = generator.normal(scale=4, size=40_000)
    config = ChoiceModelConfig(lapse_rate=0.3)
    best = {}
    for name in ("bradley-terry", "thurstone", "lapse"):
        probability = choice_models(config)[name].probability(differences / 1.5)
        answers = (generator.random(len(differences)) < probability).astype(float)
        explained = explain(config, differences, answers)
        best[name] = min(explained, key=lambda model: explained[model][0])
        assert explained[name][1] == pytest.approx(1.5, rel=0.1), "and the temperature is found again"
        entropy = (entr(probability) + entr(1 - probability)).mean()
        assert explained[name][0] == pytest.approx(entropy, rel=0.02)
    assert best == {name: name for name in best}


def test_answers_without_rhyme_or_reason_are_explained_no_better_than_by_guessing():
    differences, answers = np.array([1.0, 1.0, -2.0, -2.0]), np.array([0.0, 1.0, 0.0, 1.0])
    for loss, _ in explain(ChoiceModelConfig(), differences, answers).values():
        assert loss == pytest.approx(math.log(2), abs=1e-3)
    assert explain(ChoiceModelConfig(), np.empty(0), np.empty(0)) == {}
    assert all(np.isfinite(pair).all() for pair in explain(ChoiceModelConfig(), np.zeros(3), np.ones(3)).values())


def test_hardly_any_lapses_are_explained_without_a_warning():
    for loss, temperature in explain(
        ChoiceModelConfig(lapse_rate=1e-300), np.array([1.0, -2.0, 1e6]), np.array([1.0, 1.0, 0.0])
    ).values():
        assert math.isfinite(loss)
        assert math.isfinite(temperature)


@pytest.mark.parametrize(
    ("flag", "options"),
    [
        ("--loss-temperature", {"loss_temperature": 0.0}),
        ("--loss-temperature", {"loss_temperature": float("inf")}),
        ("--hinge-margin", {"hinge_margin": 0.0}),
        ("--lapse-rate", {"lapse_rate": 1.0}),
        ("--lapse-rate", {"lapse_rate": 0.0}),
        ("--solution .*--loss hinge", {"solution": True, "loss": "hinge"}),
    ],
)
def test_bad_options_are_named(flag: str, options: dict[str, object]):
    with pytest.raises(ValueError, match=flag):
        ChoiceModelConfig(**options)
