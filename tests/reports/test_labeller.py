"""The labeller's report, on records with answers that can be counted by hand."""

import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from made_up_records import MadeUpRecord, answered
from scipy.optimize import minimize_scalar
from scipy.special import expit

from workshop.records.comparisons_from import merge, read_record
from workshop.reports.labeller import LabellerReport, Share, fitted_temperature, labeller_report


def report_on(record: MadeUpRecord) -> LabellerReport:
    return labeller_report(read_record(record.path))


def answer(record: MadeUpRecord, return_a: float, return_b: float, preference: float | None, **columns) -> int:
    number = record.ask(return_a, return_b)
    record.answer(number, preference, **columns)
    return number


# Shares


def test_shares_have_wilsons_interval():
    """By hand for 8 of 10, z = 1.96: (0.8 + z²/20 ± z sqrt(0.016 + z²/400)) / (1 + z²/10) = 0.490, 0.943."""
    low, high = Share(8, 10).interval
    assert (low, high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert str(Share(8, 10)) == "8 of 10 (80 %; 95 % interval 49 to 94 %)"


def test_shares_of_little_say_so():
    assert Share(0, 0).interval == (0, 1)
    assert str(Share(3, 4)) == "3 of 4, too few to say more"
    assert str(Share(5, 5)) == "5 of 5 (100 %; 95 % interval 57 to 100 %)"


# Counts


def test_counts_and_seconds(tmp_path: Path):
    record = MadeUpRecord(tmp_path / "run")
    for seconds, preference in ((1, 0.0), (3, 0.5), (10, 1.0), (50, None)):
        answer(record, 0, 1, preference, seconds=seconds)
    record.undo(0)
    record.answer(0, 1.0, seconds=2)
    record.answer(record.ask_again(2, swapped=False), 1.0, seconds=9)
    report = report_on(record)
    assert (report.answers, report.equal, report.skipped, report.times_undone) == (3, 1, 1, 1)
    assert report.median_seconds == 6  # of 2, 3, 10 and 9


# Consistency


def test_consistency_takes_the_sides_into_account(tmp_path: Path):
    record = MadeUpRecord(tmp_path / "run")
    cases = [  # first, swapped, again, the same?
        (0.0, False, 0.0, True),
        (0.0, True, 1.0, True),
        (1.0, True, 0.0, True),
        (0.5, True, 0.5, True),
        (0.0, True, 0.0, False),
        (1.0, False, 0.0, False),
        (0.5, False, 1.0, False),
        (1.0, True, 0.5, False),
    ]
    for first, swapped, again, _ in cases:
        record.answer(record.ask_again(answer(record, 0, 1, first), swapped), again)
    report = report_on(record)
    assert report.consistent == Share(sum(same for *_, same in cases), 8) == Share(4, 8)
    assert report.opposite == 2
    assert "4 of 8 (50 %; 95 % interval 22 to 78 %); the opposite: 2." in report.as_text()


# Agreement


def test_agreement_is_of_preferences_between_returns_that_differ(tmp_path: Path):
    record = MadeUpRecord(tmp_path / "run")
    for return_a, return_b, preference in (
        (0, 1, 1.0),  # agrees
        (2, 1, 0.0),  # agrees
        (-3, -1, 1.0),  # agrees
        (2, 1, 1.0),  # does not
        (5, 1, 0.5),  # has no preference
        (1, 1, 0.0),  # has nothing to agree with
        (0, 1, None),  # has no answer
    ):
        answer(record, return_a, return_b, preference)
    report = report_on(record)
    assert report.agreement == Share(3, 4)
    assert report.fitted_to == 5


def test_without_a_true_reward_there_is_no_agreement(tmp_path: Path):
    record = MadeUpRecord(tmp_path / "run")
    for preference in [0.0, 1.0] * 10:
        answer(record, 0, 0, preference)
    report = report_on(record)
    assert report.agreement == Share(0, 0)
    assert math.isnan(report.temperature)
    assert "no true reward" in report.as_text()


# Bias


def test_the_bias_is_tested_exactly(tmp_path: Path):
    """8 of 10 or a more uneven share: 2 (1 + 10 + 45) / 1024."""
    report = report_on(answered(tmp_path / "run", [0.0] * 8 + [1.0] * 2 + [0.5] * 7 + [None]))
    assert report.left == Share(8, 10)
    assert report.left_p_value == pytest.approx(112 / 1024)
    assert "no sign of a bias (p = 0.11)" in report.as_text()
    one_sided = report_on(answered(tmp_path / "left", [0.0] * 10))
    assert one_sided.left_p_value == pytest.approx(2 / 1024)
    assert "; a bias (p = 0.002)" in one_sided.as_text()


def test_turning_every_pair_round_changes_the_bias_alone(tmp_path: Path):
    generator = np.random.default_rng(0)
    returns = generator.normal(size=(30, 2))
    preferences = generator.choice([0, 0.5, 1], size=30)
    records = [MadeUpRecord(tmp_path / name) for name in ("as asked", "turned")]
    for (a, b), preference in zip(returns, preferences, strict=True):
        answer(records[0], a, b, preference)
        answer(records[1], b, a, 1 - preference)
    one, other = (report_on(record) for record in records)
    assert other.left == Share(one.left.n - one.left.count, one.left.n)
    for field in fields(LabellerReport):
        if field.name != "left":
            assert getattr(other, field.name) == pytest.approx(getattr(one, field.name), nan_ok=True), field.name


# Temperature


def test_three_of_four_right_at_one_difference():
    """sigmoid(2 / T) = 3 / 4, so T = 2 / log 3."""
    differences, preferences = np.full(8, 2.0), np.array([1, 1, 1, 1, 1, 1, 0, 0.0])
    assert fitted_temperature(differences, preferences) == pytest.approx(2 / math.log(3))


def test_a_tie_is_half_an_answer_for_each():
    with_tie = fitted_temperature(np.array([1.0, 1, 1, 1]), np.array([1, 1, 1, 0.5]))
    as_halves = fitted_temperature(np.ones(8), np.array([1, 1, 1, 1, 1, 1, 1, 0.0]))
    assert with_tie == pytest.approx(as_halves)
    assert with_tie == pytest.approx(1 / math.log(7))


@pytest.mark.parametrize("true_temperature", [0.1, 1.0, 30.0])
def test_the_temperature_of_a_bradley_terry_labeller_is_found(true_temperature: float):
    generator = np.random.default_rng(0)
    differences = generator.normal(scale=2 * true_temperature, size=20_000)
    preferences = (generator.random(20_000) < expit(differences / true_temperature)).astype(float)
    assert fitted_temperature(differences, preferences) == pytest.approx(true_temperature, rel=0.05)


def test_the_temperature_is_the_most_likely_one():
    """Against a search by SciPy of the likelihood itself."""
    generator = np.random.default_rng(3)
    differences = generator.normal(size=40)
    preferences = np.where(generator.random(40) < expit(differences), 1.0, 0.0)
    preferences[:5] = 0.5

    def cost(log_temperature: float) -> float:
        scaled = differences / math.exp(log_temperature)
        return float(np.sum(preferences * np.logaddexp(0, -scaled) + (1 - preferences) * np.logaddexp(0, scaled)))

    best = minimize_scalar(cost, bounds=(-7, 7), method="bounded", options={"xatol": 1e-9})
    assert fitted_temperature(differences, preferences) == pytest.approx(math.exp(best.x), rel=1e-4)


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e9, 1e30])
def test_the_temperature_scales_with_the_returns(scale: float):
    generator = np.random.default_rng(1)
    differences = generator.normal(size=50)
    preferences = (generator.random(50) < expit(differences)).astype(float)
    expected = scale * fitted_temperature(differences, preferences)
    assert fitted_temperature(scale * differences, preferences) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("differences", "preferences", "expected"),
    [
        ([1, -2, 3e-9], [1, 0, 1], 0),  # every answer goes by the returns
        ([1, -2, 0], [1, 0, 0], 0),  # equal returns tell nothing
        ([1, -2, 3], [0, 1, 0], math.inf),  # every answer goes against them
        ([1, 1, -1, -1], [1, 0, 1, 0], math.inf),  # no relation
        ([1, -2, 3], [0.5, 0.5, 0.5], math.inf),
        ([0, 0], [1, 0], math.nan),
        ([], [], math.nan),
    ],
)
def test_temperatures_at_the_ends(differences: list[float], preferences: list[float], expected: float):
    found = fitted_temperature(np.array(differences, float), np.array(preferences, float))
    assert found == pytest.approx(expected, nan_ok=True)


