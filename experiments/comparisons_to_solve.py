"""How many comparisons, environment steps and seconds solve the pole: `python experiments/comparisons_to_solve.py`.

Runs `main.py` as a user types it, with the workshop's loss, once for each seed: with the default settings and twice as
many comparisons as it has, the preset for few comparisons, and the true reward, a row each. Flags after `--` go to
`main.py` instead, for a single row. The seeds are others than those on which settings were chosen.

A run counts from the first iteration from which it stays solved to its end; one that ends unsolved counts as infinite.
The oracle answers by Bradley and Terry's model of the fragments' true returns. Seconds are those since the command was
typed, imports included; intervals are the exact ones of a median (95 %), by the order of the runs.
"""

import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from many_runs import ROOT, Seeds, as_code, median, never, print_table, read_command_line, share, with_loss

from workshop.many_runs import quantiles
from workshop.program import run_program
from workshop.records import FinishedRun, read_run

ORACLE = "--oracle-unit raw --oracle-temperature 1"  # Bradley and Terry's, of the returns as they are
ROWS = ("", "--comparisons 60", "--preset few-comparisons", "--reward true")
COLUMNS = (
    "flags | solved at the end | comparisons to solve: median (95 % interval) | 95th percentile | asked "
    "| env steps to solve: median (95 % interval) | seconds to solve: median (95 % interval) "
    "| seconds of the whole run: median (most)"
)


@dataclass(frozen=True)
class Options(Seeds):
    """Count the comparisons that solve the pole, over many seeds."""


def main() -> None:
    options, passed_on = read_command_line(Options, lambda _: {"first_seed": 100, "seeds": 50, "jobs": 1})
    print(f"seeds {options.numbers[0]}–{options.numbers[-1]}\n")
    with tempfile.TemporaryDirectory() as runs_dir, ThreadPoolExecutor(options.jobs) as pool:

        def row(flags: str) -> list[str]:
            typed = f"{ORACLE} {flags} --runs-dir {runs_dir}"
            results = pool.map(lambda seed: timed_run(f"{typed} --seed {seed}"), options.numbers)
            runs, steps, seconds, whole = zip(*results, strict=True)
            to_solve = [run.comparisons_to_solve for run in runs]
            asked = max(run.columns["comparisons"][-1] for run in runs)
            solved, percentile = share([run.solved for run in runs]), never(quantiles(to_solve, [0.95])[0])
            most = f"{np.median(whole):.1f} ({max(whole):.1f})"
            medians = median(steps), median(seconds, ".1f")
            return [as_code(flags), solved, median(to_solve), percentile, f"{asked:g}", *medians, most]

        print_table(COLUMNS, map(row, [passed_on] if passed_on else ROWS))


def timed_run(flags: str) -> tuple[FinishedRun, float, float, float]:
    """Run `main.py` with these flags.

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


if __name__ == "__main__":
    run_program(main, end=sys.exit)
