"""The run directory, the result, the plots and the pictures."""

import csv
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from conftest import TINY, Finished, progress
from PIL import Image

import main
from workshop import CARTPOLE_ID
from workshop.data import Comparisons, Fragments
from workshop.environments.rendering import _follow
from workshop.program import plan_run
from workshop.records.directory import RunDirectory
from workshop.records.progress import COLUMNS, cell, summarise
from workshop.reports.evaluation import Evaluation, Evaluator, correlation
from workshop.reports.moving_pictures import first_episode, save_final_policy, save_progress


@dataclass(frozen=True)
class Inner:
    sizes: tuple[int, ...] = (4, 5)


@dataclass(frozen=True)
class Options:
    seed: int = 3
    env: str = "Some/Env-v0"
    name: str = "try"
    runs_dir: Path = Path("runs")
    where: Path = Path("a/b")
    inner: Inner = field(default_factory=Inner)


def make_run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.make(Options(runs_dir=tmp_path / "runs"), ["--seed", "3"])


def rows(true_returns: list[float], comparisons: list[int] | None = None) -> list[dict[str, float]]:
    comparisons = comparisons or [10 * i for i in range(len(true_returns))]
    return [
        {name: float("nan") for name in COLUMNS}
        | {
            "iteration": i,
            "env_steps": 1000 * i,
            "comparisons": asked,
            "true_return_mean": value,
            "true_return_std": 9.0,
        }
        for i, (value, asked) in enumerate(zip(true_returns, comparisons, strict=True))
    ]


def test_directory_is_named_after_the_run_and_holds_every_option(tmp_path: Path):
    run = make_run(tmp_path)
    assert re.fullmatch(r"Some-Env-v0__try__3__\d{8}-\d{6}", run.path.name)
    config = json.loads((run.path / "config.json").read_text())
    assert config["seed"] == 3
    assert config["sizes"] == [4, 5]
    assert config["where"] == "a/b"
    assert {"torch", "gymnasium", "numpy", "stable-baselines3", "python"} <= config["packages"].keys()
    assert (run.path / "command.txt").read_text().startswith("python ")


def test_two_runs_in_one_second_get_directories_of_their_own(tmp_path: Path):
    assert make_run(tmp_path).path != make_run(tmp_path).path


def test_progress_is_written_row_by_row(tmp_path: Path):
    run = make_run(tmp_path)
    for row in rows([12.3456789, -0.5]):
        run.append_row(row)
        with (run.path / "progress.csv").open(newline="") as file:
            written = list(csv.DictReader(file))
        assert len(written) == row["iteration"] + 1
    assert tuple(written[0]) == COLUMNS
    assert written[0]["true_return_mean"] == "12.3457"
    assert written[1]["env_steps"] == "1000"
    assert written[1]["reward_model_loss"] == "", "nothing to say is an empty cell"
    assert b"\r" not in (run.path / "progress.csv").read_bytes()


def test_comparisons_are_kept_with_their_fragments(tmp_path: Path):
    run = make_run(tmp_path)
    a, b = np.arange(24.0).reshape(3, 4, 2), -np.arange(24.0).reshape(3, 4, 2)
    zeros = np.zeros((3, 4))
    pairs = Comparisons.questions(Fragments(a, zeros, zeros), Fragments(b, zeros, zeros))
    run.record("synthetic", pairs[:2]).answers(np.array([0.0, 0.5]))
    run.iteration = 1
    run.record("synthetic", pairs[2:]).answers(np.array([1.0]))
    lines = [json.loads(line) for line in (run.path / "comparisons.jsonl").read_text().splitlines()]
    assert [line["comparison"] for line in lines] == [0, 1, 2]
    assert [line["preference"] for line in lines] == [0.0, 0.5, 1.0]
    assert [line["iteration"] for line in lines] == [0, 0, 1]
    for line, mine, other in zip(lines, a, b, strict=True):
        assert line["labeller"] == "synthetic"
        assert line["time"].endswith("+00:00")
        with np.load(run.path / line["fragments"], allow_pickle=False) as fragments:
            np.testing.assert_array_equal(fragments["observations_a"][line["row"]], mine)
            np.testing.assert_array_equal(fragments["observations_b"][line["row"]], other)


