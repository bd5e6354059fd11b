"""A full disk, a read-only or vanished directory: a sentence, exit code 1, nothing lost, and `--resume` goes on."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import TINY, train
from made_up_records import answered
from made_up_runs import write_run
from stable_baselines3 import PPO

import compare
import export
import main
import sweep
from workshop.processes import leave

SMALL = ["--solution", *TINY, "--hidden-sizes", "8", "--agent-hidden-sizes", "8", "--iterations=2"]
SIZE = 8_000_000  # of the disk: some ten runs

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="disks are filled and processes forked as on POSIX")


class Disk:
    """A file system of its own, which can be filled."""

    def __init__(self, path: Path):
        self.path = path
        self._filler = path / "filler"

    def leave(self, left: int) -> None:
        """Fill it, but for so many bytes."""
        self.free()
        status = os.statvfs(self.path)
        with self._filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, status.f_bavail * status.f_frsize - left))

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("disk")
    try:
        options = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)]
        mountable = subprocess.run(options, capture_output=True, timeout=10).returncode == 0
    except OSError:
        mountable = False
    if not mountable:
        pytest.skip("no file system can be mounted here (that takes root, and CAP_SYS_ADMIN in a container)")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture
def disk(mounted: Path) -> Iterator[Disk]:
    disk = Disk(mounted)
    yield disk
    disk.free()
    for path in mounted.iterdir():
        shutil.rmtree(path)


def typed(program: Callable[[], None], *arguments: str, before: Callable[[], object] = lambda: None) -> tuple[int, str]:
    """Run a program in a process of its own, as if typed, with `before` called there; its exit code and messages."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(writing, 1)
            os.dup2(writing, 2)
            sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(n, "w"), write_through=True) for n in (1, 2))
            sys.argv = ["program", *arguments]
            before()
            from workshop.program.program import run_program

            run_program(program)
            leave(0)
        except SystemExit as end:
            leave(end.code or 0)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(99)
    os.close(writing)
    with open(reading, encoding="utf-8") as stream:  # noqa: PTH123 (a descriptor)
        said = stream.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def assert_one_sentence(said: str, problem: str) -> None:
    lines = [line for line in said.splitlines() if not line.startswith("Stopped ")]
    assert len(lines) == 1, said
    assert problem in lines[0]
    assert lines[0].startswith("/"), "names no file"


