"""What is done again is compared with what was done; what a run needs is in it, and no code is."""

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import own_environments
import pytest
from conftest import SMALL, TINY, go_on, train, type_here, without_seconds
from own_environments import NETS, OWN, SHORT, typed
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from workshop.environments import EnvironmentConfig, environment_spec
from workshop.messages import RunError

# The same again


class Stopped(KeyboardInterrupt):
    pass


def stopped_and_resumed(flags: list[str], runs_dir: Path, at: int = 2) -> Path:
    def stop(row: Any) -> None:
        if row["iteration"] == at:
            raise Stopped

    with pytest.raises(Stopped):
        train([*flags, "--runs-dir", str(runs_dir)], stop)
    (run,) = runs_dir.iterdir()
    go_on(run, flags[flags.index("--env") + 1] if "--env" in flags else None)
    return run


LONGER = ["--solution", "--no-pictures", *TINY, "--iterations=4", "--total-timesteps=1600", *NETS]


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize(
    "flags",
    [
        ["--env", OWN.format("KeepsOverReset")],
        ["--env", OWN.format("OnlyOne"), "--n-envs=1"],
        pytest.param(
            ["--env", OWN.format("InADict"), "--normalise", "--stepping=subprocesses"], marks=pytest.mark.endurance
        ),
        pytest.param(["--env", "BipedalWalker-v3", "--fixed-horizon=60"], marks=pytest.mark.endurance),
    ],
    ids=lambda flags: flags[1],
)
def test_an_interrupted_run_goes_on_exactly(flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    whole = train([*LONGER, *flags, "--runs-dir", str(tmp_path / "whole")])
    resumed = stopped_and_resumed([*LONGER, *flags], tmp_path / "parts")
    assert without_seconds(whole) == without_seconds(resumed)
    assert "exactly" not in capsys.readouterr().err


@pytest.mark.usefixtures("without_plots")
def test_one_that_does_not_do_the_same_again_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    flags = [*LONGER, "--env", OWN.format("GlobalRandomness")]
    resumed = stopped_and_resumed(flags, tmp_path / "runs")
    said = capsys.readouterr().err
    assert said.count("GlobalRandomness-v0 does not do the same again") == 2, "at each beginning"
    assert said.count("GlobalRandomness-v0 cannot be resumed exactly") == 1
    assert len(without_seconds(resumed)) == 5, "it goes on to its end all the same"
    labelled = typed("GlobalRandomness", tmp_path, "--oracle", "terminal")
    assert labelled.returncode == 2
    assert "it does not do the same again" in labelled.stderr


def test_clips_of_one_that_keeps_something_over_a_reset_are_of_a_fresh_one(tmp_path: Path):
    from workshop.agent import Agent, AgentConfig
    from workshop.data import cut
    from workshop.labelling.fragment_clips import FragmentClips

    for kind in ("KeepsOverReset", "GlobalRandomness"):
        spec, _ = environment_spec(EnvironmentConfig(OWN.format(kind)))
        agent = Agent(spec, AgentConfig(n_envs=1), 60, np.random.default_rng(0), "cpu", on_step=lambda steps: None)
        rollouts = agent.random_rollouts(45)
        clips = FragmentClips(spec, agent.seed, pictures=True)
        for start in rollouts.fragment_starts(5)[[2, -1, 2]]:
            fragment = cut(rollouts, start[None], 5)
            shown = fragment.observations[0], fragment.actions[0]
            if kind == "GlobalRandomness":
                with pytest.raises(RunError, match="cannot be shown exactly"):
                    clips.clip(rollouts, *shown)
                continue
            columns = [int(np.flatnonzero(frame[0, :, 0])[0]) for frame in clips.clip(rollouts, *shown).frames]
            played = 1 + (start[0] >= own_environments.STEPS)  # episodes until then
            points = fragment.observations[0][:, 0] - 0.1 * played
            np.testing.assert_allclose(columns, np.clip(30 + 3 * points, 0, 59), atol=1.01)


@pytest.mark.usefixtures("without_plots")
def test_a_resumed_run_has_each_point_of_tensorboard_once(tmp_path: Path):
    run = stopped_and_resumed(LONGER, tmp_path / "runs", at=3)
    steps: dict[str, list[int]] = {}
    for file in run.glob("events.out.tfevents.*"):
        events = EventAccumulator(str(file)).Reload()
        for tag in events.Tags()["scalars"]:
            steps.setdefault(tag, []).extend(event.step for event in events.Scalars(tag))
    assert len(steps["rlhf/true_return_mean"]) == 5
    assert all(len(each) == len(set(each)) for each in steps.values())


# What a run depends on


@pytest.mark.usefixtures("without_plots")
def test_a_run_needs_nothing_but_itself_to_go_on(
    tiny_run: tuple[Any, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It learns from all in the directory that it is put into itself; more lands there, and then nothing is left."""
    runs_dir = tmp_path / "runs"
    shutil.copytree(tiny_run[1], runs_dir / "theirs")
    monkeypatch.chdir(tmp_path)
    flags = [*SMALL, "--iterations=4", "--comparisons=4", "--comparisons-from", "runs", "--runs-dir", "runs"]

    def stop(row: Any) -> None:
        if row["iteration"] == 2:
            raise Stopped

    with pytest.raises(Stopped):
        train(flags, stop)
    (run,) = [path for path in runs_dir.iterdir() if path.name != "theirs"]
    shutil.copytree(runs_dir / "theirs", runs_dir / "another")
    whole = train([*flags[:-4], "--comparisons-from", "runs/theirs", "--runs-dir", "whole"])
    for name in ("theirs", "another"):
        shutil.rmtree(runs_dir / name)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    go_on(run)
    assert without_seconds(run) == without_seconds(tmp_path / whole)
    with (run / "progress.csv").open(newline="") as file:
        assert [row["comparisons"] for row in csv.DictReader(file)][-1] == "10"


@pytest.mark.parametrize("change", ["cut", "other numbers", "gone"])
def test_answers_learned_from_that_have_been_changed_are_noticed(
    change: str, tiny_run: tuple[Any, Path], tmp_path: Path
):
    def stop(row: Any) -> None:
        if row["iteration"] == 2:
            raise Stopped

    with pytest.raises(Stopped):
        train([*SMALL, "--comparisons-from", str(tiny_run[1]), "--runs-dir", str(tmp_path)], stop)
    (run,) = tmp_path.iterdir()
    copy = run / "comparisons_from.npz"
    if change == "gone":
        copy.unlink()
    elif change == "cut":
        copy.write_bytes(copy.read_bytes()[:-20])
    else:
        with np.load(copy) as arrays:
            changed = {name: arrays[name].copy() for name in arrays}
        changed["preferences"] = 1 - changed["preferences"]
        np.savez(copy, **changed)
    finished = type_here("main.py", "--resume", str(run))
    assert finished.returncode == 1
    assert finished.stderr.count("\n") == 1
    assert "damaged" in finished.stderr or "has been changed since" in finished.stderr


# Code of others


@pytest.fixture
def sent(tiny_run: tuple[Any, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run that names an environment of a module that can be imported here, and leaves a trace if it is."""
    (tmp_path / "sent_module.py").write_text(
        f"from pathlib import Path\nPath({str(tmp_path / 'harm')!r}).touch()\nimport own_environments\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "sent_module", raising=False)
    run = Path(shutil.copytree(tiny_run[1], tmp_path / "sent"))
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"env": "sent_module:One-v0"}))
    return run


@pytest.mark.parametrize(
    "command",
    ["--watch", "--resume", "--comparisons-from", "compare.py", "export.py"],
    ids=lambda name: name.strip("-"),
)
def test_no_run_imports_code_by_itself(command: str, sent: Path, tmp_path: Path):
    if command == "--resume":
        for name in ("agent.zip", "result.json"):
            (sent / name).unlink()
    typed = {
        "compare.py": ["compare.py", str(sent), "--plots-dir", str(tmp_path / "plots")],
        "export.py": ["export.py", str(sent), "--output", str(tmp_path / "exported")],
        "--comparisons-from": ["main.py", *TINY, "--comparisons-from", str(sent), "--runs-dir", str(tmp_path / "runs")],
    }.get(command, ["main.py", command, str(sent)])
    finished = type_here(*typed)
    assert not (tmp_path / "harm").exists()
    if command in ("--watch", "--resume"):
        assert finished.returncode == 2
        assert "code of the module sent_module is run; if you trust it, add --env sent_module:" in finished.stderr
        other = type_here("main.py", command, str(sent), "--env", "One-v0")
        assert (other.returncode, (tmp_path / "harm").exists()) == (2, False)
        type_here("main.py", command, str(sent), "--env", "sent_module:One-v0")
        assert (tmp_path / "harm").exists(), "trusted, it is imported: so it could have been above"


@pytest.mark.usefixtures("without_plots")
def test_the_command_that_resumes_names_a_module_that_is_trusted(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def stop(row: Any) -> None:
        if row["iteration"] == 1:
            raise Stopped

    with pytest.raises(Stopped):
        train(["--env", OWN.format("One"), *SHORT, *NETS, "--no-pictures", "--runs-dir", str(tmp_path)], stop)
    (run,) = tmp_path.iterdir()
    command = capsys.readouterr().err.strip().partition("To go on: python ")[2].split()
    assert command == ["main.py", "--resume", str(run), "--env", OWN.format("One")]
    assert type_here(*command).returncode == 0
