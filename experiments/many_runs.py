"""What experiments and benchmarks share: flags, runs of `main.py` on several seeds, and tables of what came of them."""

import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from scipy import stats

from main import program
from workshop.many_runs import Sweep, quantiles
from workshop.messages import RunError
from workshop.program import read_flags
from workshop.records import FinishedRun, read_run

ROOT = Path(__file__).resolve().parents[1]
Options = TypeVar("Options")


@dataclass(frozen=True)
class Seeds:
    """The seeds."""

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
