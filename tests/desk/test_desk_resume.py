"""A run of `llm.py` that was interrupted, or killed, goes on and ends as if it had never been stopped."""

import errno
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import start_command, type_here
from desk_runs import METHODS, TINY_DESK, go_on_at_the_desk, outcome, train_at_the_desk

from workshop.desk.directory import LanguageDirectory
from workshop.many_runs.sweep import finished_runs
from workshop.records import BrokenRecordError, Checkpoints, read_run

pytest_plugins = ["desk_fixtures"]
pytestmark = pytest.mark.usefixtures("quick")

LOOPS = {
    "ppo": [*TINY_DESK[:-2], "--iterations", "3", "--updates", "6"],
    "dpo": METHODS["dpo"],
    "best-of-n": METHODS["best-of-n"],
    "nothing answered": [*TINY_DESK, "--oracle-skip", "1000"],
    "worst-off": [*TINY_DESK, "--labellers", "visitor:1", "click:1", "--align-to", "worst-off"],
}


def stopped(arguments: list[str], at: int) -> Path:
    """A run that was interrupted once it had so many rows, and its directory."""

    def stop(row) -> None:
        if row["iteration"] == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_at_the_desk(arguments, stop)
    (run,) = Path(arguments[-1]).iterdir()
    return run


@pytest.mark.parametrize(
    ("kind", "stops"), [("ppo", (1, 2)), ("nothing answered", (1,)), ("dpo", (0,)), ("best-of-n", (1,))]
)
def test_a_run_stopped_at_an_evaluation_ends_as_if_it_had_not_been(tmp_path: Path, kind: str, stops: tuple[int, ...]):
    whole = train_at_the_desk([*LOOPS[kind], "--runs-dir", str(tmp_path / "whole")])
    expected = outcome(whole)
    for at in stops:
        run = stopped([*LOOPS[kind], "--runs-dir", str(tmp_path / str(at))], at)
        if kind != "best-of-n":  # which has all its rows then
            with pytest.raises(BrokenRecordError, match="not finished"):
                read_run(run)
        assert finished_runs(tmp_path / str(at)) == {}
        go_on_at_the_desk(run)
        assert outcome(run) == expected
        assert not Checkpoints(run).exist


@pytest.mark.endurance
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed by POSIX signals here")
@pytest.mark.parametrize("kind", LOOPS)
def test_a_run_killed_at_random_moments_ends_as_if_it_had_not_been(tmp_path: Path, kind: str):
    arguments = [*LOOPS[kind], "--runs-dir", str(tmp_path / "killed")]
    started = time.perf_counter()
    whole = train_at_the_desk([*LOOPS[kind], "--runs-dir", str(tmp_path / "whole")])
    seconds = time.perf_counter() - started
    runs = tmp_path / "killed"
    for moment in np.random.default_rng(len(kind)).uniform(0.1, 0.7, size=5) * seconds:
        begun = [path.parent for path in runs.glob("*/config.json")]
        if begun and (begun[0] / "result.json").exists():
            break
        child = os.fork()
        if child == 0:
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                go_on_at_the_desk(begun[0]) if begun else train_at_the_desk(arguments)
            finally:
                os._exit(0)
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    begun = [path.parent for path in runs.glob("*/config.json")]
    run = begun[0] if begun else train_at_the_desk(arguments)
    if Checkpoints(run).exist or not (run / "result.json").exists():
        go_on_at_the_desk(run)
    assert outcome(run) == outcome(whole)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX systems")
def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path):
    process = start_command("llm.py", *TINY_DESK, "--updates", "1000", "--runs-dir", str(tmp_path))
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("*/checkpoint/state.pt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, output) == (130, "")
    (run,) = tmp_path.iterdir()
    *_, last = errors.splitlines()
    assert last.startswith("Stopped after ")
    assert last.endswith(f" updates. To go on: python llm.py --resume {run}")
    assert "Traceback" not in errors


def test_a_full_disk_ends_in_a_sentence_and_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = train_at_the_desk([*TINY_DESK, "--runs-dir", str(tmp_path / "whole")])
    append, full = LanguageDirectory.append_row, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def no_room(directory: LanguageDirectory, row) -> None:
        if row["update"] == 4:
            raise full
        append(directory, row)

    monkeypatch.setattr(LanguageDirectory, "append_row", no_room)
    ended = type_here("llm.py", *TINY_DESK, "--runs-dir", str(tmp_path / "full"))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr
    monkeypatch.setattr(LanguageDirectory, "append_row", append)
    (run,) = (tmp_path / "full").iterdir()
    go_on_at_the_desk(run)
    assert outcome(run) == outcome(whole)


def test_a_damaged_checkpoint_or_language_model_is_told_in_a_sentence(tmp_path: Path):
    run = stopped([*TINY_DESK, "--runs-dir", str(tmp_path / "runs")], 1)
    for file in ("sft.pt", "checkpoint/state.pt"):
        damaged = Path(shutil.copytree(run, tmp_path / file.replace("/", "-")))
        (damaged / file).write_bytes((damaged / file).read_bytes()[:1000])
        ended = type_here("llm.py", "--resume", str(damaged))
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "damaged" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_finished_run_is_not_resumed(tmp_path: Path):
    run = train_at_the_desk([*TINY_DESK, "--runs-dir", str(tmp_path)])
    ended = type_here("llm.py", "--resume", str(run))
    assert ended.returncode == 1
    assert "the run is finished" in ended.stderr
