"""What a run leaves behind, written as it happens: `runs/<env>__<name>__<seed>__<YYYYmmdd-HHMMSS>/`."""

import errno
import io
import json
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
from filelock import FileLock, Timeout

from workshop.bounds import require_directory
from workshop.data import Comparisons
from workshop.environments import needs_code_of_others, without_module
from workshop.flags import as_json
from workshop.labellers import group_columns
from workshop.messages import RunError, UsageError, say
from workshop.records.answers import (
    ANSWERS,
    WITHDRAWN,
    Line,
    QuestionRecord,
    cut_torn_lines,
    lines_on_record,
    withdrawn_on_record,
)
from workshop.records.checkpoint import Checkpoints, UnusableCheckpointError, versions
from workshop.records.comparisons_from import read_record
from workshop.records.learned_from import keep
from workshop.records.progress import COLUMNS, PROGRESS, Row, as_csv, cell, cells
from workshop.records.untrusted import CONFIG, GOAL, read_config, refuse_links_and_code
from workshop.safe_files import append_safely, write_safely
from workshop.state import State

LOCK = ".lock"
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)  # what some network and virtual file systems say of one


class RunDirectory:
    """One run's files: `RunDirectory.make` for a new one, `RunDirectory.reopen` for one that was interrupted.

    As long as it is open, no other process can use it; a process that died does not keep it.

    | attribute | what |
    | --- | --- |
    | path | the directory |
    | iteration | the one that the run is in |
    | rows | those of `progress.csv` so far |
    | recorded | in a run that goes on: the preferences on record, by the question's number; None for skipped |
    | lines | in a run that goes on: the last line on record about each question, by its number |
    | withdrawn | the numbers of the questions that were taken back before anybody had seen them |
    | checkpoints | what an interrupted run goes on from |
    | saved | in a run that goes on: what the last checkpoint holds, None if there is none |

    A program with other columns than `main.py`'s has a class of its own.
    """

    program = "main.py"
    columns: Sequence[str] = COLUMNS  # of progress.csv
    fixed: Mapping[str, Any] = {}  # options of which there is no choice
    parts: Sequence[str] = ("plots", "videos")  # directories in it
    along: tuple[str, str] = ("env_steps", "environment steps")  # a column that figures are drawn over, and its name
    untrained = "a random agent"  # what it begins with

    def __init__(self, path: Path, env: str):
        self.path, self._env = path, env
        self.iteration = 0
        self.rows: list[Row] = []
        self.checkpoints = Checkpoints(path)
        self.saved: tuple[State, list[dict[str, np.ndarray]]] | None = None
        self._comparisons = 0
        self.recorded: dict[int, float | None] = {}
        self.lines: dict[int, Line] = {}
        self.withdrawn: set[int] = set()
        self._lock = FileLock(path / LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RunError(f"{path} is in use: another process is running there.") from None
        except OSError as problem:
            if problem.errno not in NO_LOCKS:
                raise  # such a file system has none, and so the run goes without

    @classmethod
    def make(cls, options: Any, arguments: Sequence[str], learned_from: Comparisons | None = None) -> Self:
        """Make the directory of a new run, with `config.json`, `command.txt` and what it learns from of others in it.

        `options` is the dataclass of all options, `env`, `name`, `seed` and `runs_dir` among them or in dataclasses in
        it; `arguments` is the command line that they were read from. Two runs that start within a second get different
        times in their names.
        """
        flat = {**cls.fixed, **as_json(options)}
        runs_dir = Path(flat["runs_dir"])
        require_directory("--runs-dir", runs_dir)
        runs_dir.mkdir(parents=True, exist_ok=True)
        env = re.sub(r"[^\w.-]", "-", without_module(flat["env"]))  # what any system takes in the name of a file
        columns = [*cls.columns, *group_columns(flat)]
        path = _make_directory(runs_dir, f"{env}__{flat['name']}__{flat['seed']}")
        try:
            run = cls(path, flat["env"])
            run.columns = columns
            for part in cls.parts:
                (path / part).mkdir()
            packages = {"python": platform.python_version()} | versions()
            _write(path / "command.txt", f"{as_command(arguments, cls.program)}\n".encode())
            _write(path / PROGRESS, as_csv([columns]))
            if learned_from is not None:
                keep(path, learned_from)
            _write(path / CONFIG, f"{json.dumps({**flat, 'packages': packages}, indent=2)}\n".encode())
        except BaseException:  # the disk is full, say: half a directory is of no use
            shutil.rmtree(path, ignore_errors=True)
            raise
        return run

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Open the directory of an interrupted run, as it was before its first iteration: see `restore`.

        Raises a RunError if another process uses it, or what it holds cannot be read; nothing has changed then.
        """
        refuse_links_and_code(path)
        config = read_config(path)
        run = cls(path, str(config.get("env")))
        run.columns = [*cls.columns, *group_columns(config)]
        try:
            if (path / ANSWERS).exists():
                read_record(path)  # a look at the fragments, too
            run.lines = lines_on_record(path)
            run.withdrawn = withdrawn_on_record(path)
            run.recorded = {number: line.preference for number, line in run.lines.items() if not line.undone}
            run.saved = run.checkpoints.load() if run.checkpoints.exist else None
            if run.saved is None:
                _write(path / PROGRESS, as_csv([run.columns]))
            else:
                _require_answers(path, run.saved[0], {*run.lines, *run.withdrawn})
            cut_torn_lines(path)
            for part in cls.parts:  # empty directories are easily lost where a run is copied
                (path / part).mkdir(exist_ok=True)
        except UnusableCheckpointError as problem:
            run._lock.release()
            raise RunError(f"--resume {path}: the checkpoint {problem}.") from problem
        except BaseException:
            run._lock.release()
            raise
        return run

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exception: type[BaseException] | None, *_: object) -> None:
        self._lock.release()
        expected = exception is not None and issubclass(exception, KeyboardInterrupt | UsageError | RunError | OSError)
        if expected and self.path.exists():
            when = f"after {self.reached(self.rows[-1])}" if self.rows else "before the first iteration"
            trusted = ["--env", self._env] if needs_code_of_others(self._env) else []  # see refuse_import
            say(f"Stopped {when}. To go on: {as_command(['--resume', str(self.path), *trusted], self.program)}")

    def state(self) -> State:
        """What the run's files go on from."""
        return {"rows": self.rows, "comparisons": self._comparisons}

    def restore(self, state: State) -> None:
        """Go on from `state`: rows that were written after it are dropped, recorded answers are kept."""
        self.rows, self._comparisons = state["rows"], state["comparisons"]
        _write(self.path / PROGRESS, as_csv([self.columns, *(cells(row, self.columns) for row in self.rows)]))

    def append_row(self, row: Row) -> None:
        """Add a row to `progress.csv`: values by column name, NaN or "" where there is nothing to say."""
        self.rows.append(dict(row))
        append_safely(self.path / PROGRESS, as_csv([cells(row, self.columns)]))

    def record(self, labeller: str | Sequence[str], questions: Comparisons, **repeated: int | bool) -> QuestionRecord:
        """Write the fragments of n questions to one new `.npz` file, and return what their answers are recorded by.

        The file holds the arrays of the fragments, each of shape (n, L, …), with `_a` and `_b` after their names.
        `labeller` is who answers them all, or who answers each.
        `repeated`, if given, are columns of the answers' lines: `repeats` and `swapped`. In a run that goes on, they
        may have been asked before it was interrupted; a RunError is raised if they were not these.
        """
        first, self._comparisons = self._comparisons, self._comparisons + len(questions)
        file = self.path / _fragments_file(first)
        file.parent.mkdir(exist_ok=True)
        arrays = questions.arrays()
        del arrays["preferences"], arrays["labellers"]
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        numbers = range(first, self._comparisons)
        if not any(number in self.lines for number in numbers):
            _write(file, content.getvalue())
        elif not file.is_file() or file.read_bytes() != content.getvalue():
            raise RunError(f"{file} does not hold what was asked then, so the run cannot go on from its answers.")
        return self._question_record(labeller, numbers, self.iteration, repeated)

    def withdraw(self, number: int) -> None:
        """Note that a question was taken back that nobody has seen, so that a run that goes on asks nobody about it."""
        if number not in self.withdrawn:
            append_safely(self.path / WITHDRAWN, f"{number}\n".encode())
            self.withdrawn.add(number)
        (self.path / _fragments_file(number)).unlink(missing_ok=True)

    def record_again(self, labeller: str, number: int, iteration: int, repeated: Mapping[str, Any]) -> QuestionRecord:
        """What the answer to a question that was asked alone, before the run was interrupted, is recorded by."""
        line = self.lines.get(number)
        iteration = iteration if line is None else line.iteration
        return self._question_record(labeller, range(number, number + 1), iteration, repeated)

    def _question_record(
        self, labeller: str | Sequence[str], numbers: range, iteration: int, repeated: Mapping[str, Any]
    ) -> QuestionRecord:
        recorded = {number: self.recorded[number] for number in numbers if number in self.recorded}
        line = {"iteration": iteration, "labeller": labeller, "fragments": _fragments_file(numbers.start), **repeated}
        return QuestionRecord(self.path / ANSWERS, numbers, line, recorded)

    @property
    def asked(self) -> int:
        """How many questions were asked so far."""
        return self._comparisons

    @property
    def recorded_anything(self) -> bool:
        """Whether there are answers on record, skipped ones among them."""
        return (self.path / ANSWERS).exists()

    def reached(self, row: Row) -> str:
        """What the run was at when it had this row of `progress.csv`."""
        return f"iteration {row['iteration']}"

    def write_goal(self, goal: str) -> None:
        """Write `goal.txt`: what a person judges by who has not said it in a flag; see `read_config`."""
        _write(self.path / GOAL, f"{goal}\n".encode())

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write `result.json`: what came of the run, as it is printed in the end."""
        _write(self.path / "result.json", f"{json.dumps(result)}\n".encode())

    def write_choice_models(self, explained: Mapping[str, tuple[float, float]], answers: int) -> None:
        """Write `choice_models.csv`: how well each explains so many held-out answers, by `choice_models.explain`."""
        header = ["choice_model", "held_out_loss", "temperature", "answers"]
        rows = [[name, cell(loss), cell(temperature), str(answers)] for name, (loss, temperature) in explained.items()]
        _write(self.path / "choice_models.csv", as_csv([header, *rows]))


def as_command(arguments: Sequence[str], program: str = "main.py") -> str:
    """What to type for a run of a program with these arguments."""
    command = ["python", program, *arguments]
    return subprocess.list2cmdline(command) if sys.platform == "win32" else shlex.join(command)


def _make_directory(runs_dir: Path, prefix: str) -> Path:
    while True:
        path = runs_dir / f"{prefix}__{datetime.now():%Y%m%d-%H%M%S}"
        try:
            path.mkdir()
            return path
        except FileExistsError:  # another run of this name began in this second: take the next one
            time.sleep(0.1)


def _write(path: Path, content: bytes) -> None:
    write_safely(path, lambda stream: stream.write(content))


def _fragments_file(first: int) -> str:
    return f"fragments/{first:06d}.npz"


def _require_answers(run: Path, state: State, known: Collection[int]) -> None:
    """Raise a RunError if a question from before a checkpoint is not among `known`: nobody would be asked it again.

    It was on the disk before the checkpoint was. One that was asked ahead may have none yet.
    """
    try:
        ahead = {number for number, *_ in state["oracle"].get("queue", ())}
        asked = range(state["run"]["comparisons"])
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise UnusableCheckpointError("is damaged: it does not hold what a run saves") from problem
    missing = next((number for number in asked if number not in known and number not in ahead), None)
    if missing is not None:
        raise RunError(f"{run / ANSWERS} is damaged: it lacks the answer to question {missing}.")
