"""Does what needs few comparisons on the pole do so on Pendulum-v1? `python experiments/pendulum.py`.

Runs `main.py` as a user types it, once for each seed: with the settings as they are and with the preset, both from half
as many comparisons as are the default there, and on the true reward. `experiments/half_cheetah.py` asks the same.
"""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from comparisons_to_solve import ROOT, run

sys.path.insert(0, str(ROOT))

from workshop.commands import read_flags

ROWS = ("--comparisons 100", "--preset few-comparisons", "--reward true")


@dataclass(frozen=True)
class Options:
    """Compare the preset for few comparisons with the settings as they are on Pendulum."""

    first_seed: int = 0
    """The first seed."""
    seeds: int = 5
    """How many seeds, one after another."""
    jobs: int = 2
    """Runs at once."""


def main() -> None:
    options = read_flags(Options, sys.argv[1:])
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    print("| flags | true return at the end: mean (each seed) |\n| --- | --- |")
    with tempfile.TemporaryDirectory() as runs_dir, ThreadPoolExecutor(options.jobs) as pool:
        for flags in ROWS:
            typed = ["--env", "Pendulum-v1", *flags.split(), "--runs-dir", runs_dir]
            returns = [r["true_return_mean"] for r in pool.map(lambda seed, typed=typed: run(seed, typed), seeds)]
            print(f"| `{flags}` | {np.mean(returns):.0f} ({', '.join(f'{x:.0f}' for x in returns)}) |", flush=True)


if __name__ == "__main__":
    main()
