"""Differences from the baseline, their tests and their words, on made-up groups; p-values are computed here anew."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from workshop.many_runs.differences import differences, holm, p_value
from workshop.many_runs.groups import Group
from workshop.many_runs.numbers import number, signed
from workshop.many_runs.table import as_markdown, table, write_csv


@dataclass
class MadeUp:
    """What is asked of a run."""

    comparisons_to_solve: float
    final: float
    solved_at: float | None = 190.0
    reward: str = "learned"

    @property
    def solved(self) -> bool:
        return self.solved_at is not None and math.isfinite(self.comparisons_to_solve)

    @property
    def options(self) -> dict[str, str]:
        return {"reward": self.reward}

    @property
    def columns(self) -> dict[str, np.ndarray]:
        return {"true_return_mean": np.array([0, self.final]), "seconds": np.array([0.0, 2.0])}


NEVER = math.inf
QUICK = [20, 18, 22, 19, 21, 20, 17, 23, 20, 20]
SLOW = [27, 25, 29, 26, 28, 27, 24, 30, 27, NEVER]
MIXED = [30, NEVER, NEVER, 26, NEVER, NEVER, 24, NEVER, NEVER, NEVER]


def group(label: str, to_solve: Sequence[float], **options: object) -> Group:
    return Group(
        label, [MadeUp(each, 100 if each == NEVER else 200 - each / 10, **options) for each in to_solve], label
    )


def p_of(here: Sequence[float], there: Sequence[float]) -> float:
    large = [[1e9 if each == NEVER else each for each in numbers] for numbers in (here, there)]
    return float(stats.mannwhitneyu(*large).pvalue)


def test_fewer_comparisons_are_told_with_the_p_of_mann_and_whitney():
    base, quick = group("the defaults", SLOW), group("--a", QUICK)
    (found,) = differences([base, quick], base).values()
    assert found.p == pytest.approx(p_of(QUICK, SLOW))
    assert (found.baseline, found.here, found.difference) == (27, 20, -7)
    assert found.words == "needs fewer comparisons (27 → 20, p < 0.001)"
    (other_way,) = differences([base, quick], quick).values()
    assert other_way.words == "needs more comparisons (20 → 27, p < 0.001)"


def test_the_interval_is_the_bootstrap_of_the_difference_of_medians():
    base, quick = group("the defaults", SLOW), group("--a", QUICK)
    (found,) = differences([base, quick], base).values()
    rng = np.random.default_rng(7)
    here, there = (np.sort(rng.choice(each, (20_000, 10)), axis=1)[:, 5] for each in (QUICK, SLOW))
    assert (found.low, found.high) == tuple(np.quantile(here - there, [0.025, 0.975], method="inverted_cdf"))


def test_shares_are_told_with_the_p_of_fisher():
    base, mixed = group("the defaults", SLOW), group("--b", MIXED)
    (found,) = differences([base, mixed], base).values()
    assert (
        found.p_solved == pytest.approx(stats.fisher_exact([[9, 1], [3, 7]]).pvalue) == pytest.approx(0.0198, abs=1e-4)
    )
    assert found.p == pytest.approx(p_of(MIXED, SLOW))
    assert found.words == (
        f"needs more comparisons (27 → never, p = {found.p:.3f}); is solved less often (9 of 10 → 3 of 10, p = 0.020)"
    )
    assert (found.difference, found.low, found.high) == (math.inf, 3, math.inf)


def test_many_groups_are_corrected_by_holm():
    base = group("the defaults", SLOW)
    others = [group("--a", QUICK), group("--b", MIXED), group("--c", [26, 28, 27, 25, 29, 27, 26, 28, 27, 30])]
    raw = np.array([p_of(each, SLOW) for each in (QUICK, MIXED, [run.comparisons_to_solve for run in others[2].runs])])
    least, middle, most = np.sort(raw)
    by_hand = dict(
        zip(np.sort(raw), [3 * least, max(3 * least, 2 * middle), min(1, max(2 * middle, most))], strict=True)
    )
    found = differences([base, *others], base)
    assert [each.p for each in found.values()] == pytest.approx([by_hand[each] for each in raw])
    assert found["--b"].p > p_of(MIXED, SLOW)
    assert found["--c"].words == "no difference that 10 seeds can show"


@pytest.mark.parametrize(
    ("p", "corrected"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([math.nan, 0.02, 0.01], [math.nan, 0.02, 0.02]),
        ([], []),
    ],
)
def test_holm_by_hand(p: list[float], corrected: list[float]):
    assert holm(p) == pytest.approx(corrected, nan_ok=True)


@pytest.mark.parametrize(
    ("n", "m", "words"),
    [(5, 5, "5 seeds"), (1, 1, "1 seed"), (10, 3, "10 seeds against 3"), (1, 4, "1 seed against 4")],
)
def test_no_difference_says_how_many_seeds_cannot_show_one(n: int, m: int, words: str):
    base, other = group("the defaults", SLOW[:n]), group("--a", SLOW[:m])
    (found,) = differences([base, other], base).values()
    assert found.words == f"no difference that {words} can show"
    assert math.isnan(found.low) == (min(n, m) < 5)


def test_where_nobody_says_what_solved_is_returns_are_compared():
    low, high = ([MadeUp(NEVER, final, None) for final in finals] for finals in (range(-200, -190), range(-160, -150)))
    base, better = Group("the defaults", low), Group("--a", high)
    (found,) = differences([base, better], base).values()
    assert found.p == pytest.approx(stats.mannwhitneyu(range(10), range(20, 30)).pvalue)
    assert math.isnan(found.p_solved)
    assert found.words == "has a higher return at the end (-195.5 → -155.5, p < 0.001)"
    text = as_markdown(table([base, better], {"--a": found}), "the defaults")
    assert "solved" not in text
    assert "never" not in text
    assert "| return +40.0 (+" in text


def test_the_true_reward_is_compared_by_its_return():
    base, true = group("the defaults", SLOW), group("--reward true", [0] * 10, reward="true")
    (found,) = differences([base, true], base).values()
    assert found.measure == "final_true_return"
    assert found.p == pytest.approx(stats.mannwhitneyu([200] * 10, [run.final for run in base.runs]).pvalue)


def test_the_table_tells_the_difference_and_the_flags_of_a_name(tmp_path: Path):
    base, quick = group("the defaults", SLOW), Group("mine", group("", QUICK).runs, "--a")
    rows = table([base, quick], differences([base, quick], base))
    head, _, first, second = as_markdown(rows, "the defaults").splitlines()
    assert head.endswith("| seconds | against the defaults (95 % interval) | beyond chance? | flags |")
    assert first.endswith("| 2.0 |  |  | the defaults |")
    assert second.endswith("| comparisons -7 (-10 to -5) | needs fewer comparisons (27 → 20, p < 0.001) | --a |")
    write_csv(rows, tmp_path / "table.csv")
    header, *_, last = (tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()
    cells = dict(zip(header.split(","), last.split(","), strict=False))
    assert (cells["difference_of"], cells["difference"]) == ("comparisons_to_solve", "-7")
    assert float(cells["p"]) == pytest.approx(p_of(QUICK, SLOW), rel=1e-4)


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (number(-0.0), "0"),
        (number(-0.04, ".1f"), "0.0"),
        (number(math.inf), "never"),
        (signed(-0.04, ".1f"), "0.0"),
        (signed(0.04, ".1f"), "0.0"),
        (signed(3.0), "+3"),
        (signed(-3.0), "-3"),
        (signed(math.inf), "+∞"),
        (p_value(0.0004), "p < 0.001"),
        (p_value(0.0042), "p = 0.004"),
    ],
)
def test_numbers_never_have_a_minus_before_zero(shown: str, text: str):
    assert shown == text


def test_a_table_of_numbers_near_zero_has_no_minus_before_zero(tmp_path: Path):
    rows = table([Group("a", [MadeUp(NEVER, -0.0, None)] * 2)])
    row = rows[0] | {"low": -0.0, "high": -0.04}
    write_csv([row], tmp_path / "table.csv")
    assert "| a | 2 | 0.0 (0.0 to 0.0) |" in as_markdown([row])
    assert "\na,2,mean,0,0,-0.04," in (tmp_path / "table.csv").read_text(encoding="utf-8")
