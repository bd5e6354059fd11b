"""What other systems have: consoles that cannot show everything, others' variables, quotes, odd file systems."""

import errno
import io
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from conftest import ROOT, TINY, Finished, type_command, type_here
from made_up_runs import write_run

from workshop.many_runs.grid import Axis
from workshop.many_runs.search import Search, best_first, chosen, suggest
from workshop.messages import coloured
from workshop.records.directory import RunDirectory, as_command
from workshop.safe_files import write_safely


@pytest.mark.endurance
def test_figures_do_not_depend_on_what_a_notebook_has_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    flags = ["--solution", "--no-pictures", *TINY, "--runs-dir", str(tmp_path / "runs")]
    finished = type_command("main.py", *flags, anew=True)
    assert finished.returncode == 0, finished.stderr
    run = Path(json.loads(finished.stdout)["run"])
    assert (run / "plots" / "learning_curve.png").exists()
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    compared = type_command("compare.py", str(run), "--plots-dir", str(tmp_path / "plots"), anew=True)
    assert compared.returncode == 0, compared.stderr


@pytest.mark.parametrize(
    ("encoding", "typed", "shown"),
    [("ascii", "compare.py runs --plots-dir plots", "code ?"), ("cp1252", "main.py --help", "--fragment-length")],
)
def test_a_console_that_cannot_show_a_character_shows_another(encoding: str, typed: str, shown: str, tmp_path: Path):
    """A label in the table, of a run that was called so, and what --help is framed by."""
    write_run(tmp_path / "runs", [0, 200], name="Ünïcode 木")
    program, *flags = typed.split()
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    command = [sys.executable, str(ROOT / program), *flags]
    finished = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=300)
    assert finished.returncode == 0, finished.stderr
    assert shown in finished.stdout.decode(encoding)


@pytest.mark.parametrize(("value", "coloured_then"), [(None, True), ("", True), ("1", False)])
def test_no_color_counts_when_it_says_something(
    value: str | None, coloured_then: bool, monkeypatch: pytest.MonkeyPatch
):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("WT_SESSION", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if value is not None:
        monkeypatch.setenv("NO_COLOR", value)
    assert (coloured("x", "red", Terminal()) != "x") == coloured_then


@pytest.mark.skipif(os.name != "posix", reason="directories are flushed on POSIX systems")
@pytest.mark.parametrize(("number", "lost"), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)])
def test_a_file_system_that_flushes_no_directories_will_do(
    number: int, lost: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    if lost:
        with pytest.raises(OSError, match="error"):
            write_safely(tmp_path / "file", lambda stream: stream.write(b"x"))
    else:
        write_safely(tmp_path / "file", lambda stream: stream.write(b"x"))
    assert (tmp_path / "file").read_bytes() == b"x"


def test_commands_to_paste_are_quoted_for_the_shell_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    arguments = ["--comparisons-from", "my runs/it's", "--goal", 'say "spin"']
    assert shlex.split(as_command(arguments)) == ["python", "main.py", *arguments]
    monkeypatch.setattr("sys.platform", "win32")
    expected = """python main.py --comparisons-from "my runs/it's" --goal "say \\"spin\\"\""""
    assert as_command(arguments) == expected


def test_the_command_that_resumes_is_quoted(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    import main

    config = main.program.read_config(["--runs-dir", str(tmp_path / "my runs")])
    with pytest.raises(KeyboardInterrupt), RunDirectory.make(config, []) as run:
        raise KeyboardInterrupt
    command = capsys.readouterr().err.partition("To go on: ")[2]
    assert shlex.split(command) == ["python", "main.py", "--resume", str(run.path)]


def test_a_search_keeps_values_with_spaces_together(tmp_path: Path):
    axis = Axis("--comparisons-from", (("--comparisons-from", "my runs"), ("--comparisons-from", "others")))
    search = Search("s", str(tmp_path / "trials"), "true_return_mean", seed=0)
    seen = []

    def objective(trial: optuna.Trial) -> float:
        seen.append(tuple(suggest(trial, [axis])))
        return float(len(seen[-1][1]))

    search.open().optimize(objective, n_trials=6)
    assert set(seen) == set(axis.alternatives)
    assert tuple(chosen(best_first(search.open())[0])) == ("--comparisons-from", "my runs")


@pytest.mark.parametrize(("number", "goes_on"), [(errno.ENOLCK, True), (errno.EIO, False)])
def test_a_file_system_without_locks_will_do(
    number: int, goes_on: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import main

    def no_lock(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("filelock.FileLock.acquire", no_lock)
    config = main.program.read_config(["--runs-dir", str(tmp_path)])
    if goes_on:
        with RunDirectory.make(config, []) as run:
            assert run.path.exists()
    else:
        with pytest.raises(OSError, match="error"):
            RunDirectory.make(config, [])


def test_a_display_that_does_not_answer_is_none(tiny_run: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where one is named and cannot be opened, the agent is written to a file, as where there is none."""
    monkeypatch.setenv("DISPLAY", ":77")
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    monkeypatch.setattr("workshop.program.watch.has_display", lambda: True)
    run = shutil.copytree(tiny_run[1], tmp_path / "run")
    watched = type_here("main.py", "--watch", str(run))
    assert watched.returncode == 0, watched.stderr
    assert "There is no display to play it on. Moving picture: " in watched.stderr
