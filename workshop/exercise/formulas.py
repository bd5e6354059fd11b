"""What wrong losses compute in place of the right one, for one comparison with the answer 0 or 1."""

import math
from collections.abc import Callable, Mapping, Sequence

from workshop.exercise.probe import Comparison, bradley_terry, probability_of_b

Formula = Callable[[float, float, float], float]  # returns of a and b, and the answer, to a loss


def mixture(a: float, b: float, answer: float) -> float:
    """The logarithm of a mean probability, in place of the mean logarithm; the same for an answer of 0 or 1."""
    return -math.log(_probability(a, b, answer))


def hinge_through(
    values: Mapping[Comparison, float], close: Callable[[Sequence[float], Sequence[float]], bool]
) -> bool:
    """Whether the values are some hinge's, plain or squared, of any margin and slope, and either way round."""
    for power in (1, 2):
        for way in (1, -1):
            rooted = [max(0.0, value) ** (1 / power) for value in values.values()]
            margins = [way * _margin(*comparison) for comparison in values]
            # the two that fall short by the most are on the slope, and settle the hinge
            (low, at_low), (next_low, at_next) = sorted(zip(margins, rooted, strict=True))[:2]
            slope = (at_low - at_next) / (next_low - low)
            zero = low + at_low / slope if slope > 0 else -1.0
            bent = [max(0.0, slope * (zero - margin)) ** power for margin in margins]
            if slope > 0 and zero >= -1e-6 and 0.0 in bent and close(list(values.values()), bent):
                return True
    return False


def _probability(a: float, b: float, answer: float) -> float:
    """The probability of the answer; with an answer of 0.5, of both by halves."""
    return answer * probability_of_b(a, b) + (1 - answer) * probability_of_b(b, a)


def _margin(a: float, b: float, answer: float) -> float:
    """By how much the return of the preferred fragment is the larger."""
    return (2 * answer - 1) * (b - a)


def _logit(score_a: Formula, score_b: Formula) -> Formula:
    """Bradley and Terry's loss of something else than the returns."""
    return lambda a, b, p: bradley_terry(score_a(a, b, p), score_b(a, b, p), p)


def _both_ways(*formulas: Formula) -> list[Formula]:
    """Formulas, and the same with the answers read the other way round."""
    return [*formulas, *(lambda a, b, p, formula=formula: formula(a, b, 1 - p) for formula in formulas)]


# probabilities taken for returns, so that there is a second sigmoid or softmax
TWICE = _both_ways(
    _logit(lambda a, b, p: 0, lambda a, b, p: probability_of_b(a, b)),
    _logit(lambda a, b, p: 0, lambda a, b, p: probability_of_b(b, a)),
    _logit(lambda a, b, p: 0, lambda a, b, p: -bradley_terry(a, b, 1)),
    _logit(lambda a, b, p: probability_of_b(b, a), lambda a, b, p: probability_of_b(a, b)),
    lambda a, b, p: bradley_terry(0, _probability(a, b, p), 1),
    lambda a, b, p: bradley_terry(0, -bradley_terry(a, b, p), 1),
)
# answers that should have been -1 and 1: what depends on p (R_b - R_a), and (p + 1) / 2
PLUS_MINUS = [
    formula
    for sign in (1, -1)
    for formula in (
        lambda a, b, p, sign=sign: bradley_terry(0, sign * p * (b - a), 1),
        lambda a, b, p, sign=sign: -bradley_terry(0, sign * p * (b - a), 1),
        lambda a, b, p, sign=sign: math.exp(-sign * p * (b - a)),
        lambda a, b, p, sign=sign: probability_of_b(0, sign * p * (b - a)),
        lambda a, b, p, sign=sign: bradley_terry(sign * a, sign * b, (1 + p) / 2),
        *(lambda a, b, p, sign=sign, m=m: max(0, m - sign * p * (b - a)) for m in (0, 0.1, 0.5, 1, 2)),
    )
]
# the two terms, with one sign that is wrong: before a term, or within
ONE_SIGN = [
    *(
        lambda a, b, p, sign=sign, way=way: sign * (2 * p - 1) * bradley_terry(a, b, p if way else 1 - p)
        for sign in (1, -1)
        for way in (True, False)
    ),
    lambda a, b, p: p * bradley_terry(a, b, 1) - (1 - p) * math.log1p(probability_of_b(a, b)),
    lambda a, b, p: (1 - p) * bradley_terry(a, b, 0) - p * math.log1p(probability_of_b(b, a)),
    lambda a, b, p: bradley_terry(a, b, 0) + p * (b - a),
    lambda a, b, p: bradley_terry(a, b, 1) - (1 - p) * (b - a),
]
ONE_ANSWER = [
    lambda a, b, p, sign=sign, which=which, way=way: (
        sign * (p == which) * bradley_terry(a, b, which if way else 1 - which)
    )
    for sign in (1, -1)
    for which in (0, 1)
    for way in (True, False)
]
SQUARED = [
    lambda a, b, p, error=error, scale=scale: scale * error(a, b, p)
    for error in (
        lambda a, b, p: (probability_of_b(a, b) - p) ** 2,
        lambda a, b, p: (probability_of_b(a, b) - p) ** 2 + (probability_of_b(b, a) - 1 + p) ** 2,
        lambda a, b, p: (b - a - p) ** 2,
        lambda a, b, p: (b - a - (2 * p - 1)) ** 2,
        lambda a, b, p: abs(b - a - p),
    )
    for scale in (1, 0.5)
]  # fmt: skip

# In the order in which they are tried; the mistake that each is.
FORMULAS: list[tuple[Formula, str]] = [
    (lambda a, b, p: bradley_terry(a, b, 1 - p), "turned-round"),
    (lambda a, b, p: -bradley_terry(a, b, p), "no-minus"),
    (lambda a, b, p: -bradley_terry(a, b, 1 - p), "turned-round-no-minus"),
    (_probability, "log-forgotten"),
    (lambda a, b, p: -_probability(a, b, p), "log-forgotten"),
    (lambda a, b, p: 1 - _probability(a, b, p), "log-forgotten"),
    (lambda a, b, p: -1 + _probability(a, b, p), "log-forgotten"),
    *((formula, "squared") for formula in SQUARED),
    (lambda a, b, p: -_margin(a, b, p), "bare-difference"),
    (_margin, "bare-difference"),
    *((formula, "one-answer") for formula in ONE_ANSWER),
    *((formula, "one-sign") for formula in ONE_SIGN),
    *((formula, "twice") for formula in TWICE),
    *((formula, "plus-minus") for formula in PLUS_MINUS),
]
