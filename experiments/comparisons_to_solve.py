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
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import tyro
from scipy import stats

from workshop.many_runs import quantiles
from workshop.records import read_run

ROOT = Path(__file__).resolve().parents[1]
ORACLE = ["--oracle-unit", "raw", "--oracle-temperature", "1"]  # Bradley and Terry's, of the returns as they are
ROWS = ("", "--comparisons 60", "--preset few-comparisons", "--reward true")


@dataclass(frozen=True)
class Options:
    """Count the comparisons that solve the pole, over many seeds."""

    first_seed: int = 100
    """The first seed."""
    seeds: int = 50
    """How many seeds, one after another."""
    jobs: int = 1
    """Runs at once. The seconds mean something with one only."""


def main() -> None:
    arguments, passed_on = split_arguments()
    options = tyro.cli(Options, args=arguments)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    print(
        f"seeds {seeds[0]}–{seeds[-1]}\n\n"
        "| flags | solved at the end | comparisons to solve: median (95 % interval) | 95th percentile | asked "
        "| env steps to solve: median (95 % interval) | seconds to solve: median (95 % interval) "
        "| seconds of the whole run: median (most) |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    with tempfile.TemporaryDirectory() as runs_dir, ThreadPoolExecutor(options.jobs) as pool:
        for flags in [passed_on] if passed_on else [row.split() for row in ROWS]:
            typed = [*ORACLE, *flags, "--runs-dir", runs_dir]
            results = list(pool.map(lambda seed, typed=typed: run(seed, typed), seeds))
            print(describe(" ".join(flags), results), flush=True)


def split_arguments() -> tuple[list[str], list[str]]:
    """What was typed for the benchmark itself and, after `--`, for `main.py`."""
    typed = [*sys.argv[1:], "--"]
    end = typed.index("--")
    return typed[:end], typed[end + 1 : -1]


def describe(flags: str, results: Sequence[dict[str, Any]]) -> str:
    """A row of the table."""
    comparisons, steps, seconds = (
        [result[name] for result in results] for name in ("comparisons_to_solve", "steps_to_solve", "seconds_to_solve")
    )
    whole = [result["wall"] for result in results]
    return (
        f"| {f'`{flags}`' if flags else 'none'} | {sum(r['solved'] for r in results)} of {len(results)} "
        f"| {median(comparisons)} | {quantiles(comparisons, [0.95])[0]:g} | {max(r['comparisons'] for r in results)} "
        f"| {median(steps)} | {median(seconds, '.1f')} | {np.median(whole):.1f} ({max(whole):.1f}) |"
    )


def median(values: Sequence[float], digits: str = "g") -> str:
    """The median and its interval, each of them one of the values; infinity is never. A few runs have no interval."""
    middle = quantiles(values, [0.5])[0]
    interval = stats.quantile_test(values, q=middle, p=0.5).confidence_interval(0.95)
    shown = [f"{x:{digits}}" if np.isfinite(x) else "never" for x in (middle, interval.low, interval.high)]
    return shown[0] if np.isnan(interval.low) else f"{shown[0]} ({shown[1]} to {shown[2]})"


def run(seed: int, flags: list[str]) -> dict[str, Any]:
    """Run `main.py` with these flags, and return its result, with infinity for never.

    Also the seconds of the whole process, `wall`, and how many steps, and seconds since its start, it took to solve.
    """
    loss = [] if "--loss" in flags else ["--solution"]
    command = [sys.executable, str(ROOT / "main.py"), *loss, "--seed", str(seed), *flags]
    started = time.perf_counter()
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - started
    result: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    result |= {"wall": wall, "comparisons_to_solve": np.inf, "steps_to_solve": np.inf, "seconds_to_solve": np.inf}
    if result["solved"]:
        there = read_run(Path(result["run"]))
        unsolved = np.flatnonzero(there.columns["true_return_mean"] < there.solved_at)
        first = unsolved[-1] + 1 if len(unsolved) else 0
        before = wall - result["seconds"]  # imports, for the most part
        result |= {
            "comparisons_to_solve": there.columns["comparisons"][first],
            "steps_to_solve": there.columns["env_steps"][first],
            "seconds_to_solve": before + there.columns["seconds"][first],
        }
    print(
        f"seed {seed}: return {result['true_return_mean']}, comparisons to solve {result['comparisons_to_solve']:g}, "
        f"{wall:.1f} s",
        file=sys.stderr,
    )
    return result


if __name__ == "__main__":
    main()