# The text


def test_few_answers_get_no_statistics(tmp_path: Path):
    text = report_on(answered(tmp_path / "run", [0.0, 1.0, 1.0])).as_text()
    assert text.splitlines() == [
        "Answers: 3, of them 0 equally good; skipped: 0; taken back: 0. Median time: 2.0 s an answer.",
        "Consistency: no pair was answered twice.",
        "Agreement: the higher true return was preferred: 2 of 3, too few to say more.",
        "Noise: too few answers to fit a temperature (3; 10 are needed).",
        "Left or right: left was preferred: 1 of 3, too few to say more.",
    ]


def test_no_answers_are_no_trouble(tmp_path: Path):
    for preferences in ([], [None]):
        record = answered(tmp_path / str(len(preferences)), preferences)
        text = report_on(record).as_text()
        assert "nan" not in text
        assert "inf" not in text
        assert report_on(record).left_p_value == 1


def test_a_temperature_in_words(tmp_path: Path):
    always = report_on(answered(tmp_path / "always", [1.0] * 10))
    assert always.temperature == 0
    assert "every answer goes by the true return (temperature 0)" in always.as_text()
    never = report_on(answered(tmp_path / "never", [0.0] * 10))
    assert never.temperature == math.inf
    assert "do not follow the true return" in never.as_text()
    mostly = report_on(answered(tmp_path / "mostly", [1.0] * 9 + [0.0] * 3))
    assert "a temperature of 0.91 in true return; where two fragments differ by 1, three of four" in mostly.as_text()


def test_several_labellers_are_reported_on_together(tmp_path: Path):
    records = [answered(tmp_path / name, [1.0, 0.0, 0.5], labeller=name) for name in ("ada", "bob")]
    report = labeller_report(merge([read_record(record.path) for record in records]))
    assert (report.answers, report.equal, report.agreement, report.left) == (6, 2, Share(2, 4), Share(2, 4))
