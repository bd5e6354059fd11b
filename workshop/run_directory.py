"""What a run leaves behind, written as it happens: `runs/<env>__<name>__<seed>__<YYYYmmdd-HHMMSS>/`."""

import csv
import errno
import io
import json
import math
import os
import platform
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
from filelock import FileLock, Timeout

from workshop.checkpoint import Checkpoints, State, write_safely
from workshop.messages import RunError, require_directory
from workshop.outcome import Row

PROGRESS = "progress.csv"
ANSWERS = "comparisons.jsonl"
LOCK = ".lock"
PACKAGES = ("gymnasium", "numpy", "stable-baselines3", "torch")

COLUMNS = (
    "iteration",
    "env_steps",
    "comparisons",
    "true_return_mean",
    "true_return_std",
    "learned_return_mean",
    "reward_model_loss",
    "reward_model_accuracy",
    "reward_correlation",
    "seconds",
    "skipped",
    "stopped_asking",
    "gradient_steps",
    "weight_decay",
    "reward_hacking",
    "random_return_mean",
)


class RunDirectory:
    """One run's files: `RunDirectory.make` for a new one, `RunDirectory.reopen` for one that was interrupted.

    As long as it is open, no other process can use it; a process that died does not keep it.

    | attribute | what |
    | --- | --- |
    | path | the directory |
    | rows | those of `progress.csv` so far |
    | recorded | in a run that goes on: the preferences on record, by the question's number; None for skipped |
    | checkpoints | what an interrupted run goes on from |
    """

    def __init__(self, path: Path):
        self.path = path
        self.rows: list[Row] = []
        self.checkpoints = Checkpoints(path)
        self._comparisons = 0
        self.recorded: dict[int, float | None] = {}
        self._lock = FileLock(path / LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RunError(f"{path} is in use: another process is running there.") from None

    @classmethod
    def make(cls, options: Any, arguments: Sequence[str]) -> "RunDirectory":
        """Make the directory of a new run, with `config.json` and `command.txt` in it.

        `options` is the dataclass of all options, `env`, `name`, `seed` and `runs_dir` among them or in dataclasses in
        it; `arguments` is the command line that they were read from. Two runs that start within a second get different
        times in their names.
        """
        flat = flatten(options)
        runs_dir = Path(flat["runs_dir"])
        require_directory("--runs-dir", runs_dir)
        runs_dir.mkdir(parents=True, exist_ok=True)
        run = cls(_make_directory(runs_dir, f"{flat['env'].replace('/', '-')}__{flat['name']}__{flat['seed']}"))
        for part in ("plots", "videos"):
            (run.path / part).mkdir()
        packages = {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}
        _write_text(run.path / "command.txt", as_command(arguments) + "\n")
        _write_text(run.path / "config.json", json.dumps({**flat, "packages": packages}, indent=2) + "\n")
        run._write_rows([COLUMNS])
        return run

    @classmethod
    def reopen(cls, path: Path) -> "RunDirectory":
        """Open the directory of an interrupted run, as it was before its first iteration: see `restore`.

        Raises a RunError if another process uses it, or what it holds cannot be read.
        """
        run = cls(path)
        run.recorded = _recorded_answers(path / ANSWERS)
        run._write_rows([COLUMNS])
        return run

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def state(self) -> State:
        """What the run's files go on from."""
        return {"rows": self.rows, "comparisons": self._comparisons}

    def restore(self, state: State) -> None:
        """Go on from `state`: rows that were written after it are dropped, recorded answers are kept."""
        self.rows, self._comparisons = state["rows"], state["comparisons"]
        self._write_rows([COLUMNS, *(_cells(row) for row in self.rows)])

    def append_row(self, row: Row) -> None:
        """Add a row to `progress.csv`: values by column name, NaN or "" where there is nothing to say."""
        self.rows.append(dict(row))
        with (self.path / PROGRESS).open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(_cells(row))

    def record(
        self,
        iteration: int,
        labeller: str,
        fragments_a: Mapping[str, np.ndarray],
        fragments_b: Mapping[str, np.ndarray],
        **repeated: int | bool,
    ) -> "QuestionRecord":
        """Write the fragments of n questions to one new `.npz` file, and return what their answers are recorded by.

        The file holds the arrays of `fragments_a` and `fragments_b`, each of shape (n, L, …), with `_a` and `_b` after
        their names. `repeated`, if given, are columns of the answers' lines: `repeats` and `swapped`. In a run that
        goes on, they may have been asked before it was interrupted; a RunError is raised if they were not these.
        """
        first, self._comparisons = self._comparisons, self._comparisons + len(next(iter(fragments_a.values())))
        directory = self.path / "fragments"
        directory.mkdir(exist_ok=True)
        arrays = {f"{name}_a": array for name, array in fragments_a.items()}
        arrays |= {f"{name}_b": array for name, array in fragments_b.items()}
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        file = directory / f"{first:06d}.npz"
        numbers = range(first, self._comparisons)
        recorded = {number: self.recorded[number] for number in numbers if number in self.recorded}
        if not recorded:
            write_safely(file, lambda stream: stream.write(content.getvalue()))
        elif not file.is_file() or file.read_bytes() != content.getvalue():
            raise RunError(f"{file} does not hold what was asked then, so the run cannot go on from its answers.")
        line = {"iteration": iteration, "labeller": labeller, "fragments": f"fragments/{file.name}"} | repeated
        return QuestionRecord(self.path / ANSWERS, numbers, line, recorded)

    def write_choice_models(self, explained: Mapping[str, tuple[float, float]], answers: int) -> None:
        """Write `choice_models.csv`: how well each explains so many held-out answers, by `choice_models.explain`."""
        with (self.path / "choice_models.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["choice_model", "held_out_loss", "temperature", "answers"])
            for name, (loss, temperature) in explained.items():
                writer.writerow([name, _cell(loss), _cell(temperature), answers])

    def _write_rows(self, rows: Sequence[Sequence[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        write_safely(self.path / PROGRESS, lambda stream: stream.write(text.getvalue().encode()))


class QuestionRecord:
    """Records the answers to questions that were asked together, in `comparisons.jsonl`, a line each.

    | attribute | what |
    | --- | --- |
    | iteration | in which they were asked |
    | numbers | the questions' numbers in the run, in the order of the rows of their arrays |
    | recorded | the preferences, by number, that were recorded before the run was interrupted |
    """

    def __init__(self, path: Path, numbers: range, line: Mapping[str, Any], recorded: dict[int, float | None]):
        self.numbers, self.recorded = numbers, recorded
        self.iteration: int = line["iteration"]
        self._path, self._line = path, line

    def answers(self, preferences: np.ndarray) -> None:
        """Record the answers to all of them, shape (n,), with NaN for a skipped one; those on record are left."""
        self._append(
            [
                self._answer(number, None if math.isnan(preference) else float(preference))
                for number, preference in zip(self.numbers, preferences, strict=True)
                if number not in self.recorded
            ]
        )

    def answer(self, number: int, preference: float | None, seconds: float, undone: bool) -> None:
        """Record the answer to one of them, None for skipped, or that it was taken back. It is then on the disk."""
        answer = self._answer(number, None if undone else preference) | {"seconds": round(seconds, 3)}
        self._append([answer | {"undone": True} if undone else answer])

    def _answer(self, number: int, preference: float | None) -> dict[str, Any]:
        return {
            "comparison": number,
            "iteration": self.iteration,
            "preference": preference,
            "labeller": self._line["labeller"],
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **self._line,
            "row": number - self.numbers.start,
        }

    def _append(self, lines: Sequence[Mapping[str, Any]]) -> None:
        if lines:
            with self._path.open("ab", buffering=0) as file:
                before = file.tell()
                try:
                    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
                    if file.write(content) < len(content):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
                    os.fsync(file.fileno())
                except OSError:  # the disk is full, say: half a line must not be in the way of what comes next
                    file.truncate(before)
                    raise


def flatten(options: Any) -> dict[str, Any]:
    """A dataclass of options as a dict by flag name, those of nested dataclasses beside its own; paths as text."""
    flat: dict[str, Any] = {}
    for field in fields(options):
        value = getattr(options, field.name)
        if is_dataclass(value):
            flat |= flatten(value)
        else:
            flat[field.name] = _plain(value)
    return flat


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    return value.as_posix() if isinstance(value, Path) else value


def as_command(arguments: Sequence[str]) -> str:
    """What to type for a run with these arguments."""
    return shlex.join(["python", "main.py", *arguments])


def _make_directory(runs_dir: Path, prefix: str) -> Path:
    while True:
        path = runs_dir / f"{prefix}__{datetime.now():%Y%m%d-%H%M%S}"
        try:
            path.mkdir()
            return path
        except FileExistsError:  # another run of this name began in this second: take the next one
            time.sleep(0.1)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _cells(row: Row) -> list[str]:
    return [_cell(row[column]) for column in COLUMNS]


def _recorded_answers(path: Path) -> dict[int, float | None]:
    """The preferences on record, by the question's number; what a kill cut off, after the last line's end, is dropped.

    Raises a RunError for a line that cannot be read.
    """
    if not path.exists():
        return {}
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        os.truncate(path, end)
    answers: dict[int, float | None] = {}
    for number, line in enumerate(content[:end].splitlines(), start=1):
        try:
            answer = json.loads(line)
            answers.pop(answer["comparison"], None)
            if not answer.get("undone"):
                answers[answer["comparison"]] = answer["preference"]
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            raise RunError(f"{path}, line {number}: this is no answer, so the run cannot go on.") from problem
    return answers


def _cell(value: float | str) -> str:
    """Text and whole numbers in full, other numbers to six significant digits, NaN as an empty cell."""
    if isinstance(value, str | int | np.integer):
        return str(value)
    return "" if math.isnan(value) else f"{value:.6g}"
