"""`--watch` and `--resume` of a directory of runs, or of a part of a name: which run that is."""

import os
import shutil
from pathlib import Path

import pytest
from conftest import Finished, type_here

from workshop.messages import UsageError
from workshop.program.newest import has_agent, is_unfinished, newest_run


def run_to_watch(typed: Path, runs_dir: Path) -> Path:
    return newest_run("--watch", typed, runs_dir, has_agent, "finished", "main.py")


def run_to_resume(typed: Path, runs_dir: Path) -> Path:
    return newest_run("--resume", typed, runs_dir, is_unfinished, "unfinished", "main.py")


def make(parent: Path, name: str, finished: bool, going_on: bool = False) -> Path:
    """A run of this name, with no more in it than is looked at."""
    run = parent / name
    (run / "checkpoint").mkdir(parents=True)
    (run / "config.json").write_text("{}")
    if finished:
        (run / "agent.zip").touch()
    if going_on or not finished:
        (run / "checkpoint" / "state.pt").touch()
    return run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Some runs: the newest is neither the first nor the last by name, and one lies deeper."""
    monkeypatch.chdir(tmp_path)
    folder = Path("runs")
    make(folder, "Pole__a__0__20260102-000000", finished=True)
    make(folder, "Pole__a__1__20260101-000000", finished=True)
    make(folder / "sweep", "Pole__b__0__20260103-000000", finished=True)
    make(folder, "Cheetah__a__0__20260104-000000", finished=False)
    make(folder, "Pole__a__2__20260101-120000", finished=False)
    return folder


@pytest.mark.parametrize(
    ("typed", "watched", "resumed"),
    [
        ("runs", "sweep/Pole__b__0__20260103-000000", "Cheetah__a__0__20260104-000000"),
        ("runs/sweep", "sweep/Pole__b__0__20260103-000000", None),
        ("Pole", "sweep/Pole__b__0__20260103-000000", "Pole__a__2__20260101-120000"),
        ("__a__", "Pole__a__0__20260102-000000", "Cheetah__a__0__20260104-000000"),
        ("runs/Pole__a", "Pole__a__0__20260102-000000", "Pole__a__2__20260101-120000"),
        ("Cheetah", None, "Cheetah__a__0__20260104-000000"),
    ],
)
def test_the_newest_that_fits_is_taken_and_said(
    typed: str, watched: str | None, resumed: str | None, runs: Path, capsys: pytest.CaptureFixture[str]
):
    for function, flag, expected, called in (
        (run_to_watch, "--watch", watched, "finished"),
        (run_to_resume, "--resume", resumed, "unfinished"),
    ):
        if expected is None:
            with pytest.raises(UsageError, match=f"{flag} {typed}: there is no {called} run") as refused:
                function(Path(typed), runs)
            assert "\n" not in str(refused.value)
        else:
            assert function(Path(typed), runs) == runs / expected
            assert str(runs / expected) in capsys.readouterr().err


def test_a_runs_own_directory_is_itself_whatever_it_holds(runs: Path, capsys: pytest.CaptureFixture[str]):
    for run in runs.glob("*__*"):
        assert run_to_watch(run, runs) == run_to_resume(run, runs) == run
    assert capsys.readouterr().err == ""


def test_what_is_no_run_is_left_to_be_refused(runs: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for typed in ("nowhere", "empty", "no/such/place", "x" * 5000):
        assert run_to_watch(Path(typed), runs) == Path(typed)
        assert run_to_resume(Path(typed), Path("no runs here")) == Path(typed)


def test_a_run_that_was_stopped_between_its_agent_and_its_end_may_be_both(runs: Path):
    both = make(runs, "Pole__a__0__20270101-000000", finished=True, going_on=True)
    assert run_to_watch(runs, runs) == run_to_resume(runs, runs) == both


def test_a_name_without_a_time_counts_by_its_files(runs: Path):
    renamed = make(runs, "my best one", finished=True)
    os.utime(renamed / "config.json", (0, 0))
    assert run_to_watch(runs, runs).name == "Pole__b__0__20260103-000000"
    os.utime(renamed / "config.json", (2e9, 2e9))
    assert run_to_watch(runs, runs) == renamed


def test_as_typed(tiny_run: Finished, interrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workshop.program.watch.has_display", lambda: False)
    runs = tmp_path / "runs"
    shutil.copytree(tiny_run[1], runs / tiny_run[1].name)
    shutil.move(interrupted, runs / "stopped")
    watched = type_here("main.py", "--watch", str(runs))
    assert watched.returncode == 0, watched.stderr
    assert (runs / tiny_run[1].name / "videos" / "watch.gif").exists()
    resumed = type_here("main.py", "--resume", str(runs))
    assert resumed.returncode == 0, resumed.stderr
    assert f'"run": "{runs / "stopped"}"' in resumed.stdout
    refused = type_here("main.py", "--resume", str(runs))
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"--resume {runs}: there is no unfinished run in {runs}, of 2 that were begun.")
