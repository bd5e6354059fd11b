"""An interrupted run goes on, and ends as if it had never been stopped."""

import csv
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from broken_runs import STATE, files
from conftest import SMALL, go_on, start_command, train, type_command, type_here
from stable_baselines3 import PPO

import main
from workshop.flags import as_json
from workshop.messages import RunError, UsageError
from workshop.program.run import recorded_config
from workshop.records.checkpoint import Checkpoints, UnusableCheckpointError
from workshop.records.directory import RunDirectory

pytestmark = pytest.mark.usefixtures("without_plots")

LONGER = [*SMALL, "--iterations=5", "--comparisons=12"]
KINDS = {
    "pole": [],
    "true reward": ["--reward", "true"],
    "pendulum": ["--env", "Pendulum-v1", "--normalise"],
    "networks": ["--hidden-sizes", "8", "--pessimism", "0.5", "--agent-weight-decay", "0.1"],
    "groups": ["--labellers", "upright:1", "spin:1", "--align-to", "worst-off"],
    "everything": ["--dropout", "0.2", "--adaptive-weight-decay", "--query", "information-gain", "--oracle-skip", "0"],
}
QUICK = "pole", "everything"  # the others are for the tests of endurance
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed by POSIX signals here")


def killed(start, seconds: float) -> None:
    """Let another process `start` and kill it after so many seconds, whatever it is doing; maybe it is done by then."""
    child = os.fork()
    if child == 0:
        try:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 2)
            start()
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def what_was_done(run: Path) -> tuple[list[dict[str, str]], list[dict], dict[str, torch.Tensor], list[np.ndarray]]:
    """Progress, answers, the reward model and the agent's weights: all but times."""
    with (run / "progress.csv").open(newline="", encoding="utf-8") as file:
        rows = [{name: cell for name, cell in row.items() if name != "seconds"} for row in csv.DictReader(file)]
    answers = []
    if (run / "comparisons.jsonl").exists():
        lines = (run / "comparisons.jsonl").read_text(encoding="utf-8").splitlines()
        answers = [{name: value for name, value in json.loads(line).items() if name != "time"} for line in lines]
    model = torch.load(run / "reward_model.pt", weights_only=True)["networks"]
    weights = [
        parameter.detach().numpy() for parameter in PPO.load(run / "agent.zip", device="cpu").policy.parameters()
    ]
    return rows, answers, model, weights


def assert_same(one: Path, other: Path) -> None:
    (rows, answers, model, weights), others = what_was_done(one), what_was_done(other)
    assert rows == others[0]
    assert answers == others[1]
    for name, tensor in model.items():
        assert torch.equal(tensor, others[2][name]), name
    for mine, theirs in zip(weights, others[3], strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.fixture(
    scope="module",
    params=[*QUICK, *(pytest.param(kind, marks=pytest.mark.endurance) for kind in KINDS if kind not in QUICK)],
)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path, float]:
    """A run that was never stopped: its arguments, its directory and its seconds."""
    arguments = [*LONGER, *KINDS[request.param]]
    started = time.perf_counter()
    run = train([*arguments, "--runs-dir", str(tmp_path_factory.mktemp("whole"))])
    return arguments, run, time.perf_counter() - started


@pytest.mark.endurance
@needs_fork
def test_a_run_killed_at_random_moments_ends_as_if_it_had_not_been(
    whole: tuple[list[str], Path, float], tmp_path: Path
):
    """Five kills in each of five kinds of run, one after another in the same run: twenty-five, unforeseen."""
    arguments, uninterrupted, seconds = whole
    arguments = [*arguments, "--runs-dir", str(tmp_path)]
    moments = np.random.default_rng(len(uninterrupted.name)).uniform(0.05, 0.6, size=5) * seconds
    killed(lambda: train(arguments), moments[0])
    while not list(tmp_path.glob("*/config.json")):  # killed too early to have left anything: begin again
        killed(lambda: train(arguments), moments[0] + 0.5)
    run = next(path.parent for path in tmp_path.glob("*/config.json"))
    for moment in moments[1:]:
        if not (run / "agent.zip").exists():
            killed(lambda: go_on(run), moment)
    if Checkpoints(run).exist or not (run / "agent.zip").exists():
        go_on(run)
    assert_same(run, uninterrupted)
    assert not Checkpoints(run).exist


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, whole: tuple[list[str], Path, float]
):
    arguments, uninterrupted, _ = whole
    arguments = [*arguments, "--runs-dir", str(tmp_path)]
    saves = []

    def save(*what) -> None:
        saves.append(1)
        if len(saves) == 3:
            what[1].write(b"half a checkp")
            what[1].flush()
            raise KeyboardInterrupt
        real_save(*what)

    real_save = torch.save
    monkeypatch.setattr(torch, "save", save)
    with pytest.raises(KeyboardInterrupt):
        train(arguments)
    monkeypatch.undo()
    (run,) = tmp_path.iterdir()
    go_on(run)
    assert_same(run, uninterrupted)


