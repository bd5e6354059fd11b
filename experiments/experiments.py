"""What becomes of the experiments that are single flags: `python experiments/experiments.py`.

Runs `main.py` on the pole with the flags of each experiment in turn, on the same seeds, and prints a row for each. The
seeds are others than those that the default settings were chosen on. Where a number goes up and down, or there are
several to choose from, see `experiments/studies.py`. The runs are kept in `--runs-dir`, so that what was interrupted
goes on where it was.
"""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from comparisons_to_solve import ROOT
from many_runs import many_runs

sys.path.insert(0, str(ROOT))

from workshop.commands import read_flags
from workshop.many_runs import quantiles
from workshop.records import FinishedRun

EXPERIMENTS = (
    "",
    "--iterations 5",
    "--loss-temperature 10",
    "--oracle-temperature 1",
    "--oracle-mistakes 0.2",
    "--oracle-skip 0",
    "--oracle-equal 0.5",
    "--oracle-discount 0.8",
    "--diversity k-centre",
    "--stop-asking settled",
    "--schedule constant",
    "--schedule hyperbolic",
    "--entropy-bonus 0.3",
    "--no-pretrain",
    "--ensemble-size 1",
    "--weight-decay 0",
    "--weight-decay 0 --dropout 0.2",
    "--adaptive-weight-decay",
    "--reward-network additive",
    "--comparisons 4 --schedule constant",
)


@dataclass(frozen=True)
class Options:
    """Run each experiment on several seeds."""

    first_seed: int = 20
    """The first seed."""
    seeds: int = 10
    """How many seeds, one after another."""
    jobs: int = 2
    """Runs at once."""
    runs_dir: Path = Path("runs/experiments/flags")
    """Where the runs are kept, and looked for."""


def main() -> None:
    options = read_flags(Options, sys.argv[1:])
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    columns = (
        "flags",
        "solved",
        "comparisons to solve",
        "answers",
        "skipped",
        "gradient steps",
        "held-out accuracy",
        "reward hacking",
    )
    print(f"seeds {seeds[0]}–{seeds[-1]}\n\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for experiment in EXPERIMENTS:
        runs = many_runs(experiment.split(), seeds, options.jobs, options.runs_dir)
        print(describe(experiment, runs), flush=True)


def describe(experiment: str, runs: list[FinishedRun]) -> str:
    """A row of the table; means over the seeds, but for the comparisons: median (quartiles)."""
    last, alarms = [], 0
    for run in runs:
        with (run.path / "progress.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        last.append(rows[-1])
        alarms += any(row["reward_hacking"] == "1" for row in rows)

    def mean(column: str) -> float:
        return float(np.mean([float(row[column]) for row in last if row[column]]))  # empty: nothing was held out

    to_solve = quantiles([run.comparisons_to_solve for run in runs])
    first, median, third = (f"{number:g}" if np.isfinite(number) else "never" for number in to_solve)
    return (
        f"| {f'`{experiment}`' if experiment else 'none'} | {sum(run.solved for run in runs)} of {len(runs)} "
        f"| {median} ({first} to {third}) | {mean('comparisons'):.0f} | {mean('skipped'):.0f} "
        f"| {mean('gradient_steps'):.0f} | {mean('reward_model_accuracy'):.2f} | {alarms} of {len(runs)} |"
    )


if __name__ == "__main__":
    main()
