"""It learns: by margins that chance does not give."""

import json
from pathlib import Path

from conftest import type_command
from scipy.stats import ttest_ind

from main import Config, rlhf
from workshop.choice_models import bradley_terry_loss
from workshop.program import choose_device
from workshop.report import Report
from workshop.run_directory import RunDirectory


def train(tmp_path: Path, config: Config) -> Report:
    run = RunDirectory(tmp_path, config.env, config.name, config.seed, config)
    with Report(run, config.env, config.total_timesteps, config.seed, started=0) as report:
        rlhf(config, bradley_terry_loss, choose_device("cpu"), run, report)
    return report


def test_agent_learns_from_comparisons_alone(tmp_path: Path):
    """With the default settings: 20 episodes of the trained agent against 20 of the untrained one."""
    report = train(tmp_path, Config(seed=3))
    untrained = report._evaluations[0].episodes.true_returns
    trained = report._evaluations[-1].episodes.true_returns
    assert ttest_ind(trained, untrained, alternative="greater", equal_var=False).pvalue < 1e-9
    # an untrained agent, or one that always pushes to one side, gets about 50, and hardly ever 100
    assert trained.mean() > 150
    assert report._evaluations[-1].reward_correlation > 0.6


def test_agent_learns_from_the_true_reward(tmp_path: Path):
    finished = type_command(
        "main.py", "--reward", "true", "--total-timesteps", "24000", "--iterations", "4", "--runs-dir", str(tmp_path)
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout.splitlines()[-1])["true_return_mean"] > 150


def test_answers_against_the_true_reward_teach_the_opposite(tmp_path: Path):
    """The agent's reward comes from the answers and from nowhere else: a contrary loss learns a contrary reward."""

    def contrary(returns_a, returns_b, preferences):
        return bradley_terry_loss(returns_b, returns_a, preferences)

    config = Config(seed=0, total_timesteps=24_000, iterations=6)
    run = RunDirectory(tmp_path, config.env, config.name, config.seed, config)
    with Report(run, config.env, config.total_timesteps, config.seed, started=0) as report:
        rlhf(config, contrary, choose_device("cpu"), run, report)
    last = report._evaluations[-1]
    assert last.reward_correlation < -0.5
    assert last.episodes.true_returns.mean() < 100
