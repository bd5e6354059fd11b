"""`sweep.py` as typed: what it runs, what it skips, what fails, and the search."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, TINY_SWEEP, TINY_SWEEP_OF_LENGTHS, Finished, start_command, type_command, without_seconds
from made_up_runs import write_run

import sweep
from main import Config
from workshop.many_runs.sweep import finished_runs
from workshop.messages import UsageError
from workshop.records.finished import find_runs, read_run


def sweep_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str) -> None:
    """`python sweep.py …` in this process, one run after another."""
    places = ["--runs-dir", str(tmp_path / "runs"), "--plots-dir", str(tmp_path / "plots"), "--jobs", "1"]
    monkeypatch.setattr(sys, "argv", ["sweep.py", *places, *arguments])
    monkeypatch.chdir(ROOT)
    sweep.main()


def test_sweep_runs_every_combination_and_compares_them(swept: Finished):
    done, folder = swept
    runs = [read_run(path) for path in find_runs([folder / "runs"])]
    assert sorted((run.options["fragment_length"], run.seed) for run in runs) == [(5, 0), (5, 1), (8, 0), (8, 1)]
    assert done.stdout.startswith("| runs | n |")
    assert "| --fragment-length 5 | 2 |" in done.stdout
    assert "| --fragment-length 8 | 2 |" in done.stdout
    assert f"Figure: {folder / 'plots' / 'sweep.png'}" in done.stderr
    assert (folder / "plots" / "sweep.png").stat().st_size > 10_000
    assert "4/4" in done.stderr  # the bar


def test_a_run_of_a_sweep_is_the_run_that_its_command_gives(swept: Finished, tmp_path: Path):
    path = find_runs([swept[1] / "runs"])[0]
    python, *command = (path / "command.txt").read_text(encoding="utf-8").split()
    assert python == "python"
    command[command.index("--runs-dir") + 1] = str(tmp_path)
    alone = type_command(*command)
    assert alone.returncode == 0, alone.stderr
    assert without_seconds(find_runs([tmp_path])[0]) == without_seconds(path)


def test_what_is_there_is_not_run_again(swept: Finished, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys):
    runs = shutil.copytree(swept[1] / "runs", tmp_path / "runs")
    before = {path: (path / "progress.csv").read_bytes() for path in find_runs([runs])}
    arguments = ["--fragment-length", "8", "5", "--runs-dir", str(runs), "--jobs", "1"]
    monkeypatch.setattr(
        sys,
        "argv",
        ["sweep.py", *arguments, "--seeds", "3", "--plots-dir", str(tmp_path / "plots"), *TINY_SWEEP_OF_LENGTHS],
    )
    monkeypatch.chdir(ROOT)
    sweep.main()
    printed = capsys.readouterr()
    assert "4 of 6 runs are there already." in printed.err
    assert "| --fragment-length 5 | 3 |" in printed.out
    after = {path: (path / "progress.csv").read_bytes() for path in find_runs([runs])}
    assert len(after) == 6
    assert before.items() <= after.items()


def test_an_unfinished_run_is_done_again(tmp_path: Path):
    unfinished = write_run(tmp_path, [0, 1], iterations=5)
    without_model = write_run(tmp_path, [0, 1], seed=1)
    (without_model / "reward_model.pt").unlink()
    finished = write_run(tmp_path, [0, 1], seed=2)
    assert list(finished_runs(tmp_path).values()) == [finished]
    assert unfinished.exists()


def test_a_run_that_fails_is_reported_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    def train(program: Any, config: Config, *others, **named):
        if config.seed == 1:
            raise FloatingPointError("the reward is not finite")
        return real_train(program, config, *others, **named)

    real_train = type(sweep.PROGRAMS["main"]).train
    monkeypatch.setattr(type(sweep.PROGRAMS["main"]), "train", train)
    with pytest.raises(SystemExit) as exit_code:
        sweep_here(monkeypatch, tmp_path, "--seeds", "3", *TINY_SWEEP)
    assert exit_code.value.code == 1
    printed = capsys.readouterr()
    assert "| sweep | 2 |" in printed.out
    last = printed.err.splitlines()[-2:]
    assert last[0].startswith("Failed: python main.py --solution")
    assert "--seed 1" in last[0]
    assert last[1] == "  FloatingPointError: the reward is not finite"


def group_is_alive(group: int, seconds: float) -> bool:
    """Whether a process of this group is still there after so many seconds."""
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.1)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C cannot be typed for one program on Windows")
@pytest.mark.endurance
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_stops_and_the_same_command_goes_on(tmp_path: Path, jobs: str):
    command = ["sweep.py", "--seeds", "3", "--jobs", jobs, "--runs-dir", str(tmp_path / "runs")]
    command += ["--plots-dir", str(tmp_path), *TINY_SWEEP, "--total-timesteps", "4000"]
    command.remove("--total-timesteps=1200")
    process = start_command(*command, new_session=True)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        begun, finished = len(list(tmp_path.glob("runs/*/config.json"))), len(finished_runs(tmp_path / "runs"))
        if begun > finished > 0:
            break
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "runs are done; the same command goes on from there." in errors
    assert "Traceback" not in errors
    done = finished_runs(tmp_path / "runs")
    assert 1 <= len(done) < 3
    assert not group_is_alive(process.pid, seconds=60)
    again = type_command(*command)
    assert again.returncode == 0, again.stderr
    assert f"{len(done)} of 3 runs are there already." in again.stderr
    assert "| sweep | 3 |" in again.stdout


def test_search_ends_with_a_command_and_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    arguments = ["--fragment-length", "5", "8", "--optimise", "true_return_mean", "--seeds", "1"]
    for trials in ("1", "2"):
        sweep_here(monkeypatch, tmp_path, *arguments, "--trials", trials, *TINY_SWEEP_OF_LENGTHS)
    printed = capsys.readouterr()
    command = printed.out.splitlines()[-1]
    assert command.startswith("python main.py --fragment-length ")
    assert command.endswith(" ".join(TINY_SWEEP_OF_LENGTHS[1:]))
    assert "1 of 2 trials are there already." in printed.err
    finals = {
        run.options["fragment_length"]: run.columns["true_return_mean"][-1]
        for run in map(read_run, find_runs([tmp_path / "runs"]))
    }
    assert int(command.split()[3]) == max(finals, key=finals.get)
    with pytest.raises(UsageError, match="--name sweep"):
        sweep_here(monkeypatch, tmp_path, *arguments[3:], "--fragment-length", "9", *TINY_SWEEP_OF_LENGTHS)
