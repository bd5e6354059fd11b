"""How many comparisons solve the pole: `python benchmarks/comparisons_to_solve.py`.

Runs `main.py` as a user types it, with the workshop's loss, once for each seed, and reads the line of JSON that each
ends with. A run counts from the first iteration from which it stays solved to its end; one that ends unsolved counts as
infinite. The oracle answers by Bradley and Terry's model of the fragments' true returns. The seconds are those of the
whole process, imports and plots included. Flags after `--` go to `main.py`.
"""

import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

ROOT = Path(__file__).resolve().parents[1]
ORACLE = ["--oracle-unit", "raw", "--oracle-temperature", "1"]  # Bradley and Terry's, of the returns as they are


@dataclass(frozen=True)
class Options:
    """Count the comparisons that solve the pole, over many seeds."""

    first_seed: int = 0
    """The first seed."""
    seeds: int = 20
    """How many seeds, one after another."""
    jobs: int = 1
    """Runs at once. The seconds mean something with one only."""


def main() -> None:
    arguments = [*sys.argv[1:], "--"]
    end = arguments.index("--")
    options, passed_on = tyro.cli(Options, args=arguments[:end]), arguments[end + 1 : -1]
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with tempfile.TemporaryDirectory() as runs_dir, ThreadPoolExecutor(options.jobs) as pool:
        flags = [*ORACLE, *passed_on, "--runs-dir", runs_dir]
        results = list(pool.map(lambda seed: run(seed, flags), seeds))
    first, median, third, most = quantiles(results, 0.25, 0.5, 0.75, 0.95)
    seconds = [r["wall"] for r in results]
    print(
        "| seeds | solved at the end | comparisons to solve: median (quartiles) | 95th percentile "
        "| asked | env steps | seconds, median (most) |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(
        f"| {seeds[0]}–{seeds[-1]} | {sum(r['solved'] for r in results)} of {len(results)} "
        f"| {median:g} ({first:g} to {third:g}) | {most:g} | {max(r['comparisons'] for r in results)} "
        f"| {max(r['env_steps'] for r in results)} | {np.median(seconds):.1f} ({max(seconds):.1f}) |"
    )


def quantiles(results: list[dict[str, Any]], *shares: float) -> np.ndarray:
    """Of the comparisons to solve, in the order of the shares; each is the number in one of the runs."""
    to_solve = [
        np.inf if result["comparisons_to_solve"] is None else result["comparisons_to_solve"] for result in results
    ]
    numbers: np.ndarray = np.quantile(to_solve, shares, method="higher")
    return numbers


def run(seed: int, flags: list[str]) -> dict[str, Any]:
    """Run `main.py` with these flags, and return its result and the seconds of the whole process, `wall`."""
    loss = [] if "--loss" in flags else ["--solution"]
    command = [sys.executable, str(ROOT / "main.py"), *loss, "--seed", str(seed), *flags]
    started = time.perf_counter()
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    result["wall"] = time.perf_counter() - started
    print(
        f"seed {seed}: return {result['true_return_mean']}, comparisons to solve {result['comparisons_to_solve']}, "
        f"{result['wall']:.1f} s",
        file=sys.stderr,
    )
    return result


if __name__ == "__main__":
    main()
