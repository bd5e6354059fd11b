"""Finding, reading, grouping and summing up runs, on small made-up ones with known answers."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from made_up_runs import write_run
from scipy import stats

from workshop.many_runs.groups import Group, group_runs, mean_random_return
from workshop.many_runs.summaries import centre, centre_name, interval, interval_of_median, quantiles, resampled_centres
from workshop.many_runs.table import as_markdown, table
from workshop.messages import UsageError
from workshop.records.finished import find_runs, read_run
from workshop.records.untrusted import BrokenRecordError


def groups_in(directory: Path) -> list[Group]:
    return group_runs(read_run(path) for path in find_runs([directory]))[0]


# Finding and reading


def test_runs_are_found_at_any_depth_and_by_pattern(tmp_path: Path):
    one = write_run(tmp_path / "deep" / "down", [0, 200])
    two = write_run(tmp_path, [0, 200], seed=1)
    (two / "fragments").mkdir()
    assert find_runs([tmp_path]) == sorted([one, two])
    assert find_runs([one, tmp_path / "deep"]) == [one]
    assert find_runs([tmp_path / "*__1__*"]) == [two]


def test_a_path_at_which_there_is_nothing_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match="nowhere"):
        find_runs([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("true_returns", "solved", "to_solve"),
    [([0, 190, 100, 195, 199], True, 30), ([0, 200, 189], False, math.inf), ([190, 190], True, 0)],
)
def test_a_run_is_solved_from_the_first_iteration_after_which_it_stays_so(
    tmp_path: Path, true_returns: list[float], solved: bool, to_solve: float
):
    run = read_run(write_run(tmp_path, true_returns))
    assert (run.solved, run.comparisons_to_solve, run.solved_at) == (solved, to_solve, 190)


def test_empty_cells_are_read_as_nan_and_numbers_as_they_are(tmp_path: Path):
    run = read_run(write_run(tmp_path, [1.5, -2.25]))
    np.testing.assert_array_equal(run.columns["true_return_mean"], [1.5, -2.25])
    np.testing.assert_array_equal(run.columns["reward_correlation"], [np.nan, 0.2])
    assert run.packages == {"torch": "2.13.0"}
    assert "packages" not in run.options


def broken(path: Path, what: str) -> None:
    progress, config = path / "progress.csv", path / "config.json"
    lines = progress.read_text().splitlines()
    if what == "no progress":
        progress.unlink()
    elif what == "no config":
        config.unlink()
    elif what == "config cut short":
        config.write_text(config.read_text()[:40])
    elif what == "config is a list":
        config.write_text("[1]")
    elif what == "no seed":
        config.write_text(json.dumps({"env": "Pendulum-v1"}))
    elif what == "row cut short":
        progress.write_text("\n".join([*lines[:-1], lines[-1][:9]]))
    elif what == "rows missing":
        progress.write_text("\n".join(lines[:-1]))
    elif what == "row missing between":
        progress.write_text("\n".join([*lines[:2], lines[3]]))
    elif what == "not a number":
        progress.write_text("\n".join([*lines[:-1], lines[-1].replace("200", "many")]))
    elif what == "nan":
        progress.write_text("\n".join([*lines[:-1], lines[-1].replace("200,200", "200,nan")]).replace(",150", ",nan"))
    elif what == "column missing":
        progress.write_text("\n".join(lines).replace("env_steps", "steps"))
    elif what == "steps backwards":
        progress.write_text("\n".join([*lines[:-1], lines[-1].replace("2,200", "2,50")]))
    elif what == "not text":
        progress.write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("no progress", "progress.csv is missing"),
        ("no config", "config.json is missing"),
        ("config cut short", "not JSON"),
        ("config is a list", "not a JSON object"),
        ("no seed", "no seed"),
        ("row cut short", "not whole"),
        ("rows missing", "not finished: 1 of 2 iterations"),
        ("row missing between", "lacks an iteration"),
        ("not a number", "'many'"),
        ("nan", "true_return_mean"),
        ("column missing", "env_steps"),
        ("steps backwards", "backwards"),
        ("not text", "not a table"),
    ],
)
def test_a_run_that_cannot_be_used_says_why(tmp_path: Path, what: str, says: str):
    path = write_run(tmp_path, [0, 150, 200])
    read_run(path)
    broken(path, what)
    with pytest.raises(BrokenRecordError, match=says):
        read_run(path)


# Grouping


def test_runs_that_differ_by_the_seed_alone_are_one_group(tmp_path: Path):
    for seed in (2, 0, 1):
        write_run(tmp_path / "here", [0, 200], seed=seed)
    write_run(tmp_path / "there", [0, 200], seed=3, runs_dir="elsewhere")
    (group,) = groups_in(tmp_path)
    assert [run.seed for run in group.runs] == [0, 1, 2, 3]
    assert group.label == "rlhf"


def test_groups_are_ordered_by_the_values_in_which_they_differ(tmp_path: Path):
    for length, pretrain in ((50, True), (5, True), (5, False), (10, True)):
        write_run(tmp_path, [0, 200], fragment_length=length, pretrain=pretrain)
    assert [group.label for group in groups_in(tmp_path)] == [
        "--fragment-length 5 --no-pretrain",
        "--fragment-length 5 --pretrain",
        "--fragment-length 10 --pretrain",
        "--fragment-length 50 --pretrain",
    ]


def test_runs_on_the_true_reward_come_last(tmp_path: Path):
    write_run(tmp_path, [0, 199], comparisons=[0, 0], reward="true", fragment_length=1)
    write_run(tmp_path, [0, 200], fragment_length=5)
    write_run(tmp_path, [0, 200], fragment_length=9)
    groups = groups_in(tmp_path)
    assert [group.has_true_reward for group in groups] == [False, False, True]
    assert mean_random_return(groups) == -30


def test_the_same_run_twice_counts_once(tmp_path: Path):
    first = write_run(tmp_path, [0, 100])
    later = write_run(tmp_path, [0, 200])
    groups, repeated = group_runs([read_run(later), read_run(first)])
    assert [run.path for run in groups[0].runs] == [later]
    assert [run.path for run in repeated] == [first]


# Statistics


def test_centre_is_the_mean_below_eight_runs_and_the_interquartile_mean_from_then_on():
    few, many = np.array([1.0, 2, 3, 4, 5, 6, 70]), np.array([-90.0, 1, 2, 3, 4, 5, 6, 700])
    assert (centre(few), centre_name(7)) == (91 / 7, "mean")
    assert (centre(many), centre_name(8)) == ((2 + 3 + 4 + 5) / 4, "IQM")
    np.testing.assert_array_equal(centre(np.stack([many, many * 2], axis=1)), [3.5, 7.0])


def test_interval_needs_five_runs_and_is_the_bootstrap_of_the_centre():
    values = np.random.default_rng(0).normal(100, 10, 6)
    assert interval(values[:4]) is None
    low, high = interval(values)
    assert low < values.mean() < high
    # independently: quantiles of the means of resamples
    resamples = np.random.default_rng(1).choice(values, (20_000, 6)).mean(axis=1)
    np.testing.assert_allclose([low, high], np.quantile(resamples, [0.025, 0.975]), atol=0.5)
    assert interval(values) == (low, high)


def test_interval_of_many_runs_is_of_the_interquartile_mean():
    values = np.random.default_rng(3).standard_cauchy(24)  # far outliers, which move a mean and not this
    low, high = interval(values)

    def bootstrap(statistic) -> tuple[float, float]:
        result = stats.bootstrap((values,), statistic, n_resamples=20_000, method="percentile", rng=1)
        return result.confidence_interval

    np.testing.assert_allclose([low, high], bootstrap(lambda x, axis: stats.trim_mean(x, 0.25, axis)), atol=0.1)
    of_the_mean = bootstrap(np.mean)
    assert high - low < 0.75 * (of_the_mean.high - of_the_mean.low)


def test_equal_runs_have_an_interval_of_no_width():
    assert interval(np.full(5, 7.0)) == (7.0, 7.0)


def test_quartiles_are_numbers_of_runs_and_count_the_unsolved_as_never():
    np.testing.assert_array_equal(quantiles([10, 20, math.inf, 30]), [20, 30, math.inf])


def test_resampled_curves_are_resampled_place_by_place():
    values = np.random.default_rng(2).normal([0, 10, 100], size=(9, 3))
    together = resampled_centres(values)
    for place in range(3):
        np.testing.assert_allclose(together[:, place], resampled_centres(values[:, place]))


def test_interval_of_the_median_counts_the_unsolved_as_never():
    assert interval_of_median(np.array([10, 20, 30, 40])) is None
    assert interval_of_median(np.array([10.0, 20, 30, math.inf, math.inf])) == (10, math.inf)
    assert interval_of_median(np.full(5, math.inf)) == (math.inf, math.inf)


# The table


def test_table_has_a_row_for_each_group(tmp_path: Path):
    for seed, (final, asked) in enumerate([(200, 30), (195, 20), (100, 99)]):
        write_run(tmp_path, [0, final], comparisons=[0, asked], seed=seed)
    write_run(tmp_path, [0, 200], comparisons=[0, 0], reward="true")
    learned, true = table(groups_in(tmp_path))
    assert (learned["n"], learned["final_true_return"], learned["share_solved"]) == (3, 165, 2 / 3)
    assert (learned["comparisons_to_solve_first_quartile"], learned["comparisons_to_solve_median"]) == (30, 30)
    assert learned["comparisons_to_solve_third_quartile"] == math.inf
    assert learned["seconds"] == 2
    assert math.isnan(learned["low"])
    assert math.isnan(true["comparisons_to_solve_median"])
    text = as_markdown([learned, true])
    assert "| --reward learned | 3 | 165.0 | 67% | 30 (30 to never) | 2.0 |" in text
    assert "| --reward true | 1 | 200.0 | 100% |  | 2.0 |" in text
