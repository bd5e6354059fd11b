"""The commands as users type them."""

import json
import math
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY, progress, start_command, type_command, type_here, without_seconds, write_workshop
from PIL import Image
from stable_baselines3 import PPO

STUB = "raise NotImplementedError"
RIGHT = """\
difference = returns_b - returns_a
log_likelihood = preferences * torch.nn.functional.logsigmoid(difference)
log_likelihood = log_likelihood + (1 - preferences) * torch.nn.functional.logsigmoid(-difference)
return -log_likelihood.mean()"""


def test_unfilled_exercise_stops_at_once_and_says_where_and_what(tmp_path: Path):
    write_workshop(tmp_path, STUB)
    finished = type_command("main.py", cwd=tmp_path)
    assert finished.returncode == 2
    assert finished.stdout == ""
    lines = finished.stderr.splitlines()
    line = (tmp_path / "main.py").read_text(encoding="utf-8").splitlines().index("    " + STUB) + 1
    assert len(lines) == 3
    assert f"main.py, line {line}" in lines[0]
    assert "--solution" in lines[2]
    assert not (tmp_path / "runs").exists()


def test_check_passes_a_right_loss_and_says_what_it_checked(tmp_path: Path):
    write_workshop(tmp_path, RIGHT)
    finished = type_command("main.py", "--check", cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    assert len([line for line in lines if line.startswith("  ok  ")]) >= 8
    assert lines[-1] == "Next: python main.py"
    assert "\033" not in finished.stdout, "no colours where there is no terminal"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("arguments", [["--check"], []], ids=["--check", "training"])
def test_wrong_loss_is_named_before_any_time_is_spent(tmp_path: Path, arguments: list[str]):
    write_workshop(
        tmp_path, "return torch.nn.functional.binary_cross_entropy_with_logits(returns_a - returns_b, preferences)"
    )
    finished = type_command("main.py", *arguments, cwd=tmp_path)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert "the answers are read the other way round" in finished.stderr
    assert "At returns 2 and 0, answer 0: yours 2.1269, expected 0.1269" in finished.stderr
    assert "Hint:" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (tmp_path / "runs").exists()


def test_error_in_the_loss_is_shown_with_its_line(tmp_path: Path):
    write_workshop(tmp_path, "difference = return_b - returns_a\nreturn difference.mean()")
    finished = type_command("main.py", "--check", cwd=tmp_path)
    assert finished.returncode == 2
    lines = (tmp_path / "main.py").read_text(encoding="utf-8").splitlines()
    number = lines.index("    difference = return_b - returns_a") + 1
    assert f"main.py, line {number}: difference = return_b - returns_a" in finished.stderr
    assert "NameError" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_hints_come_one_by_one_up_to_the_formula():
    texts = [type_here("main.py", *["--hint"] * number).stdout for number in (1, 2, 3)]
    for number, text in enumerate(texts, start=1):
        assert [f"Hint {k} of 3" in text for k in (1, 2, 3)] == [k <= number for k in (1, 2, 3)]
    assert "logsigmoid" not in texts[0] + texts[1]
    assert "logsigmoid(R_a - R_b)" in texts[2]


def test_loss_that_is_right_at_first_and_not_finite_later_stops_the_run(tmp_path: Path):
    later = "return loss * float('nan') if len(preferences) > 12 else loss"  # the checker's batches are smaller
    write_workshop(tmp_path, RIGHT.replace("return -log_likelihood.mean()", f"loss = -log_likelihood.mean()\n{later}"))
    finished = type_command("main.py", *TINY, cwd=tmp_path)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert "The loss became nan" in finished.stderr
    assert "learned returns lie between -" in finished.stderr
    assert "python main.py --check" in finished.stderr
    assert "Stopped after iteration 0" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_exercise_filled_in_gives_the_same_numbers_as_the_solution(tmp_path: Path):
    write_workshop(tmp_path, RIGHT)
    for arguments in (["--name", "mine"], ["--name", "solution", "--solution"], ["--name", "again"]):
        finished = type_command("main.py", *TINY, "--no-pictures", "--seed", "5", *arguments, cwd=tmp_path)
        assert finished.returncode == 0, finished.stderr
    runs = {path.name.split("__")[1]: path for path in (tmp_path / "runs").iterdir()}
    assert without_seconds(runs["mine"]) == without_seconds(runs["solution"])
    assert without_seconds(runs["mine"]) == without_seconds(runs["again"])
    weights = [
        torch.load(runs[name] / "reward_model.pt", weights_only=True)["networks"] for name in ("mine", "solution")
    ]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_another_seed_gives_other_numbers(tmp_path: Path, tiny_run):
    finished = type_here("main.py", "--solution", *TINY, "--no-pictures", "--seed", "1", "--runs-dir", str(tmp_path))
    assert finished.returncode == 0, finished.stderr
    (other,) = tmp_path.iterdir()
    assert without_seconds(other)[-1] != without_seconds(tiny_run[1])[-1]


def test_result_is_the_last_line_of_standard_output(tiny_run):
    finished, directory = tiny_run
    result = json.loads(finished.stdout.splitlines()[-1])
    assert list(result) == [
        "run", "solved", "true_return_mean", "comparisons", "comparisons_to_solve", "env_steps", "seconds",
    ]  # fmt: skip
    assert Path(result["run"]) == directory
    last = progress(directory)[-1]
    assert result["true_return_mean"] == pytest.approx(float(last["true_return_mean"]), abs=0.01)
    assert result["comparisons"] == int(last["comparisons"]) == 6
    assert result["env_steps"] == int(last["env_steps"]) <= 1200
    assert result["seconds"] > 0
    assert "it/s" not in finished.stderr, "no progress bar where there is no terminal"
    assert str(directory / "plots") in finished.stderr


def test_progress_has_a_row_for_each_iteration_from_the_untrained_agent_on(tiny_run):
    rows = progress(tiny_run[1])
    assert [int(row["iteration"]) for row in rows] == [0, 1, 2, 3]
    assert list(rows[0])[:9] == [
        "iteration", "env_steps", "comparisons", "true_return_mean", "true_return_std", "learned_return_mean",
        "reward_model_loss", "reward_model_accuracy", "reward_correlation",
    ]  # fmt: skip
    assert int(rows[0]["comparisons"]) == 0
    assert int(rows[0]["env_steps"]) == 400, "an episode of random actions in each of two environments"
    assert int(rows[1]["comparisons"]) > 0, "the reward model is fitted before the agent first trains"
    for row in rows:
        assert -200 <= float(row["true_return_mean"]) <= 200
        assert -1 <= float(row["reward_correlation"]) <= 1
        assert math.isfinite(float(row["learned_return_mean"]))
    steps = [int(row["env_steps"]) for row in rows]
    assert steps == sorted(set(steps))


def test_run_directory_holds_what_is_promised(tiny_run):
    directory = tiny_run[1]
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    assert config["comparisons"] == 6
    assert config["n_envs"] == 2
    assert config["packages"]["torch"].startswith("2.")
    assert "--total-timesteps=1200" in (directory / "command.txt").read_text(encoding="utf-8")
    comparisons = [
        json.loads(line) for line in (directory / "comparisons.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert len(comparisons) == 6
    for comparison in comparisons:
        with np.load(directory / comparison["fragments"], allow_pickle=False) as fragments:
            assert fragments["observations_a"][comparison["row"]].shape == (5, 4)
            returns = [fragments[f"true_rewards_{which}"][comparison["row"]].sum() for which in "ab"]
        assert comparison["preference"] in (0.0, 0.5, 1.0)
        assert all(-5 <= value <= 5 for value in returns)
    agent = PPO.load(directory / "agent.zip")
    assert agent.predict(np.zeros(4, np.float32), deterministic=True)[0] in (0, 1)
    assert torch.load(directory / "reward_model.pt", weights_only=True)["networks"]
    for plot in ("learning_curve.png", "learned_reward.png"):
        with Image.open(directory / "plots" / plot) as image:
            assert image.width > 1000
    for video in ("progress.gif", "final_policy.gif"):
        with Image.open(directory / "videos" / video) as animation:
            assert animation.n_frames > 10


def test_tensorboard_shows_the_true_return_under_sb3s_own_name(tiny_run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tiny_run[1]))
    events.Reload()
    tags = events.Tags()["scalars"]
    assert {"rollout/ep_rew_mean", "rlhf/true_return_mean", "rlhf/reward_correlation", "train/loss"} <= set(tags)
    assert len(events.Scalars("rlhf/true_return_mean")) == 4
    # a true return lies within -200 and 200, and is no whole number; the learned one is standardised
    for scalar in events.Scalars("rollout/ep_rew_mean"):
        assert -200 <= scalar.value <= 200


def test_true_reward_needs_no_exercise_and_asks_nothing(tmp_path: Path):
    write_workshop(tmp_path, STUB)
    finished = type_command("main.py", "--reward", "true", "--no-pictures", *TINY, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    result = json.loads(finished.stdout.splitlines()[-1])
    assert result["comparisons"] == 0
    assert result["env_steps"] == 1200
    (directory,) = (tmp_path / "runs").iterdir()
    assert not (directory / "comparisons.jsonl").exists()
    assert {row["learned_return_mean"] for row in progress(directory)} == {""}


def test_every_trick_can_be_switched_off_and_whole_episodes_compared(tmp_path: Path):
    flags = "--no-pretrain --frontload 1 --ensemble-size 1 --query uniform --recent-fraction 1 --fragment-length 200 "
    flags += "--total-timesteps 2400 --no-pictures"
    finished = type_here("main.py", "--solution", *TINY, *flags.split(), "--runs-dir", str(tmp_path))
    assert finished.returncode == 0, finished.stderr
    (directory,) = tmp_path.iterdir()
    rows = progress(directory)
    assert [int(row["comparisons"]) for row in rows] == [0, 0, 3, 6]
    assert int(rows[0]["env_steps"]) == 0


def test_another_environment_with_continuous_actions(tmp_path: Path):
    finished = type_here(
        "main.py", "--solution", "--env", "Pendulum-v1", *TINY, "--no-pictures", "--runs-dir", str(tmp_path)
    )
    assert finished.returncode == 0, finished.stderr
    result = json.loads(finished.stdout.splitlines()[-1])
    assert -2000 < result["true_return_mean"] < 0
    assert result["solved"] is False


def test_help_tells_every_flag():
    finished = type_command("main.py", "--help")
    assert finished.returncode == 0
    flags = """--env --seed --name --runs-dir --device --reward --solution --total-timesteps --iterations --comparisons
        --fragment-length --query --ensemble-size --hidden-sizes --reward-epochs --reward-batch-size
        --reward-learning-rate --weight-decay --n-envs --oracle-temperature --watch"""
    for flag in flags.split():
        assert f"{flag} " in finished.stdout


def test_watch_writes_the_moving_picture_where_there_is_no_display(tiny_run, tmp_path: Path):
    directory = shutil.copytree(tiny_run[1], tmp_path / "run")
    finished = type_command("main.py", "--watch", str(directory))
    assert finished.returncode == 0, finished.stderr
    with Image.open(directory / "videos" / "watch.gif") as animation:
        assert animation.n_frames > 10


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to another process")
def test_interrupted_run_exits_130_and_keeps_its_rows(tmp_path: Path):
    process = start_command("main.py", "--solution", "--runs-dir", str(tmp_path))
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not any(
        len(progress(path.parent)) > 1 for path in tmp_path.glob("*/progress.csv")
    ):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr
    (directory,) = tmp_path.iterdir()
    assert str(directory) in stderr
    assert len(progress(directory)) > 1