def what_was_done(run: Path) -> tuple[list[list[str]], bytes, list[str]]:
    """Progress and answers but for their times, and the agent's weights."""
    rows = [line.split(",") for line in (run / "progress.csv").read_text().splitlines()]
    place = rows[0].index("seconds")
    answers = [line.partition('"time"')[0] for line in (run / "comparisons.jsonl").read_text().splitlines()]
    weights = [parameter.detach().numpy().tobytes() for parameter in PPO.load(run / "agent.zip").policy.parameters()]
    return [row[:place] + row[place + 1 :] for row in rows], b"".join(weights), answers


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing befell."""
    runs_dir = tmp_path_factory.mktemp("whole")
    code, said = typed(main.program.main, *SMALL, "--runs-dir", str(runs_dir))
    assert code == 0, said
    return next(runs_dir.iterdir())


# Bytes left for a run, which has 0.4 million when it is finished, from none to all but those of the last pictures
@pytest.mark.parametrize(
    "pages", [0, 20, *(pytest.param(pages, marks=pytest.mark.endurance) for pages in (2, 4, 8, 40, 70, 100))]
)
def test_a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room(disk: Disk, whole: Path, pages: int):
    (disk.path / "runs").mkdir()
    disk.leave(pages * 4096)
    code, said = typed(main.program.main, *SMALL, "--runs-dir", str(disk.path / "runs"))
    assert code == 1, said
    assert_one_sentence(said, "No space left on device")
    runs = list((disk.path / "runs").iterdir())
    if not runs:
        assert "To go on" not in said
        assert pages < 8
        return
    (run,) = runs
    assert f"To go on: python main.py --resume {run}\n" in said
    assert not list(run.rglob("*.new"))
    code, said = typed(main.program.main, "--resume", str(run))
    assert code == 1, said
    assert_one_sentence(said, "No space left on device")
    disk.free()
    code, said = typed(main.program.main, "--resume", str(run))
    assert code == 0, said
    assert what_was_done(run) == what_was_done(whole)


def test_a_file_that_may_not_grow_is_refused_in_a_sentence(tmp_path: Path, whole: Path):
    """Where no disk can be made, a limit on the size of files does as well."""

    import resource  # POSIX's

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))

    code, said = typed(main.program.main, *SMALL, "--runs-dir", str(tmp_path), before=limit)
    assert code == 1, said
    assert_one_sentence(said, "File too large")
    (run,) = tmp_path.iterdir()
    code, said = typed(main.program.main, "--resume", str(run))
    assert code == 0, said
    assert what_was_done(run) == what_was_done(whole)


@pytest.mark.parametrize("pages", [1, *(pytest.param(pages, marks=pytest.mark.endurance) for pages in (0, 10, 20))])
def test_a_comparison_on_a_full_disk_leaves_the_figure_before(disk: Disk, tmp_path: Path, pages: int):
    run = write_run(tmp_path, [0, 200])
    plots = disk.path / "plots"
    compare.compare_runs([run], "env_steps", plots, "comparison")
    before = {path.name: path.read_bytes() for path in plots.iterdir()}
    disk.leave(pages * 4096)
    another = write_run(tmp_path, [0, 100], seed=1)
    code, said = typed(compare.main, str(run), str(another), "--plots-dir", str(plots))
    assert code == 1, said
    assert str(plots) in said.splitlines()[-1]
    assert "No space left on device." in said.splitlines()[-1]
    assert "Traceback" not in said
    after = {path.name: path.read_bytes() for path in plots.iterdir()}
    assert after.keys() == before.keys()
    assert after["comparison.svg"] == before["comparison.svg"]


def test_an_export_to_a_full_disk_is_whole_or_none(disk: Disk, tmp_path: Path):
    answered(tmp_path / "run", [0.0, 0.5] * 10)
    disk.leave(3 * 4096)
    code, said = typed(export.main, str(tmp_path / "run"), "--output", str(disk.path / "out"))
    assert code == 1, said
    assert_one_sentence(said, "No space left on device")
    assert not list((disk.path / "out").iterdir())


@pytest.mark.endurance
def test_a_sweep_on_a_full_disk_names_what_failed_and_goes_on_when_there_is_room(disk: Disk):
    places = ["--runs-dir", str(disk.path / "runs"), "--plots-dir", str(disk.path / "plots")]
    arguments = ["--seeds", "1", "--jobs", "1", *places, "--", "--solution", *TINY]
    disk.leave(40 * 4096)
    code, said = typed(sweep.main, *arguments)
    assert code == 1, said
    assert "Failed: python main.py" in said
    assert "OSError: [Errno 28] No space left on device" in said
    assert "Traceback" not in said
    disk.free()
    code, said = typed(sweep.main, *arguments)
    assert code == 0, said
    assert (disk.path / "plots" / "sweep.png").exists()


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(path)], check=True)


def test_a_read_only_disk_is_named(disk: Disk, mounted: Path):
    def stop(row) -> None:
        raise KeyboardInterrupt

    arguments = [*SMALL, "--runs-dir", str(disk.path / "runs")]
    with pytest.raises(KeyboardInterrupt):
        train(arguments, stop)
    (run,) = (disk.path / "runs").iterdir()
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with read_only(mounted):
        for command, problem in (
            (["--resume", str(run)], "Read-only file system"),
            (arguments, "cannot be written to"),
        ):
            code, said = typed(main.program.main, *command)
            assert code == 1, said
            assert_one_sentence(said, problem)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_runs_that_are_a_file_are_named(tmp_path: Path):
    (tmp_path / "runs").write_text("mine")
    code, said = typed(main.program.main, *SMALL, "--runs-dir", str(tmp_path / "runs"))
    assert code == 2
    assert said.startswith("--runs-dir ")
    assert len(said.splitlines()) == 1
    assert (tmp_path / "runs").read_text() == "mine"


@pytest.mark.parametrize("iteration", [0, 1])
def test_a_directory_that_vanishes_is_named(tmp_path: Path, iteration: int):
    def remove(row) -> None:
        if row["iteration"] == iteration:
            shutil.rmtree(next(tmp_path.iterdir()))

    code, said = typed(lambda: train([*SMALL, "--runs-dir", str(tmp_path)], remove))
    assert code == 1, said
    assert_one_sentence(said, "No such file or directory")
    assert "To go on" not in said
    assert not list(tmp_path.iterdir())
