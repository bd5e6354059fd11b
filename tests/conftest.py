"""What several tests need: the workshop in a folder of its own, and its programs as a user types them."""

import ast
import csv
import functools
import importlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import PIPE
from typing import Any

# Several processes, each with as many threads as there are cores, are in each other's way; so here, as in a run, one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from warm import CAN_FORK, Command, WarmProcess

ROOT = Path(__file__).resolve().parents[1]
TINY = ["--total-timesteps=1200", "--iterations=3", "--n-envs=2", "--comparisons=6", "--fragment-length=5"]
SMALL = ["--solution", *TINY, "--agent-hidden-sizes", "8", "--no-pictures"]
TINY_SWEEP = ["--", *SMALL]
TINY_SWEEP_OF_LENGTHS = [argument for argument in TINY_SWEEP if not argument.startswith("--fragment-length")]
Finished = tuple[subprocess.CompletedProcess[str], Path]  # what a command has printed, and where it has written


# A job in the background ignores SIGINT, as do then all programs that it starts, even one that a test interrupts. What
# has a handler instead, be it one that does nothing, starts programs that hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, lambda *_: None)

Started = subprocess.Popen[str] | Command


@functools.cache
def warm_process() -> WarmProcess:
    """That of this process of the tests, which begins when it is first needed."""
    return WarmProcess()


def pytest_unconfigure() -> None:
    if warm_process.cache_info().currsize:
        warm_process().close()


def start_command(
    *arguments: str,
    cwd: Path = ROOT,
    stdin: int | None = None,
    stdout: int | None = PIPE,
    stderr: int | None = PIPE,
    new_session: bool = False,
    anew: bool = not CAN_FORK,
) -> Started:
    """Start `python …` in `cwd`, without a display: forked where the system can or, told so, Python `anew`."""
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    if not anew:
        return warm_process().fork(list(arguments), cwd, environment, [stdin, stdout, stderr], new_session)
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, text=True, env=environment,
        encoding="utf-8", start_new_session=new_session,
    )  # fmt: skip


def type_command(
    *arguments: str, cwd: Path = ROOT, typed: str | None = None, timeout: float = 300, anew: bool = not CAN_FORK
) -> subprocess.CompletedProcess[str]:
    """Run `python …` in `cwd`, without a terminal or a display, and return what it printed; it may be `typed` to."""
    with start_command(*arguments, cwd=cwd, stdin=None if typed is None else PIPE, anew=anew) as process:
        try:
            output, errors = process.communicate(typed, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(list(arguments), process.returncode, output, errors)


def type_here(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in this process, for what is not about processes: to import PyTorch in another one takes seconds."""
    from workshop.commands import run_program

    module = importlib.import_module(program.removesuffix(".py"))
    called = module.program.main if hasattr(module, "program") else module.main
    typed = [program, *arguments]
    before, handlers = sys.argv, {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    code = 0
    with redirect_stdout(io.StringIO()) as output, redirect_stderr(io.StringIO()) as errors, chdir(ROOT):
        sys.argv = typed
        try:
            run_program(called, end=sys.exit)
        except SystemExit as end:
            code = end.code
        finally:
            sys.argv = before
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return subprocess.CompletedProcess(typed, code or 0, output.getvalue(), errors.getvalue())


# The project is imported where it is needed: what deals the tests out imports this file, too, and needs none of it


def train(arguments: list[str], follow: Callable[[dict[str, Any]], object] | None = None) -> Path:
    """A run of these flags in this process, from its beginning, and its directory."""
    import main

    config = main.program.read_config(arguments)
    result = main.program.train(config, time.perf_counter(), arguments, follow=follow)
    return Path(result["run"])


def go_on(run: Path, env: str | None = None) -> None:
    """Go on with a run that was stopped, in this process; in an environment of a module that is trusted by its name."""
    import main
    from workshop.program.run import recorded_config

    main.program.train(recorded_config(run, main.Config, env), time.perf_counter(), resume=run)


def progress(directory: Path) -> list[dict[str, str]]:
    """The rows of a run's `progress.csv`, as text."""
    with (directory / "progress.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_workshop(folder: Path, loss_body: str) -> Path:
    """Copy the programs to `folder`, with `loss_body` (Python, one statement a line) as the body of preference_loss.

    Whatever the participant has written in `main.py` so far is replaced, so these tests pass before and after.
    """
    for file in ROOT.glob("*.py"):
        shutil.copy(file, folder)
    shutil.copytree(ROOT / "workshop", folder / "workshop", ignore=shutil.ignore_patterns("__pycache__"))
    source = (ROOT / "main.py").read_text(encoding="utf-8")
    function = next(node for node in ast.parse(source).body if getattr(node, "name", "") == "preference_loss")
    docstring, *_ = function.body
    lines = source.splitlines()
    body = ["    " + line for line in loss_body.splitlines()]
    lines[docstring.end_lineno : function.end_lineno] = body
    (folder / "main.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def without_seconds(directory: Path) -> list[dict[str, str]]:
    """The rows of a run's `progress.csv` but for the times, which differ from run to run."""
    return [{name: cell for name, cell in row.items() if name != "seconds"} for row in progress(directory)]


@pytest.fixture(scope="module")
def without_plots() -> Iterator[None]:
    """Runs in this process draw nothing at their end, which takes half of a tiny run."""
    from workshop.reports import report

    with pytest.MonkeyPatch.context() as patch:
        for name in ("draw_learning_curve", "draw_learned_reward", "draw_returns", "draw_what_it_learned"):
            patch.setattr(report, name, lambda *_: None)
        yield


# Runs that many tests share; who changes one, changes a copy


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A finished run with a tiny budget, and its directory."""
    runs_dir = tmp_path_factory.mktemp("runs")
    finished = type_command("main.py", "--solution", *TINY, "--runs-dir", str(runs_dir))
    assert finished.returncode == 0, finished.stderr
    (directory,) = runs_dir.iterdir()
    return finished, directory


@pytest.fixture(scope="session")
def interrupted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after two iterations."""

    def stop(row) -> None:
        if row["iteration"] == 2:
            raise KeyboardInterrupt

    runs_dir = tmp_path_factory.mktemp("interrupted")
    with pytest.raises(KeyboardInterrupt):
        train([*SMALL, "--runs-dir", str(runs_dir)], stop)
    (run,) = runs_dir.iterdir()
    return run


@pytest.fixture
def interrupted(interrupted_once: Path, tmp_path: Path) -> Path:
    """A copy of it, to change and to go on with."""
    return Path(shutil.copytree(interrupted_once, tmp_path / "run"))


@pytest.fixture(scope="session")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A sweep as typed, in two processes, and its folder."""
    folder = tmp_path_factory.mktemp("sweep")
    done = type_command(
        *["sweep.py", "--fragment-length", "5", "8", "--seeds", "2", "--jobs", "2"],
        *["--runs-dir", str(folder / "runs"), "--plots-dir", str(folder / "plots"), *TINY_SWEEP_OF_LENGTHS],
    )
    assert done.returncode == 0, done.stderr
    return done, folder
