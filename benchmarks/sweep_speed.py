"""How much faster is a sweep on all cores? `python benchmarks/sweep_speed.py`.

Types the same `sweep.py` one run after another and on several cores, in turn, each time from nothing, and prints the
ratio of the seconds of the whole processes, the comparison at the end included. Flags after `--` go to `main.py`.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Options:
    """Time a sweep one after another, and on several cores."""

    runs: int = 20
    """Runs in each sweep: as many seeds of the default settings."""
    jobs: int = 2
    """Runs at once, to compare with one."""
    repetitions: int = 2
    """How often each is timed."""


def main() -> None:
    arguments = [*sys.argv[1:], "--"]
    end = arguments.index("--")
    options, passed_on = tyro.cli(Options, args=arguments[:end]), arguments[end + 1 : -1]
    seconds = np.array(
        [[timed(options.runs, jobs, passed_on) for jobs in (1, options.jobs)] for _ in range(options.repetitions)]
    )
    ratios = seconds[:, 0] / seconds[:, 1]
    print(f"{options.runs} runs | one after another | {options.jobs} at once | times as fast")
    for (alone, together), ratio in zip(seconds, ratios, strict=True):
        print(f"| {alone:.0f} s | {together:.0f} s | {ratio:.2f} |")


def timed(runs: int, jobs: int, passed_on: list[str]) -> float:
    """Seconds of a sweep over so many seeds."""
    with tempfile.TemporaryDirectory() as directory:
        places = ["--runs-dir", f"{directory}/runs", "--plots-dir", directory]
        command = [sys.executable, "sweep.py", "--seeds", str(runs), "--jobs", str(jobs), *places, "--", "--solution"]
        started = time.perf_counter()
        subprocess.run([*command, *passed_on], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
