"""What a run leaves behind, written as it happens: `runs/<env>__<name>__<seed>__<YYYYmmdd-HHMMSS>/`."""

import csv
import json
import math
import platform
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

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

Row = Mapping[str, float | str]


class RunDirectory:
    """One run's files. Making one makes the directory, with `config.json` and `command.txt` in it.

    `options` is the dataclass of all options, which may hold others, and `arguments` the command line that they were
    read from. Two runs that start within a second get different times in their names.
    """

    def __init__(self, runs_dir: Path, env_id: str, name: str, seed: int, options: Any, arguments: Sequence[str]):
        runs_dir.mkdir(parents=True, exist_ok=True)
        self.path = _make_directory(runs_dir, f"{env_id.replace('/', '-')}__{name}__{seed}")
        for part in ("plots", "videos"):
            (self.path / part).mkdir()
        packages = {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}
        _write_text(self.path / "config.json", json.dumps({**flatten(options), "packages": packages}, indent=2) + "\n")
        _write_text(self.path / "command.txt", as_command(arguments) + "\n")
        self._write_row(COLUMNS, mode="x")
        self.rows: list[Row] = []
        self._comparisons = 0

    def append_row(self, row: Row) -> None:
        """Add a row to `progress.csv`: values by column name, NaN or "" where there is nothing to say."""
        self.rows.append(dict(row))
        self._write_row([_cell(row[column]) for column in COLUMNS], mode="a")

    def append_comparisons(
        self,
        iteration: int,
        labeller: str,
        preferences: np.ndarray,
        fragments_a: Mapping[str, np.ndarray],
        fragments_b: Mapping[str, np.ndarray],
    ) -> None:
        """Add n answers to `comparisons.jsonl`, a line each, and their fragments to one new `.npz` file.

        The file holds the arrays of `fragments_a` and `fragments_b`, each of shape (n, L, …), with `_a` and `_b` after
        their names. A line names the file and the row in it; the preference is null if the pair was skipped. The
        fragments are written first, so that a line never points to something that is not there.
        """
        directory = self.path / "fragments"
        directory.mkdir(exist_ok=True)
        file = directory / f"{self._comparisons:06d}.npz"
        arrays = {f"{name}_a": array for name, array in fragments_a.items()}
        arrays |= {f"{name}_b": array for name, array in fragments_b.items()}
        np.savez(file, allow_pickle=False, **arrays)
        with (self.path / "comparisons.jsonl").open("a", encoding="utf-8", newline="\n") as lines:
            for row, preference in enumerate(preferences):
                line = {
                    "comparison": self._comparisons + row,
                    "iteration": iteration,
                    "preference": None if math.isnan(preference) else float(preference),
                    "labeller": labeller,
                    "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    "fragments": f"fragments/{file.name}",
                    "row": row,
                }
                lines.write(json.dumps(line) + "\n")
        self._comparisons += len(preferences)

    def write_choice_models(self, explained: Mapping[str, tuple[float, float]], answers: int) -> None:
        """Write `choice_models.csv`: how well each explains so many held-out answers, by `choice_models.explain`."""
        with (self.path / "choice_models.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["choice_model", "held_out_loss", "temperature", "answers"])
            for name, (loss, temperature) in explained.items():
                writer.writerow([name, _cell(loss), _cell(temperature), answers])

    def _write_row(self, cells: Any, mode: str) -> None:
        with (self.path / "progress.csv").open(mode, encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(cells)


def flatten(options: Any) -> dict[str, Any]:
    """A dataclass of options as a dict by flag name, those of nested dataclasses beside its own; paths as text."""
    flat: dict[str, Any] = {}
    for field in fields(options):
        value = getattr(options, field.name)
        if is_dataclass(value):
            flat |= flatten(value)
        else:
            flat[field.name] = value.as_posix() if isinstance(value, Path) else value
    return flat


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


def _cell(value: float | str) -> str:
    """Text and whole numbers in full, other numbers to six significant digits, NaN as an empty cell."""
    if isinstance(value, str | int | np.integer):
        return str(value)
    return "" if math.isnan(value) else f"{value:.6g}"