def test_options_are_those_that_were_typed(interrupted: Path):
    config = recorded_config(interrupted, main.Config)
    recorded = json.loads((interrupted / "config.json").read_text(encoding="utf-8"))
    del recorded["packages"]
    assert json.loads(json.dumps(as_json(config))) == recorded


@pytest.mark.parametrize("file", ["state.pt", "iteration-000001.npz"])
@pytest.mark.parametrize("part", range(0, 10))
def test_a_damaged_checkpoint_is_refused_and_left_as_it_is(interrupted: Path, file: str, part: int):
    path = interrupted / "checkpoint" / file
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * part // 10])
    before = {each.name: each.read_bytes() for each in (interrupted / "checkpoint").iterdir()}
    with pytest.raises(UnusableCheckpointError, match="damaged"):
        Checkpoints(interrupted).load()
    assert before == {each.name: each.read_bytes() for each in (interrupted / "checkpoint").iterdir()}


def test_a_checkpoint_runs_no_code(interrupted: Path, tmp_path: Path):
    class Harmful:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    torch.save({"format": 1, "state": Harmful()}, interrupted / "checkpoint" / "state.pt")
    with pytest.raises(UnusableCheckpointError, match="cannot be read"):
        Checkpoints(interrupted).load()
    assert not (tmp_path / "harm").exists()


def test_a_checkpoint_of_other_versions_is_refused(interrupted: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workshop.records.checkpoint.versions", lambda: {"torch": "0.1"})
    with pytest.raises(UnusableCheckpointError, match="other versions of packages"):
        Checkpoints(interrupted).load()


def test_two_processes_on_one_run_are_refused(interrupted: Path):
    with RunDirectory.reopen(interrupted):
        second = type_command("main.py", "--resume", str(interrupted))
    assert second.returncode == 1
    assert second.stderr.strip() == f"{interrupted} is in use: another process is running there."


def test_what_cannot_be_resumed_says_so(interrupted: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="there is no run"):
        recorded_config(tmp_path / "nowhere", main.Config)
    (interrupted / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match="damaged"):
        recorded_config(interrupted, main.Config)
    shutil.rmtree(interrupted / "checkpoint")
    (interrupted / "agent.zip").touch()
    with pytest.raises(RunError, match="finished"):
        recorded_config(interrupted, main.Config)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX systems")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_run_with_the_command_that_resumes_it(tmp_path: Path, number: int, code: int):
    process = start_command("main.py", "--solution", "--iterations", "10", "--runs-dir", str(tmp_path))
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("*/checkpoint/state.pt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == code
    assert output == ""
    (run,) = tmp_path.iterdir()
    *_, last = errors.splitlines()
    assert last.startswith("Stopped after iteration ")
    assert last.endswith(f"To go on: python main.py --resume {run}")
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "kind",
    [
        [],
        ["--reward", "true", "--env", "Pendulum-v1"],
        # several updates an iteration: what acts with such weights gets rewards that are not finite either
        ["--env", "Pendulum-v1", "--total-timesteps", "8000"],
        ["--reward", "true", "--env", "Pendulum-v1", "--total-timesteps", "8000"],
    ],
)
def test_training_that_blows_up_says_so_and_keeps_the_checkpoint_before(tmp_path: Path, kind: list[str]):
    blown = type_here("main.py", *LONGER, *kind, "--agent-learning-rate", "1e30", "--runs-dir", str(tmp_path))
    assert blown.returncode == 1
    assert "the agent's weights are not finite any more" in blown.stderr
    assert "--agent-learning-rate" in blown.stderr
    assert "Traceback" not in blown.stderr
    (run,) = tmp_path.iterdir()
    state, pieces = Checkpoints(run).load()
    assert len(pieces) >= 1
    assert all(torch.isfinite(weights).all() for weights in state["agent"]["policy"].values())


def test_resume_as_typed_says_one_sentence(interrupted: Path):
    (interrupted / STATE).write_bytes((interrupted / STATE).read_bytes()[:-100])
    before = files(interrupted)
    typed = type_command("main.py", "--resume", str(interrupted))
    assert (typed.returncode, typed.stdout) == (1, "")
    assert typed.stderr == f"--resume {interrupted}: the checkpoint is damaged: state.pt cannot be read.\n"
    assert files(interrupted) == before
