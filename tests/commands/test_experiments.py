"""The slides' experiments as users type them: every flag in a run that ends well, and those that make no sense."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, progress, type_command, type_here

import main

pytestmark = pytest.mark.usefixtures("without_plots")

Finished = subprocess.CompletedProcess[str]
TINY = ["--solution", "--total-timesteps=1200", "--iterations=3", "--n-envs=2", "--comparisons=6"]


def run(arguments: str, runs_dir: Path, tiny: list[str] = TINY, typed: Callable[..., Finished] = type_here) -> Path:
    """Type the command, and return its run directory."""
    finished = typed("main.py", *tiny, *arguments.split(), "--runs-dir", str(runs_dir))
    assert finished.returncode == 0, finished.stderr
    assert "Traceback" not in finished.stderr
    (directory,) = runs_dir.iterdir()
    return directory


def answers(directory: Path) -> list[float | None]:
    lines = (directory / "comparisons.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["preference"] for line in lines]


def test_hinge_entropy_hyperbola_and_dropout(tmp_path: Path):
    directory = run(
        "--loss hinge --loss-temperature 2 --hinge-margin 0.5 --query entropy --diversity k-centre "
        "--schedule hyperbolic --dropout 0.2 --fragment-length 5",
        tmp_path,
        TINY[1:],  # --solution is another loss
    )
    assert int(progress(directory)[-1]["comparisons"]) == 6
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    assert (config["loss"], config["query"], config["dropout"]) == ("hinge", "entropy", 0.2)


def test_teachers_and_stopping_rules(tmp_path: Path):
    directory = run(
        "--loss thurstone --query information-gain --fit-until converged --reward-epochs 40 --adaptive-weight-decay "
        "--oracle-skip 0 --oracle-equal 0.3 --oracle-mistakes 0.1 --oracle-discount 0.9 --comparisons 12",
        tmp_path,
        TINY[1:],
    )
    last, given = progress(directory)[-1], answers(directory)
    assert int(last["comparisons"]) == 12, "skipped ones do not use up the budget"
    assert int(last["skipped"]) == given.count(None) > 0
    assert len(given) == 12 + given.count(None)
    assert last["stopped_asking"] == "budget"
    assert 0.5 in given
    assert 0 < int(last["gradient_steps"]) < 12 * 40
    assert float(last["weight_decay"]) != 5.0


def test_asking_stops_early_when_the_loss_has_settled(tmp_path: Path):
    directory = run(
        "--stop-asking settled --settle-patience 1 --schedule constant --total-timesteps 3000 --iterations 12 "
        "--comparisons 48 --fragment-length 5",
        tmp_path,
    )
    rows = progress(directory)
    asked = [int(row["comparisons"]) for row in rows]
    stopped = [row["stopped_asking"] for row in rows]
    assert asked[-1] < 48
    assert stopped[0] == ""
    assert stopped[-1] == "settled"
    since = stopped.index("settled")
    assert len(set(asked[since - 1 :])) == 1, "nothing is asked from then on"
    assert len({row["gradient_steps"] for row in rows[since:]}) == 1


def test_other_agents_in_processes_of_their_own(tmp_path: Path):
    directory = run(
        "--env Pendulum-v1 --loss lapse --lapse-rate 0.2 --schedule constant --query uniform --diversity k-centre "
        "--oracle-unit raw --oracle-temperature 5 --agent-activation relu --initial-log-std -1 --normalise "
        "--clip-range 0.1 --stepping subprocesses",
        tmp_path,
        TINY[1:],
    )
    last = progress(directory)[-1]
    assert int(last["env_steps"]) <= 1200
    assert -2000 < float(last["true_return_mean"]) < 0


def test_choice_models_are_compared_on_held_out_answers(tiny_run):
    lines = (tiny_run[1] / "choice_models.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "choice_model,held_out_loss,temperature,answers"
    table = {line.split(",")[0]: line.split(",")[1:] for line in lines[1:]}
    assert list(table) == ["bradley-terry", "thurstone", "lapse", "hinge"]
    for loss, temperature, n in table.values():
        assert 0 <= float(loss) <= np.log(2) + 1e-3
        assert float(temperature) > 0
        assert 1 <= int(n) <= 6
    assert "Held-out answers" not in tiny_run[0].stderr, "so few say nothing of which is the best"


@pytest.mark.parametrize("horizon", [100, pytest.param(1000, marks=pytest.mark.endurance)])
def test_half_cheetah(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, horizon: int):
    """With the settings that suit it; a flag overrides them. Where there is no OpenGL, there are no pictures."""
    monkeypatch.setenv("MUJOCO_GL", "disable")
    directory = run(
        f"--env HalfCheetah-v5 --total-timesteps 4400 --comparisons-per-fit 3 --fragment-length 30 "
        f"--fixed-horizon {horizon}",
        tmp_path,
        typed=type_command,  # what OpenGL there is, a process asks but once
    )
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    assert config["agent_hidden_sizes"] == [256, 256]
    assert config["normalise"] is True
    assert (config["total_timesteps"], config["fragment_length"]) == (4400, 30)
    rows = progress(directory)
    assert int(rows[0]["env_steps"]) == 2 * horizon
    assert all(-1500 < float(row["true_return_mean"]) < 500 for row in rows)
    assert list((directory / "videos").iterdir()) == []
    assert list((directory / "plots").iterdir()) != []


def test_lunar_lander_with_a_fixed_horizon(tmp_path: Path):
    pytest.importorskip("Box2D", reason="Box2D, which LunarLander needs, is not installed on this platform")
    directory = run("--env LunarLander-v3 --fixed-horizon 100", tmp_path)
    with np.load(directory / "fragments" / "000000.npz", allow_pickle=False) as fragments:
        assert fragments["observations_a"].shape[2:] == (8,)
    assert int(progress(directory)[0]["env_steps"]) == 200


def test_an_environment_that_may_end_early_is_taken_if_told_to(tmp_path: Path):
    directory = run("--env CartPole-v1 --allow-variable-horizon --fragment-length 5 --total-timesteps 2000", tmp_path)
    assert 5 < float(progress(directory)[0]["true_return_mean"]) < 500


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
def test_agent_and_reward_model_on_a_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    devices = set()
    fit = main.RewardModel.fit

    def spy(self, comparisons):
        devices.update(parameter.device.type for parameter in self.networks.parameters())
        fit(self, comparisons)

    monkeypatch.setattr(main.RewardModel, "fit", spy)
    monkeypatch.setattr(sys, "argv", ["main.py", *TINY, "--device", "cuda", "--runs-dir", str(tmp_path)])
    main.program.main()
    assert devices == {"cuda"}


def help_of(arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(sys, "argv", ["main.py", *arguments.split(), "--help"])
    monkeypatch.setenv("COLUMNS", "80")  # one column: side by side, two texts would mingle
    with pytest.raises(SystemExit) as end:
        main.program.main()
    assert end.value.code == 0
    return re.sub(r"[│╭╰─╮╯\s]+", " ", capsys.readouterr().out)


def test_help_shows_the_defaults_that_suit_the_environment(monkeypatch, capsys):
    for arguments, comparisons, steps in (
        ("", 36, 60_000),
        ("--env HalfCheetah-v5", 700, 1_000_000),
        ("--env=HalfCheetah-v5", 700, 1_000_000),
        ("--env Pendulum-v1", 200, 300_000),
    ):
        text = help_of(arguments, monkeypatch, capsys)
        assert re.search(rf"--comparisons INT [^-]*\[default: {comparisons}\]", text), arguments
        assert re.search(rf"--total-timesteps INT [^-]*\[default: {steps}\]", text), arguments


def test_one_network_alone_is_asked_about_any_pair_unless_told_otherwise(monkeypatch, capsys):
    for members, query in ((1, "uniform"), (2, "disagreement")):
        text = help_of(f"--ensemble-size {members}", monkeypatch, capsys)
        choices = "[choices: uniform, disagreement, entropy, information-gain]"
        assert f"most uncertain about in this sense. {choices} [default: {query}]" in text


def test_the_readme_has_every_experiment_and_no_flag_that_does_not_exist(monkeypatch, capsys):
    text = help_of("", monkeypatch, capsys)
    flags = set(re.findall(r"--[a-z][a-z-]+", text))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = "\n".join(re.findall(r"python main\.py[^`\n]*", readme))
    for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", commands):
        assert flag in flags or flag == "--help", flag


@pytest.mark.parametrize(("arguments", "comparisons", "usual"), [([], 20, 36), (["--env", "HalfCheetah-v5"], 350, 700)])
def test_a_preset_changes_defaults_and_nothing_that_is_typed(arguments: list[str], comparisons: int, usual: int):
    preset = [*arguments, "--preset", "few-comparisons"]
    config = main.program.read_config(preset)
    assert (config.preferences.comparisons, config.reward_model.reward_network) == (comparisons, "additive")
    typed = main.program.read_config([*preset, "--comparisons", "9", "--reward-network", "joint"])
    assert (typed.preferences.comparisons, typed.reward_model.reward_network) == (9, "joint")
    assert typed.preferences.pool_factor == config.preferences.pool_factor
    without = main.program.read_config(arguments)
    assert (without.preferences.comparisons, without.reward_model.reward_network) == (usual, "joint")
    assert config.agent == replace(without.agent, entropy_bonus=0.3 if arguments == [] else 0.0004)


@pytest.mark.parametrize("arguments", [["--preset", "few-comparisons"], ["--env", "HalfCheetah-v5"]])
def test_a_factor_for_the_first_batch_asks_for_frontloading(arguments: list[str]):
    assert main.program.read_config(arguments).preferences.schedule != "frontloaded"
    asked_for = main.program.read_config([*arguments, "--frontload", "4"])
    assert (asked_for.preferences.schedule, asked_for.preferences.frontload) == ("frontloaded", 4)
    typed = main.program.read_config([*arguments, "--frontload", "4", "--schedule", "constant"])
    assert typed.preferences.schedule == "constant"
