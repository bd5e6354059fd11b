"""Find runs on disk and read them: what was asked for, what came out, and whether the run can be used at all."""

import csv
import glob
import math
import os
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from workshop.bounds import LONGEST_NAME
from workshop.environments import solved_at, without_module
from workshop.labellers import labellers_goal
from workshop.messages import UsageError, shown
from workshop.records.progress import PROGRESS, summarise
from workshop.records.untrusted import CONFIG, BrokenRecordError, find_file, read_bytes, read_config, read_file

MAIN, LLM = "main.py", "llm.py"  # whose defaults are known

# Columns that a row always has a number in, and those that may be empty
REQUIRED = ("iteration", "env_steps", "comparisons", "true_return_mean", "seconds")
OPTIONAL = (
    "reward_model_accuracy", "reward_correlation", "random_return_mean", "learned_return_mean", "skipped",
    "gradient_steps", "reward_hacking", "update", "held_out_answers",
)  # fmt: skip


@dataclass(frozen=True)
class FinishedRun:
    """A run that went on to its end.

    | field | what |
    | --- | --- |
    | path | its directory |
    | options | `config.json` without the packages |
    | packages | versions by name |
    | columns | those of `progress.csv` named in `REQUIRED` and `OPTIONAL`, each of shape (iterations + 1,), float64; \
NaN where a cell is empty |
    | solved_at | the true return at which its environment counts as solved, None if nobody says |
    | solved | whether the last true return reaches that |
    | comparisons_to_solve | at the first iteration from which that holds to the end; infinite for an unsolved run |
    """

    path: Path
    options: Mapping[str, Any]
    packages: Mapping[str, str]
    columns: Mapping[str, np.ndarray]
    solved_at: float | None
    solved: bool
    comparisons_to_solve: float

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.options["seed"])


def find_runs(paths: Iterable[Path]) -> list[Path]:
    """All run directories at or below these paths, sorted; a path may be a pattern, for shells that leave it as it is.

    Raises a UsageError for a path at which there is nothing.
    """
    found = set()
    for path in paths:
        there = os.path.exists(path)  # noqa: PTH110 (Path.exists raises for a name that is too long)
        starts = [path] if there else [Path(match) for match in glob.glob(str(path))]  # noqa: PTH207 (Path.glob: no absolute patterns)
        if not starts:
            raise UsageError(
                f"There is no {shown(path)}: name directories of runs, or directories with such below them."
            )
        for start in starts:
            for directory, below, files in os.walk(start):
                if CONFIG in files or PROGRESS in files:
                    found.add(Path(directory))
                    below.clear()  # the run's own files
    return sorted(found)


def read_run(path: Path) -> FinishedRun:
    """Read the run in this directory; a BrokenRecordError if something is missing in it, or wrong."""
    options, packages = _read_options(path)
    columns = _read_progress(find_file(path, PROGRESS))
    done, iterations = len(columns["iteration"]) - 1, options.get("iterations")
    if isinstance(iterations, int) and done < iterations:
        raise BrokenRecordError(f"{path} is not finished: {done} of {iterations} iterations.")
    updates = options.get("updates")  # of `llm.py`, which has several rows for each iteration
    if isinstance(updates, int) and "update" in columns and not columns["update"][-1] >= updates:
        raise BrokenRecordError(f"{path} is not finished: {columns['update'][-1]:g} of {updates} updates.")
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    threshold = _threshold(options)
    outcome = summarise(rows, threshold)
    to_solve = math.inf if outcome["comparisons_to_solve"] is None else outcome["comparisons_to_solve"]
    return FinishedRun(path, options, packages, columns, threshold, outcome["solved"], to_solve)


def program_of(run: Path) -> str:
    """The program of the command that began a run, as `command.txt` has it; of runs that do not tell, `main.py`."""
    try:
        command = read_file(run, "command.txt").decode(errors="replace")
    except BrokenRecordError:
        return MAIN
    found = re.match(r"python3? (\w{1,50}\.py)\b", command)
    return found[1] if found else MAIN


def _read_options(run: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The run's options and its packages."""
    path, config = run / CONFIG, read_config(run)
    for option, kind in (("seed", int), ("env", str)):
        if not isinstance(config.get(option), kind):
            raise BrokenRecordError(f"{path} names no {option}.")
    if not re.fullmatch(rf"[\w:./-]{{1,{LONGEST_NAME}}}", config["env"]):  # as Gymnasium's ids are
        raise BrokenRecordError(f"{path} names no env.")
    packages = config.pop("packages", {})
    if not isinstance(packages, dict) or not all(isinstance(version, str) for version in packages.values()):
        raise BrokenRecordError(f"{path} names no packages.")
    return config, packages


def _read_progress(path: Path) -> dict[str, np.ndarray]:
    try:
        header, *rows = csv.reader(read_bytes(path).decode().splitlines(), strict=True)
    except (ValueError, csv.Error) as problem:
        raise BrokenRecordError(f"{path} is not a table.") from problem
    if missing := [column for column in REQUIRED if column not in header]:
        raise BrokenRecordError(f"{path} has no column {missing[0]}.")
    if not rows or any(len(row) != len(header) for row in rows):
        raise BrokenRecordError(f"{path} is not whole.")
    columns = {}
    for name in (*REQUIRED, *(column for column in OPTIONAL if column in header)):
        place = header.index(name)
        columns[name] = np.array([_number(row[place], name, path) for row in rows])
        if name in REQUIRED and not np.isfinite(columns[name]).all():
            raise BrokenRecordError(f"{path} lacks a number in the column {name}.")
    if not np.array_equal(columns["iteration"], np.arange(len(rows))):
        raise BrokenRecordError(f"{path} lacks an iteration.")
    for name in ("env_steps", "comparisons", "seconds"):
        if columns[name][0] < 0 or (np.diff(columns[name]) < 0).any():
            raise BrokenRecordError(f"{path} goes backwards in the column {name}.")
    return columns


def _number(cell: str, column: str, path: Path) -> float:
    try:
        value = math.nan if cell == "" else float(cell)
    except ValueError as problem:
        raise BrokenRecordError(f"{path} has {cell[:20]!r} in the column {column}.") from problem
    return math.nan if abs(value) > 1e300 else value  # sums of such numbers would overflow


def _threshold(options: Mapping[str, Any]) -> float | None:
    """The return at which the run's environment counts as solved, None if nobody says or Gymnasium does not know it.

    Nor does it where somebody had a goal of their own, to which the true return says nothing.
    """
    if options.get("goal") or labellers_goal(options.get("labellers")):
        return None
    try:  # without the module, which Gymnasium would import: a run that is looked at has no code run
        spec = deepcopy(gymnasium.spec(without_module(options["env"])))
    except gymnasium.error.Error:
        return None
    if isinstance(options.get("fixed_horizon"), int):
        spec.max_episode_steps = options["fixed_horizon"]
    return solved_at(spec)
