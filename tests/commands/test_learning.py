"""It learns: by margins that chance does not give."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import type_here
from scipy.stats import ttest_ind

from main import Config, OracleConfig, rlhf
from workshop.data import Comparisons
from workshop.exercise.choice_models import ChoiceModelConfig
from workshop.program import Run, plan_run, set_up_device
from workshop.records.directory import RunDirectory
from workshop.reports.report import Report

pytestmark = pytest.mark.usefixtures("without_plots")

SOLUTION = ChoiceModelConfig(loss="bradley-terry")


def train(tmp_path: Path, config: Config) -> Report:
    plan = plan_run(config)
    run = RunDirectory.make(replace(config, runs_dir=tmp_path), [])
    with run, Report(run, plan.spec, config.total_timesteps, config.seed, started=0) as report:
        none = Comparisons.empty(config.preferences.fragment_length, *plan.spaces)
        rlhf(config, Run(config, plan, set_up_device("cpu"), run, report, none))
    return report


def test_agent_learns_from_comparisons_alone(tmp_path: Path):
    """With the default settings: 20 episodes of the trained agent against 20 of the untrained one."""
    report = train(tmp_path, Config(seed=3, choice_model=SOLUTION))
    untrained = report._episodes[0].true_returns
    trained = report._episodes[-1].true_returns
    assert ttest_ind(trained, untrained, alternative="greater", equal_var=False).pvalue < 1e-9
    # an untrained agent, or one that always pushes to one side, gets about 50, and hardly ever 100
    assert trained.mean() > 150
    assert report._last.reward_correlation > 0.6


def test_agent_learns_from_the_true_reward(tmp_path: Path):
    finished = type_here(
        "main.py", "--reward", "true", "--total-timesteps", "24000", "--iterations", "4", "--runs-dir", str(tmp_path)
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout.splitlines()[-1])["true_return_mean"] > 150


def test_answers_against_the_true_reward_teach_the_opposite(tmp_path: Path):
    """The agent's reward comes from the answers and from nowhere else: a contrary oracle teaches a contrary reward."""
    contrary = OracleConfig(oracle_mistakes=1.0)
    config = Config(seed=0, total_timesteps=24_000, iterations=6, choice_model=SOLUTION, oracle=contrary)
    last = train(tmp_path, config)._last
    assert last.reward_correlation < -0.5
    assert last.episodes.true_returns.mean() < 100
