"""What experiments and benchmarks share: flags, runs of `main.py` on several seeds, and tables of what came of them."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from scipy import stats

from main import program
from workshop.commands import read_flags
from workshop.many_runs import Sweep, quantiles
from workshop.messages import RunError
from workshop.records import FinishedRun, read_run

ROOT = Path(__file__).resolve().parents[1]
Options = TypeVar("Options")


@dataclass(frozen=True)
class Seeds:
    """An experiment on several seeds."""

    first_seed: int = 20
    """The first seed."""
    seeds: int = 10
    """How many seeds, one after another."""
    jobs: int = 2
    """Runs at once. Seconds mean something with one only."""

    @property
    def numbers(self) -> range:
        return range(self.first_seed, self.first_seed + self.seeds)


@dataclass(frozen=True)
class KeptRuns(Seeds):
    """The runs. They are kept, so that an experiment that was interrupted goes on where it was."""

    runs_dir: Path = Path("runs/experiments")
    """Where the runs are kept, and looked for."""

    def runs(self, experiment: str, flags: str) -> list[FinishedRun]:
        """A run for each seed, by `python main.py` with these flags and the workshop's loss, in the order of the seeds.

        Those that are there already, in the experiment's directory, are not done again. A RunError if one fails.
        """
        sweep = Sweep(program, self.numbers, "rlhf", self.runs_dir / experiment, ("processes", self.jobs, None))
        typed = ["--no-pictures", *with_loss(flags)]
        paths, failed = sweep.run_all([sweep.command_line(typed, seed) for seed in self.numbers])
        if failed:
            raise RunError("\n".join(f"main.py {line}\n  {problem}" for line, problem in failed.items()))
        return sorted(map(read_run, paths), key=lambda run: run.seed)


def read_command_line(
    kind: type[Options], defaults: Callable[[Callable[[str], str | None]], Mapping[str, Any]] | None = None
) -> tuple[Options, str]:
    """An experiment's own flags, and those for `main.py`, which are typed after `--`."""
    typed = [*sys.argv[1:], "--"]
    end = typed.index("--")
    return read_flags(kind, typed[:end], defaults), shlex.join(typed[end + 1 : -1])


def timed_run(flags: str) -> tuple[FinishedRun, float, float, float]:
    """Run `main.py` with these flags and the workshop's loss, as a user types it.

    Returns the run, the environment steps and the seconds since the command was typed that it took to solve, infinite
    for never, and the seconds of the whole process.
    """
    started = time.perf_counter()
    command = [sys.executable, "main.py", *with_loss(flags)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    whole = time.perf_counter() - started
    result = json.loads(finished.stdout.splitlines()[-1])
    run = read_run(Path(result["run"]))
    needed = f"comparisons to solve {run.comparisons_to_solve:g}, {whole:.1f} s"
    print(f"seed {run.seed}: return {result['true_return_mean']}, {needed}", file=sys.stderr)
    if not run.solved:
        return run, np.inf, np.inf, whole
    first = 1 + max(np.flatnonzero(run.columns["true_return_mean"] < run.solved_at), default=-1)
    imports = whole - result["seconds"]  # for the most part
    return run, run.columns["env_steps"][first], imports + run.columns["seconds"][first], whole


def with_loss(flags: str) -> list[str]:
    """The flags as arguments, with the workshop's loss unless they name another."""
    typed = shlex.split(flags)
    return typed if "--loss" in typed else ["--solution", *typed]


def print_table(columns: str, rows: Iterable[Sequence[object]]) -> None:
    """Print a table in Markdown, each row as soon as it is there; the columns come with the lines between them."""
    print(f"| {columns} |\n|{' --- |' * len(columns.split(' | '))}", flush=True)
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def as_code(flags: str) -> str:
    return f"`{flags}`" if flags else "none"


def share(which: Sequence[object]) -> str:
    """Of how many runs this is true."""
    return f"{sum(map(bool, which))} of {len(which)}"


def never(number: float, digits: str = "g") -> str:
    """What a run needed to solve: infinity is never."""
    return f"{number:{digits}}" if np.isfinite(number) else "never"


def median(values: Sequence[float], digits: str = "g") -> str:
    """The median and its exact interval (95 %), each of them one of the values. A few runs have no interval."""
    middle = quantiles(values, [0.5])[0]
    interval = stats.quantile_test(values, q=middle, p=0.5).confidence_interval(0.95)
    whole = f" ({never(interval.low, digits)} to {never(interval.high, digits)})"
    return never(middle, digits) + ("" if np.isnan(interval.low) else whole)
