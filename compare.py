"""Compare runs: `python compare.py runs/…` draws them in one figure, and prints what came out as a table.

Runs that differ by nothing but their seed are one line, the mean of them.
"""

import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":  # while libraries are imported, which takes seconds, there is nothing to end in order
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import tyro

from workshop.many_runs.figure import X, draw_comparison, save
from workshop.many_runs.groups import group_runs
from workshop.many_runs.table import as_markdown, table, write_csv
from workshop.messages import UsageError, require_directory, require_name, say, shown
from workshop.program.program import read_flags, run_program
from workshop.records.finished import FinishedRun, UnusableRunError, find_runs, read_run


@dataclass(frozen=True)
class Options:
    """Draw runs in one figure and print a table of what came out of them.

    Runs that differ by nothing but their seed are one line: their mean, from 8 seeds on their interquartile mean (IQM),
    from 5 on with a 95 % bootstrap band. Writes a PNG, an SVG and, with the table, a CSV file.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]] = (Path("runs"),)
    """Run directories, or directories with such below them."""
    x: X = "env_steps"
    """What the true return is drawn against."""
    plots_dir: Path = Path("plots")
    """Where the figure and the table go."""
    name: str = "comparison"
    """What their files are called."""

    def __post_init__(self) -> None:
        require_name("--name", self.name)


def main() -> None:
    """Read the flags, and compare the runs that they name."""
    options = read_flags(Options, sys.argv[1:])
    require_directory("--plots-dir", options.plots_dir)
    paths = find_runs(options.runs)
    if not paths:
        named = shown(" ".join(map(str, options.runs)))
        raise UsageError(f"No finished run at or below {named}: name directories of runs, or some above them.")
    compare_runs(paths, options.x, options.plots_dir, options.name)


def compare_runs(paths: Iterable[Path], x: X, plots_dir: Path, name: str) -> None:
    """Draw the runs in these directories against `x`, print their table, and say where the figure is.

    Runs of several environments, whose returns cannot be compared, get a figure and a table for each. What cannot be
    used is named on standard error and left out; raises a UsageError if nothing is left.
    """
    runs = usable_runs(paths)
    environments = sorted({run.options["env"] for run in runs})
    plots_dir.mkdir(parents=True, exist_ok=True)
    for env in environments:
        groups, repeated = group_runs(run for run in runs if run.options["env"] == env)
        for run in repeated:
            say(f"Left out: {run.path}: there is a later run with the same options and the same seed.")
        output = plots_dir / (name if len(environments) == 1 else f"{name}-{env.replace('/', '-')}")
        rows = table(groups)
        print(as_markdown(rows), flush=True)
        write_csv(rows, output.with_name(f"{output.name}.csv"))
        save(draw_comparison(groups, x), output)
        say(f"Figure: {output}.png (and .svg; the table: .csv)")


def usable_runs(paths: Iterable[Path]) -> list[FinishedRun]:
    """The runs in these directories that can be used; says which are left out, and why."""
    runs = []
    left_out = 0
    for path in paths:
        try:
            runs.append(read_run(path))
        except UnusableRunError as problem:
            say(f"Left out: {path}: {problem}.")
            left_out += 1
    if not runs:
        raise UsageError(f"No finished run there ({left_out} left out): name directories of runs, or some above them.")
    if len({tuple(sorted(run.packages.items())) for run in runs}) > 1:
        say("Note: the runs were made with different versions of packages (see their config.json).")
    return runs


if __name__ == "__main__":
    run_program(main)
