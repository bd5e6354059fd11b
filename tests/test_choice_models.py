"""Bradley and Terry's loss against values worked out by hand."""

import math

import pytest
import torch

from workshop.choice_models import bradley_terry_loss


def loss_of(a: float, b: float, preference: float) -> float:
    return float(bradley_terry_loss(*(torch.tensor([x], dtype=torch.float64) for x in (a, b, preference))))


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
def test_values(a: float, b: float, preference: float, expected: float):
    assert loss_of(a, b, preference) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_gradient_is_probability_minus_answer_over_the_batch():
    a = torch.tensor([0.0, 0.0, 2000.0], requires_grad=True)
    b = torch.tensor([math.log(3), 0.0, 0.0], requires_grad=True)
    bradley_terry_loss(a, b, torch.tensor([1.0, 0.5, 1.0])).backward()
    # P(b) - answer: 3/4 - 1, 1/2 - 1/2, 0 - 1; each over the three comparisons of the batch
    torch.testing.assert_close(b.grad, torch.tensor([-0.25, 0.0, -1.0]) / 3)
    torch.testing.assert_close(a.grad, -b.grad)


def test_loss_is_the_mean_over_the_batch():
    values = [(0.0, 1.0, 1.0), (2.0, -1.0, 0.0), (0.5, 0.5, 0.5)]
    together = bradley_terry_loss(*(torch.tensor(column, dtype=torch.float64) for column in zip(*values, strict=True)))
    assert together.shape == ()
    assert float(together) == pytest.approx(sum(loss_of(*value) for value in values) / 3)