@pytest.mark.parametrize(
    ("returns", "solved", "to_solve"),
    [
        ([10, 195, 100, 190, 200], True, 30),  # solved, lost, then solved to the end
        ([10, 195, 195, 195, 189.99], False, None),
        ([190, 200], True, 0),
        ([0], False, None),
    ],
)
def test_comparisons_to_solve_are_those_from_which_it_stays_solved(returns, solved, to_solve):
    result = summarise(rows(returns), solved_at=190)
    assert result["solved"] is solved
    assert result["comparisons_to_solve"] == to_solve
    assert result["comparisons"] == 10 * (len(returns) - 1)


def test_nothing_counts_as_solved_where_that_is_not_defined():
    assert summarise(rows([1e6]), solved_at=None)["solved"] is False


def test_no_zero_has_a_sign():
    assert (cell(-0.0), cell(-1e-3), cell(float("nan"))) == ("0", "-0.001", "")
    assert str(summarise(rows([-0.001]), solved_at=None)["true_return_mean"]) == "0.0"


def test_the_bar_ends_where_the_run_does(tiny_run: Finished):
    """Whole updates rarely fill the steps that were asked for."""
    assert plan_run(main.program.read_config([])).total == 47_360  # 16 * (200 + 12 * 5 * 46), of 48,000
    config = main.program.read_config(["--solution", *TINY])
    assert plan_run(config).total == int(progress(tiny_run[1])[-1]["env_steps"])


def test_correlation_is_undefined_where_nothing_varies():
    assert correlation(np.array([1.0, 2, 3]), np.array([-1.0, -2, -3])) == pytest.approx(-1)
    assert np.isnan(correlation(np.ones(3), np.array([1.0, 2, 3])))


CARTPOLE = gymnasium.spec(CARTPOLE_ID)


def swing(seed: int = 0) -> Evaluation:
    evaluator = Evaluator(CARTPOLE, np.random.default_rng(seed))
    return evaluator.evaluate(lambda o: (o[:, 0] > 0).astype(np.int64), lambda o, a: o[:, 2])


def test_camera_goes_along_where_there_is_one_that_does():
    cheetah = gymnasium.make("HalfCheetah-v5", render_mode="rgb_array").unwrapped
    _follow(cheetah)
    assert cheetah.mujoco_renderer.camera_id == cheetah.model.camera("track").id
    pendulum = gymnasium.make("InvertedPendulum-v5", render_mode="rgb_array").unwrapped
    before = pendulum.mujoco_renderer.camera_id
    _follow(pendulum)
    assert pendulum.mujoco_renderer.camera_id == before


def test_replay_shows_the_episode_again():
    episodes = swing().episodes
    frames = first_episode(CARTPOLE, episodes, at_most=51)
    assert len(frames) == 1 + 200 // 4
    assert frames[0].size == (480, 400)
    arrays = [np.asarray(frame) for frame in frames]
    assert not np.array_equal(arrays[0], arrays[25])
    np.testing.assert_array_equal(
        arrays, [np.asarray(frame) for frame in first_episode(CARTPOLE, episodes, at_most=51)]
    )


def test_progress_picture_has_a_panel_for_each_iteration(tmp_path: Path):
    evaluated = [swing(seed).episodes for seed in range(3)]
    sizes = {}
    for n in (1, 2, 3):
        save_progress(CARTPOLE, evaluated[:n], ["0 answers", "12 answers", "30 answers"][:n], tmp_path / f"{n}.gif")
        with Image.open(tmp_path / f"{n}.gif") as animation:
            sizes[n] = animation.size
            assert animation.n_frames > 10
    assert sizes[2] == (2 * sizes[1][0], sizes[1][1])
    assert sizes[3] == (3 * sizes[1][0], sizes[1][1])


def test_final_policy_is_a_moving_picture(tmp_path: Path):
    save_final_policy(CARTPOLE, swing().episodes, "true return 5 of 200", tmp_path / "final.gif")
    with Image.open(tmp_path / "final.gif") as animation:
        assert animation.n_frames > 10
        assert animation.info["loop"] == 0
        assert animation.width == 480


def test_random_return_is_that_of_a_random_policy():
    env = gymnasium.make(CARTPOLE)
    env.action_space.seed(1)
    returns = []
    for episode in range(60):
        env.reset(seed=episode)
        returns.append(sum(env.step(env.action_space.sample())[1] for _ in range(200)))
    reported = Evaluator(CARTPOLE, np.random.default_rng(0)).random_return
    assert abs(reported - np.mean(returns)) < 4 * np.std(returns) / np.sqrt(20)
