"""The slides' experiments as users type them: every flag in a run that ends well, and those that make no sense."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
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
        "--oracle-skip 0 --oracle-equal 0.6 --oracle-mistakes 0.1 --oracle-discount 0.9 --comparisons 12",
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


@pytest.mark.endurance
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


@pytest.mark.endurance
@pytest.mark.parametrize("horizon", [100, 1000])
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
        ("", 24, 48_000),
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
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    readme = "".join(page.read_text(encoding="utf-8") for page in pages)
    commands = "\n".join(re.findall(r"python main\.py[^`\n]*", readme))
    for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", commands):
        assert flag in flags or flag == "--help", flag


def test_what_suits_a_network_follows_from_its_name_or_from_a_flag_that_only_it_has():
    def read(*arguments: str) -> main.Config:
        return main.program.read_config(list(arguments))

    pole, cheetah = read(), read("--env", "HalfCheetah-v5")
    assert (pole.reward_model.reward_network, cheetah.reward_model.reward_network) == ("additive", "joint")
    joint = read("--reward-network", "joint")
    assert (joint.reward_model.ensemble_size, joint.preferences.comparisons) == (5, 36)
    for flags in (["--hidden-sizes", "32", "32"], ["--dropout", "0"], ["--adaptive-weight-decay"]):
        networks = read(*flags)
        assert networks.reward_model.reward_network == "joint"
        assert networks.agent == joint.agent
        assert networks.preferences == joint.preferences
    assert read("--prior-std", "0.05") == pole
    additive = read("--env", "HalfCheetah-v5", "--bump-width", "0.5")
    assert additive == read("--env", "HalfCheetah-v5", "--reward-network", "additive")
    for name in ("ensemble_size", "reward_epochs", "reward_batch_size", "reward_learning_rate", "weight_decay"):
        assert getattr(additive.reward_model, name) == getattr(pole.reward_model, name)
    assert additive.agent == cheetah.agent
    typed = read("--reward-network", "joint", "--comparisons", "9", "--ensemble-size", "3")
    assert (typed.preferences.comparisons, typed.reward_model.ensemble_size) == (9, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--reward-network additive --hidden-sizes 8", "--hidden-sizes is for --reward-network joint, not additive"),
        ("--reward-network joint --prior-std 1", "--prior-std is for --reward-network additive, not joint"),
        ("--dropout 0.5 --bump-width 1", "--dropout and --bump-width are for different kinds of --reward-network"),
    ],
)
def test_flags_of_different_networks_are_refused(arguments: str, said: str):
    finished = type_here("main.py", *arguments.split())
    assert finished.returncode == 2
    assert finished.stderr.startswith(said)
    assert finished.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("typed", "temperature"),
    [
        ("", 1.0),
        ("--oracle human", 2.0),
        ("--oracle human --goal lean", 1.0),
        ("--oracle human --goal lean --loss-temperature 3", 3.0),
        ("--oracle terminal --env Pendulum-v1", 1.0),
    ],
)
def test_less_is_learned_from_each_answer_of_a_person_but_for_a_goal_of_their_own(typed: str, temperature: float):
    assert main.program.read_config(typed.split()).choice_model.loss_temperature == temperature


def test_a_person_is_asked_more_and_several_at_a_time():
    for how in ("human", "terminal"):
        config = main.program.read_config(["--oracle", how])
        assert (config.preferences.comparisons, config.preferences.comparisons_per_fit) == (40, 1)
    assert main.program.read_config(["--oracle", "human", "--env", "Pendulum-v1"]).preferences.comparisons == 200


@pytest.mark.parametrize("arguments", [[], ["--env", "HalfCheetah-v5"]])
def test_a_factor_for_the_first_batch_asks_for_frontloading(arguments: list[str]):
    assert main.program.read_config(arguments).preferences.schedule != "frontloaded"
    asked_for = main.program.read_config([*arguments, "--frontload", "4"])
    assert (asked_for.preferences.schedule, asked_for.preferences.frontload) == ("frontloaded", 4)
    typed = main.program.read_config([*arguments, "--frontload", "4", "--schedule", "constant"])
    assert typed.preferences.schedule == "constant"
