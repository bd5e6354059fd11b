"""The names of the mistakes in a `preference_loss`: what a wrong loss computes in place of the right one.

A mistake is recognised by what the loss gives, never by how it is written. They are tried in order, the most specific
ones first. Hints lead to the right thought without giving the line away.
"""

import math
from collections.abc import Callable, Sequence

from workshop.exercise.formulas import FORMULAS, hinge_through, mixture
from workshop.exercise.probe import STEP, Comparison, Probe, WrongLossError, at, bradley_terry, probability_of_b

DECIDED: list[Comparison] = [(2, 0, 0), (2, 0, 1), (-1, 0.5, 1), (-1, 0.5, 0), (0.3, 3, 0), (0.3, 3, 1), (1, 1, 1)]
TIES: list[Comparison] = [(1, 0, 0.5), (0, 2.5, 0.5), (-1, -1, 0.5)]
BATCH: list[Comparison] = [(2, 0, 0), (1, 0, 1), (0, 3, 1)]


def name_mistake(probe: Probe, numbers: str) -> WrongLossError:
    """The name of what is wrong; `numbers` are those of the first property that the loss breaks."""
    for recognise in RECOGNISERS:
        if mistake := recognise(probe, numbers):
            return mistake
    return WrongLossError("unknown", numbers)


def _not_a_number(probe: Probe, numbers: str) -> WrongLossError | None:
    unclear = [comparison for comparison in DECIDED if not math.isfinite(probe.value(comparison))]
    if not unclear:
        return None
    answers = {answer for _, _, answer in unclear}
    if len(answers) == 1 and _right(probe, [comparison for comparison in DECIDED if comparison[2] not in answers]):
        return WrongLossError("one-answer", f"{at(*unclear[0])}: yours {probe.value(unclear[0])}.")
    value = probe.value(unclear[0])
    what = "NaN" if math.isnan(value) else "infinity"
    return WrongLossError("not-finite", f"{at(*unclear[0])}: yours {value}.", what=what)


def _no_number_for_ties(probe: Probe, numbers: str) -> WrongLossError | None:
    """Right for an answer of 0 or 1; for one of 0.5 it gives NaN, a gradient of NaN, zero, or nothing at all."""
    if not _right(probe, DECIDED):
        return None
    probe.gradients(DECIDED[0])  # if there are none anywhere, that is the mistake
    for tie in TIES:
        try:
            value, gradients = probe.value(tie), [gradient for side in probe.gradients(tie) for gradient in side]
        except WrongLossError as problem:
            return WrongLossError("ties-left-out", f"{at(*tie)}: {problem.numbers}")
        if not all(map(math.isfinite, [value, *gradients])):
            where, got = ("its gradient", gradients) if math.isfinite(value) else ("yours", [value])
            wrong = next(number for number in got if not math.isfinite(number))
            return WrongLossError("ties-not-finite", f"{at(*tie)}: {where} {wrong}.")
    if all(probe.value(tie) == 0 for tie in TIES):
        return WrongLossError("ties-left-out", numbers)
    return None


def _coarse(probe: Probe, numbers: str) -> WrongLossError | None:
    """Nearly right, but a return may move by 0.0001 and nothing changes: 16 bits hold three digits."""
    values = [probe.value(comparison) for comparison in DECIDED]
    nearly = [
        math.isclose(x, bradley_terry(*c), rel_tol=0.03, abs_tol=0.01) for x, c in zip(values, DECIDED, strict=True)
    ]
    moved = [probe.value((a + 1e-4 * math.copysign(1, a), b, answer)) for a, b, answer in DECIDED]
    return WrongLossError("coarse", numbers) if all(nearly) and moved == values else None


def _threshold(probe: Probe, numbers: str) -> WrongLossError | None:
    is_a_step = probe.is_a_step() and probe.value((2, 0, 1)) != probe.value((0, 2, 1))
    return WrongLossError("threshold", STEP) if is_a_step else None


def _ignored_answers(probe: Probe, numbers: str) -> WrongLossError | None:
    if all(probe.value(comparison) == 0 for comparison in DECIDED) and probe.value(*BATCH) != 0:
        text = "For one comparison it is 0, whatever the returns: a softmax over a single number is 1."
        return WrongLossError("mixed-up", text)
    for a, b in ((2.0, 0.0), (-1.0, 0.5)):
        first, *others = (probe.value((a, b, answer)) for answer in (0.0, 1.0))
        if not _close([first], others) or not _close([first], [probe.value((a, b, 0.5))]):
            return None
    value = probe.value((2, 0, 0))
    return WrongLossError("answers-ignored", f"At returns 2 and 0: yours {value:.4f}, whatever the answer.")


def _other_formula(probe: Probe, numbers: str) -> WrongLossError | None:
    values = [probe.value(comparison) for comparison in DECIDED]
    for formula, mistake in FORMULAS:
        if _close(values, [formula(*comparison) for comparison in DECIDED]):
            return WrongLossError(mistake, numbers)
    further: Comparison = (30, 0, 0)  # beyond any likely margin
    if hinge_through({**dict(zip(DECIDED, values, strict=True)), further: probe.value(further)}, _close):
        return WrongLossError("hinge", numbers)
    return None


def _one_term(probe: Probe, numbers: str) -> WrongLossError | None:
    """Right for one of the two answers alone."""
    for answer in (0.0, 1.0):
        others, these = ([c for c in DECIDED[:-1] if (c[2] == answer) is same] for same in (False, True))
        if _right(probe, others) and not _right(probe, these):
            return WrongLossError("one-term", numbers, answer=f"{answer:g}")
    return None


