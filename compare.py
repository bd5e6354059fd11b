"""Compare runs: `python compare.py runs/…` draws them in one figure, and prints what came out as a table.

Runs that differ by nothing but their seed are one line, the mean of them.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from workshop import processes

if __name__ == "__main__":
    processes.begin()

from workshop.bounds import file_name, require_bounds, require_directory
from workshop.commands import read_flags, run_program
from workshop.flags import POSITIONAL
from workshop.many_runs import X, compare_runs
from workshop.messages import UsageError, shown
from workshop.records import find_runs


@dataclass(frozen=True)
class Options:
    """Draw runs in one figure and print a table of what came out of them.

    Runs that differ by nothing but their seed are one line: their mean, from 8 seeds on their interquartile mean (IQM),
    from 5 on with a 95 % bootstrap band. Writes a PNG, an SVG and, with the table, a CSV file.
    """

    runs: Annotated[tuple[Path, ...], POSITIONAL] = (Path("runs"),)
    """Run directories, or directories with such below them."""
    x: X = "env_steps"
    """What the true return is drawn against."""
    plots_dir: Path = Path("plots")
    """Where the figure and the table go."""
    name: Annotated[str, file_name] = "comparison"
    """What their files are called."""

    def __post_init__(self) -> None:
        require_bounds(self)


def main() -> None:
    """Read the flags, and compare the runs that they name."""
    options = read_flags(Options, sys.argv[1:])
    require_directory("--plots-dir", options.plots_dir)
    paths = find_runs(options.runs)
    if not paths:
        named = shown(" ".join(map(str, options.runs)))
        raise UsageError(f"No finished run at or below {named}: name directories of runs, or some above them.")
    compare_runs(paths, options.x, options.plots_dir, options.name)


if __name__ == "__main__":
    run_program(main)
