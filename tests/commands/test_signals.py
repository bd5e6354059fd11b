"""Ctrl-C and SIGTERM, sent to all processes of a terminal's job, as a terminal and a batch system do."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import Started, start_command
from warm import CAN_FORK

from workshop.processes import children_stopped_by_the_program, stop_in_order

SLOWEST = 5  # seconds to stop: 0.1 as a rule; the machine may be busy
PENDULUM = ["--env", "Pendulum-v1", "--stepping", "subprocesses", "--n-envs", "3"]
CHECKPOINT, BEGUN, PLOTS = "*/checkpoint/state.pt", "*/config.json", "*/reward_model.pt"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX systems")


def begin(command: list[str], runs_dir: Path, until: str | None) -> Started:
    """Start a program in a session of its own, and wait for what it writes; without anything, for its imports."""
    trains = ["--", "--solution"] if "sweep.py" in command else ["--solution"]
    arguments = [*command, "--runs-dir", str(runs_dir), *trains]
    process = start_command(*arguments, new_session=True, anew=until is None or not CAN_FORK)
    deadline = time.monotonic() + 60
    while until and not list(runs_dir.glob(until)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.7 if until is None else 0.2 if until == BEGUN else 0)
    return process


def end(process: Started, *signals: signal.Signals) -> tuple[int, str]:
    """Send the signals to all of the program's processes; its exit code and what it said, once none is left."""
    started = time.monotonic()
    for number in signals:
        os.killpg(process.pid, number)
        time.sleep(0.02)
    output, said = process.communicate(timeout=60)
    assert time.monotonic() - started < SLOWEST
    assert output == ""
    assert "Traceback" not in said
    assert "Error" not in said
    deadline = time.monotonic() + SLOWEST
    while running(process.pid):
        assert time.monotonic() < deadline, "processes are left behind"
        time.sleep(0.05)
    return process.returncode, said


def running(session: int) -> list[str]:
    """The processes of a session, but for those that are dead and that nobody has asked after."""
    listed = subprocess.run(["ps", "-A", "-o", "sess=,stat=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if line.split()[0] == str(session) and line.split()[1][0] != "Z"]


@pytest.mark.parametrize(
    ("flags", "until", "number"),
    [
        ([], CHECKPOINT, signal.SIGINT),
        ([], PLOTS, signal.SIGINT),
        (PENDULUM, BEGUN, signal.SIGINT),
        pytest.param(PENDULUM, CHECKPOINT, signal.SIGINT, marks=pytest.mark.endurance),  # as two Ctrl-C do, below
        pytest.param(PENDULUM, CHECKPOINT, signal.SIGTERM, marks=pytest.mark.endurance),
    ],
    ids=["training", "drawing", "worker start", "workers", "workers, SIGTERM"],
)
def test_a_run_is_stopped_with_the_command_that_resumes_it(
    tmp_path: Path, flags: list[str], until: str, number: signal.Signals
):
    tiny = ["--iterations", "3", "--total-timesteps", "12000"]
    code, said = end(begin(["main.py", *tiny, *flags], tmp_path, until), number)
    assert code == 128 + number
    (run,) = tmp_path.iterdir()
    (line,) = said.splitlines()
    assert line.startswith("Stopped ")
    assert line.endswith(f"To go on: python main.py --resume {run}")
    assert (run / "checkpoint").exists() or until == BEGUN


def test_ctrl_c_while_libraries_are_imported_says_nothing(tmp_path: Path):
    code, said = end(begin(["main.py"], tmp_path, None), signal.SIGINT)
    assert (code, said) == (130, "")
    assert not list(tmp_path.iterdir())


def test_a_second_ctrl_c_ends_the_workers_too(tmp_path: Path):
    code, _ = end(begin(["main.py", *PENDULUM], tmp_path, CHECKPOINT), signal.SIGINT, signal.SIGINT)
    assert code == 130


@pytest.mark.parametrize("signals", [[signal.SIGTERM], pytest.param([signal.SIGINT] * 2, marks=pytest.mark.endurance)])
def test_a_sweep_is_stopped_and_says_how_to_go_on(tmp_path: Path, signals: list[signal.Signals]):
    command = ["sweep.py", "--seeds", "2", "--jobs", "2", "--plots-dir", str(tmp_path / "plots")]
    code, said = end(begin(command, tmp_path / "runs", BEGUN), *signals)
    assert code == 128 + signals[0]
    assert "Stopped: 0 of 2 runs are done; the same command goes on from there." in said or len(signals) == 2
    assert not (tmp_path / "plots").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_processes_are_started_stops_the_program_once_they_have_been(number: signal.Signals):
    """Another thread takes the signal, too, which then reaches Python in the main one."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    done, all_started = threading.Event(), threading.Event()
    thread = threading.Thread(target=done.wait)

    def start() -> None:
        with children_stopped_by_the_program():
            os.kill(os.getpid(), number)
            time.sleep(0.1)
            all_started.set()

    thread.start()
    stop_in_order()
    try:
        with pytest.raises(KeyboardInterrupt):
            start()
    finally:
        done.set()
        thread.join()
        for each, handler in before.items():
            signal.signal(each, handler)
    assert all_started.is_set()