def _ties(probe: Probe, numbers: str) -> WrongLossError | None:
    """Right for an answer of 0 or 1, wrong for one of 0.5, of which some cost ln 2 whatever the returns."""
    if not _right(probe, DECIDED) or _right(probe, TIES):
        return None
    if _close([probe.value(tie) for tie in TIES], [math.log(2)] * len(TIES)):
        between: list[Comparison] = [(1, 0, 0.25), (0, 2.5, 0.75)]
        mixed = _close([probe.value(c) for c in between], [mixture(*c) for c in between])
        return WrongLossError("mixture" if mixed else "ties-flat", numbers)
    return WrongLossError("ties", numbers)


def _other_units(probe: Probe, numbers: str) -> WrongLossError | None:
    """The right loss of the returns divided by a temperature, or times a constant factor."""
    if _right(probe, DECIDED):
        return None
    values = [probe.value(comparison) for comparison in DECIDED]
    # at returns 2 and 0, answer 1, the loss is ln(1 + exp(2 / T)): solved for 1 / T
    inverse = math.log(math.expm1(values[1])) / 2 if 0 < values[1] < 100 else 0
    if inverse > 0 and _close(values, [bradley_terry(a * inverse, b * inverse, answer) for a, b, answer in DECIDED]):
        return WrongLossError("temperature", numbers, temperature=1 / inverse)
    factor = values[1] / bradley_terry(2, 0, 1)
    if factor > 0 and _close(values, [factor * bradley_terry(*comparison) for comparison in DECIDED]):
        binary = math.isclose(factor, 1 / math.log(2), rel_tol=1e-3)
        what = "the logarithm is to the base 2" if binary else f"it is {factor:.4g} times what it should be"
        return WrongLossError("factor", numbers, what=what)
    return None


def _alone(probe: Probe, numbers: str) -> WrongLossError | None:
    """Adding a constant to both returns makes a difference, near as well as far."""
    for a, b, answer in DECIDED:
        value, further = probe.value((a, b, answer)), probe.value((a + 2, b + 2, answer))
        if not _close([value], [further]):
            text = f"yours {value:.4f}; with 2 added to both, {further:.4f}, which should be the same."
            return WrongLossError("alone", f"{at(a, b, answer)}: {text}")
    return None


def _batch(probe: Probe, numbers: str) -> WrongLossError | None:
    """Right for one comparison, wrong for several."""
    if not _right(probe, DECIDED):
        return None
    value, n = probe.value(*BATCH), len(BATCH)
    mean = sum(bradley_terry(*comparison) for comparison in BATCH) / n
    if _close([value], [mean]):
        return None
    if _close([value], [mean * n]):
        return WrongLossError("sum", numbers)
    crossed = (
        [bradley_terry(a, b, answer) for a, b, _ in BATCH for _, _, answer in BATCH],
        [bradley_terry(a, b, answer) for a, _, _ in BATCH for _, b, answer in BATCH],
        [bradley_terry(a, b, answer) for a, _, answer in BATCH for _, b, _ in BATCH],
    )
    if any(_close([value], [sum(losses) / n**2]) for losses in crossed):
        return WrongLossError("shapes", numbers)
    return WrongLossError("mixed-up", numbers)


def _slope(probe: Probe, numbers: str) -> WrongLossError | None:
    """Right values, wrong gradients."""
    if not _right(probe, DECIDED):
        return None
    by_a, by_b = zip(*(probe.gradients(comparison) for comparison in DECIDED[:-1]), strict=True)
    flat_a, flat_b = (all(gradient == [0.0] for gradient in gradients) for gradients in (by_a, by_b))
    if flat_a != flat_b:
        return WrongLossError("one-sided", numbers, side="a" if flat_a else "b")
    return None


def _far(probe: Probe, numbers: str) -> WrongLossError | None:
    """Right near by, wrong where the returns are far apart."""
    if not _right(probe, DECIDED + TIES) or not _right_slope(probe):
        return None
    far: list[Comparison] = [(1000, 0, 1), (0, 1000, 0), (1000, 0, 0), (0, 1000, 1)]
    try:
        values = [probe.value(comparison) for comparison in far]
        gradients = [gradient for comparison in far for side in probe.gradients(comparison) for gradient in side]
    except WrongLossError:
        values, gradients = [math.nan], []
    if not all(map(math.isfinite, values + gradients)):
        return WrongLossError("overflow", numbers)
    if _right(probe, far) and _close(gradients, [1, -1, -1, 1, 0, 0, 0, 0]):
        return None
    by_pytorch = _close(values[:2], [100, 100])
    return WrongLossError("clamped-by-pytorch" if by_pytorch else "clamped", numbers)


RECOGNISERS: list[Callable[[Probe, str], WrongLossError | None]] = [
    _not_a_number, _threshold, _ignored_answers, _other_formula, _coarse, _no_number_for_ties, _ties, _other_units,
    _one_term, _batch, _slope, _far, _alone,
]  # fmt: skip


def _right(probe: Probe, comparisons: Sequence[Comparison]) -> bool:
    return all(_close([probe.value(c)], [bradley_terry(*c)]) for c in comparisons)


def _right_slope(probe: Probe) -> bool:
    comparisons = DECIDED[:-1]  # without the one of equal returns, where a right loss may have a kink
    by_b = [gradient for comparison in comparisons for gradient in probe.gradients(comparison)[1]]
    return _close(by_b, [probability_of_b(a, b) - answer for a, b, answer in comparisons])


def _close(values: Sequence[float], others: Sequence[float]) -> bool:
    """Whether all are equal, to the precision of float32."""
    return all(math.isclose(x, y, rel_tol=1e-4, abs_tol=1e-4) for x, y in zip(values, others, strict=True))
