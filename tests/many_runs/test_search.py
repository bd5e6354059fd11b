"""The search of a sweep: what a trial is worth, which is the best, and which is broken off."""

from functools import partial
from pathlib import Path

import optuna
import pytest
from made_up_runs import write_run

from workshop.many_runs.search import Search, best_first, chosen, follow_trial, score
from workshop.records.finished import read_run


def test_a_trial_is_worth_the_mean_over_its_seeds_and_the_unsolved_count_twice(tmp_path: Path):
    solved = read_run(write_run(tmp_path, [0, 200], comparisons=[0, 30]))
    unsolved = read_run(write_run(tmp_path, [0, 100], comparisons=[0, 40], seed=1))
    assert score("comparisons_to_solve", [solved, unsolved]) == (30 + 2 * 40) / 2
    assert score("true_return_mean", [solved, unsolved]) == 150


@pytest.mark.parametrize("storage", ["{}/deep/trials.optuna", "sqlite:///{}/trials.db"])
def test_a_study_is_kept_and_the_best_trial_first(tmp_path: Path, storage: str):
    search = Search("s", storage.format(tmp_path), "comparisons_to_solve", seed=0)
    for number, value in enumerate([30.0, 10.0, 20.0, 10.0]):
        search.open(number).optimize(
            lambda trial, value=value: trial.suggest_categorical("--a", ["--a 30", "--a 10", "--a 20"]) and value,
            n_trials=1,
        )
    best = best_first(search.open())
    assert best[0].value == 10.0
    assert len({tuple(chosen(trial)) for trial in best}) == len(best)


@pytest.mark.parametrize("objective", ["comparisons_to_solve", "true_return_mean"])
def test_a_run_that_falls_behind_is_broken_off(tmp_path: Path, objective: str):
    search = Search("s", str(tmp_path / "trials"), objective, seed=0)

    def run(trial: optuna.Trial, returns: list[float]) -> float:
        for iteration, value in enumerate(returns):
            follow_trial(trial, search.objective, 0, 2, {"true_return_mean": value, "iteration": iteration})
        return 1.0

    for number, returns in enumerate([[0, 100, 190]] * 4 + [[0, 20, 30], [0, 150, 190]]):
        search.open(number).optimize(partial(run, returns=returns), n_trials=1)
    states = [trial.state.name for trial in search.open().trials]
    assert states == ["COMPLETE"] * 4 + ["PRUNED", "COMPLETE"]
