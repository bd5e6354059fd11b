"""Does what needs few comparisons on the pole do so elsewhere? `python benchmarks/few_comparisons_elsewhere.py`.

Runs `main.py` as a user types it on Pendulum and on HalfCheetah, with the settings as they are and with the preset's
reward model, questions and schedule, both from half as many comparisons as are the default there, once for each seed.
"""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from comparisons_to_solve import ROOT, run

sys.path.insert(0, str(ROOT))

from workshop.program import read_flags

ENVIRONMENTS = {"Pendulum-v1": (100, 5), "HalfCheetah-v5": (350, 3)}  # comparisons and seeds


@dataclass(frozen=True)
class Options:
    """Compare the preset for few comparisons with the settings as they are, on other environments."""

    only: Literal["Pendulum-v1", "HalfCheetah-v5"] | None = None
    """One of the environments alone."""
    first_seed: int = 0
    """The first seed."""
    jobs: int = 2
    """Runs at once."""


def main() -> None:
    options = read_flags(Options, sys.argv[1:])
    print("| environment | flags | true return at the end: mean (each seed) |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as runs_dir, ThreadPoolExecutor(options.jobs) as pool:
        for env, (comparisons, n) in ENVIRONMENTS.items():
            if options.only not in (None, env):
                continue
            for flags in (f"--comparisons {comparisons}", "--preset few-comparisons", "--reward true"):
                typed = ["--env", env, *flags.split(), "--runs-dir", runs_dir]
                seeds = range(options.first_seed, options.first_seed + n)
                returns = [r["true_return_mean"] for r in pool.map(lambda seed, typed=typed: run(seed, typed), seeds)]
                each = ", ".join(f"{value:.0f}" for value in returns)
                print(f"| {env} | `{flags}` | {np.mean(returns):.0f} ({each}) |", flush=True)


if __name__ == "__main__":
    main()
