"""Checks a `preference_loss`.

What is right is decided by `PROPERTIES`: statements that are true of Bradley and Terry's loss, checked at values
worked out here with the `math` module. What is wrong then gets its name in `workshop.exercise.mistakes`; a mistake that
nobody thought of is told by the numbers of the first property that it breaks.
"""

import math
from collections.abc import Callable

from workshop.exercise.mistakes import name_mistake
from workshop.exercise.probe import Comparison, Loss, Probe, WrongLossError, at, probability_of_b

TOLERANCE = 1e-4  # wide enough for a loss that computes in float32
# ln(1 + e^-2), ln(1 + e^2), ln(1 + e^-1.5), ln(1 + e^2.7)
WORKED_OUT: dict[Comparison, float] = {
    (2, 0, 0): 0.126928, (2, 0, 1): 2.126928, (-1, 0.5, 1): 0.201413, (0.3, 3, 0): 2.765039,
}  # fmt: skip


class BrokenPropertyError(Exception):
    """A property does not hold; the text tells the numbers."""


def check_loss(loss: Loss) -> list[str]:
    """Check a loss and return what was checked, a line each.

    Raises a `UsageError` if it is not written yet, a `WrongLossError` if it is wrong.
    """
    probe = Probe(loss)
    probe.check_form()
    for holds in PROPERTIES.values():
        try:
            holds(probe)
        except BrokenPropertyError as broken:
            raise name_mistake(probe, str(broken)) from None
    return list(PROPERTIES)


def _equal_returns(probe: Probe) -> None:
    for a in (0.0, 3.0, -7.0):
        for answer in (0.0, 1.0):
            _expect_value(probe, (a, a, answer), math.log(2))


def _values(probe: Probe) -> None:
    for comparison, expected in WORKED_OUT.items():
        _expect_value(probe, comparison, expected)


def _shift(probe: Probe) -> None:
    for answer in (0.0, 1.0):
        expected = probe.value((1.5, 0.7, answer))
        for constant in (-40.0, 13.0, 250.0):
            shifted = (1.5 + constant, 0.7 + constant, answer)
            _expect_value(probe, shifted, expected, ", as at 1.5 and 0.7")


def _swap(probe: Probe) -> None:
    for a, b, answer in ((1.3, -0.4, 0.0), (-0.4, 1.3, 0.0), (2.2, 5.0, 1.0)):
        expected = probe.value((a, b, answer))
        _expect_value(probe, (b, a, 1 - answer), expected, f", as at {a:g} and {b:g}, answer {answer:g}")


def _ties(probe: Probe) -> None:
    # half of ln(1 + e) + ln(1 + 1/e); ln 2
    try:
        for comparison, expected in (((1, 0, 0.5), 0.813262), ((0, 1, 0.5), 0.813262), ((-1, -1, 0.5), 0.693147)):
            _expect_value(probe, comparison, expected)
        _expect_gradients(probe, (0, 1, 0.5), -0.231059, 0.231059)  # 1 / (1 + 1/e) - 1/2
    except WrongLossError as error:  # some losses have no case for ties
        raise BrokenPropertyError(f"At an answer of 0.5: {error.numbers}") from None


def _gradient(probe: Probe) -> None:
    # not where the returns are equal: there, right losses with a kink are right on both sides only
    for comparison in WORKED_OUT:
        by_b = probability_of_b(*comparison[:2]) - comparison[2]
        _expect_gradients(probe, comparison, -by_b, by_b)


def _far_apart(probe: Probe) -> None:
    for a, b, answer, by_b in ((1000, 0, 0, 0), (1000, 0, 1, -1), (0, 1000, 0, 1), (0, 1000, 1, 0)):
        try:
            _expect_value(probe, (a, b, answer), 1000 * abs(by_b))
            _expect_gradients(probe, (a, b, answer), -by_b, by_b)
        except WrongLossError as error:  # some of PyTorch's functions raise an error where they are given NaN
            raise BrokenPropertyError(f"At returns {a} and {b}: {error.numbers}") from None


def _mean(probe: Probe) -> None:
    comparisons: list[Comparison] = [(2, 0, 0), (1, 0, 1), (0, 3, 1), (0, 1.5, 1), (-2, 1, 0)]
    for n in (2, 5):
        expected = sum(probe.value(comparison) for comparison in comparisons[:n]) / n
        _expect(f"For {n} comparisons at once", probe.value(*comparisons[:n]), expected, ", the mean of each alone")


PROPERTIES: dict[str, Callable[[Probe], None]] = {
    "ln 2 = 0.6931 where both returns are equal": _equal_returns,
    "the right values at returns worked out by hand": _values,
    "adding a constant to both returns changes nothing": _shift,
    "swapping the fragments, and the answer with them, changes nothing": _swap,
    "an answer of 0.5 counts half for each side": _ties,
    "the gradient is the probability minus the answer": _gradient,
    "values and gradients stay right with returns 1000 apart": _far_apart,
    "a batch's loss is the mean over its comparisons": _mean,
}


def _expect_value(probe: Probe, comparison: Comparison, expected: float, remark: str = "") -> None:
    _expect(at(*comparison), probe.value(comparison), expected, remark)


def _expect_gradients(probe: Probe, comparison: Comparison, by_a: float, by_b: float) -> None:
    (got_a,), (got_b,) = probe.gradients(comparison)
    for name, got, expected in (("returns_a", got_a, by_a), ("returns_b", got_b, by_b)):
        _expect(f"{at(*comparison)}, derivative by {name}", got, expected)


def _expect(where: str, got: float, expected: float, remark: str = "") -> None:
    if not math.isclose(got, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        raise BrokenPropertyError(f"{where}: yours {got:.4f}, expected {expected:.4f}{remark}.")
