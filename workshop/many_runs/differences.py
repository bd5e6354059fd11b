"""What a group of runs has to do with the baseline: the difference, its interval, and whether it is beyond chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import stats

from workshop.many_runs.groups import Group
from workshop.many_runs.numbers import number
from workshop.many_runs.summaries import (
    PERCENTILES,
    SEEDS_FOR_INTERVAL,
    centre,
    quantiles,
    resampled_centres,
    resampled_medians,
)

BEYOND_CHANCE = 0.05
Measure = Literal["comparisons_to_solve", "final_true_return"]


@dataclass(frozen=True)
class Difference:
    """Of a group from the baseline.

    | field | what |
    | --- | --- |
    | measure | the comparisons to solve or, where these say nothing, the true return at the end |
    | baseline, here | it in the baseline and in the group: the median, or the centre |
    | low, high | a 95 % bootstrap interval of `here` minus `baseline`, NaN with fewer than 5 runs in one of them |
    | p | by Mann and Whitney's test of the measure, two-sided, infinity being more than any number |
    | p_solved | by Fisher's exact test of the shares that are solved, NaN where nobody says what that is |
    | words | what the tests say |
    """

    measure: Measure
    baseline: float
    here: float
    low: float
    high: float
    p: float
    p_solved: float
    words: str = ""

    @property
    def difference(self) -> float:
        """`here` minus `baseline`; 0 if both are infinite."""
        return float(_minus(np.array(self.here), np.array(self.baseline)))


def differences(groups: Sequence[Group], baseline: Group) -> dict[str, Difference]:
    """The differences of all other groups from the baseline, by their labels.

    Each kind of p-value is corrected for how many groups there are, by Holm's method.
    """
    others = [group for group in groups if group is not baseline]
    found = [_difference(group, baseline) for group in others]
    p, p_solved = holm([each.p for each in found]), holm([each.p_solved for each in found])
    corrected = {}
    for group, each, *both in zip(others, found, p, p_solved, strict=True):
        difference = replace(each, p=both[0], p_solved=both[1])
        corrected[group.label] = replace(difference, words=_in_words(difference, group, baseline))
    return corrected


def holm(p: Sequence[float]) -> list[float]:
    """The p-values of several tests, corrected by Holm's method (1979); NaN is no test."""
    corrected = list(p)
    order = sorted((place for place, value in enumerate(p) if not math.isnan(value)), key=lambda place: p[place])
    least = 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * p[place]))
        corrected[place] = least
    return corrected


def _difference(group: Group, baseline: Group) -> Difference:
    of_comparisons = group.solved_at is not None and not (group.has_true_reward or baseline.has_true_reward)
    measure: Measure = "comparisons_to_solve" if of_comparisons else "final_true_return"
    there, here = (_numbers(each, measure) for each in (baseline, group))
    low = high = p_solved = math.nan
    if min(len(there), len(here)) >= SEEDS_FOR_INTERVAL:
        resampled = resampled_medians if of_comparisons else resampled_centres
        between = _minus(resampled(here, stream=1), resampled(there, stream=0))
        low, high = np.quantile(between, PERCENTILES, method="inverted_cdf")
    p = stats.mannwhitneyu(np.nan_to_num(there), np.nan_to_num(here)).pvalue
    if group.solved_at is not None:
        p_solved = stats.fisher_exact([np.bincount(each.solved, minlength=2) for each in (baseline, group)]).pvalue
    before, now = (float(quantiles(each)[1] if of_comparisons else centre(each)) for each in (there, here))
    return Difference(measure, before, now, float(low), float(high), float(p), float(p_solved))


def _numbers(group: Group, measure: Measure) -> np.ndarray:
    return group.to_solve if measure == "comparisons_to_solve" else group.final("true_return_mean")


def _minus(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The difference, 0 between two that are infinite."""
    with np.errstate(invalid="ignore"):
        return np.where(a == b, 0.0, a - b)


def _in_words(difference: Difference, group: Group, baseline: Group) -> str:
    found = []
    if difference.p < BEYOND_CHANCE:
        by_comparisons = difference.measure == "comparisons_to_solve"
        here, there = (_numbers(each, difference.measure) for each in (group, baseline))
        less = bool(np.sign(_minus(here[:, None], there)).sum() < 0)
        if by_comparisons:
            what, digits = f"needs {'fewer' if less else 'more'} comparisons", "g"
        else:
            what, digits = f"has a {'lower' if less else 'higher'} return at the end", ".1f"
        values = " → ".join(number(each, digits) for each in (difference.baseline, difference.here))
        found.append(f"{what} ({values}, {p_value(difference.p)})")
    if difference.p_solved < BEYOND_CHANCE:
        shares = [f"{each.solved.sum()} of {len(each.runs)}" for each in (baseline, group)]
        how = "less" if group.solved.mean() < baseline.solved.mean() else "more"
        found.append(f"is solved {how} often ({' → '.join(shares)}, {p_value(difference.p_solved)})")
    return "; ".join(found) or f"no difference that {_seeds(len(baseline.runs), len(group.runs))} can show"


def _seeds(n: int, m: int) -> str:
    if n != m:
        return f"{n} seeds against {m}" if n > 1 else f"1 seed against {m}"
    return f"{n} seeds" if n > 1 else "1 seed"


def p_value(p: float) -> str:
    """A p-value for people to read."""
    return f"p = {p:.3f}" if p >= 0.0005 else "p < 0.001"
