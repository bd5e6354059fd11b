"""The studies of EXPERIMENTS.md: `python benchmarks/studies.py`, or `make experiments` for all that is in there.

First the questions of the slides, each of them a sweep, typed as it is printed, with its figure in `plots/`. Then what
was tried to need fewer comparisons, each alone against the preset that came of it. The runs of the sweeps are kept in
`--runs-dir`, so that what was interrupted goes on where it was.
"""

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comparisons_to_solve import ORACLE, ROOT, run

sys.path.insert(0, str(ROOT))

import numpy as np

from workshop.program import read_flags
from workshop.statistics import quantiles

STUDIES = {  # the figure's name, what is varied, and what goes to every run
    "epochs": "--reward-epochs 1 3 6 20 60 -- --solution",
    "batch-size": "--reward-batch-size 2 5 20 100 -- --solution",
    "fragments": "--fragment-length 1 5 10 20 40 -- --solution",
    "network-sizes": "--hidden-sizes 4 32 32,32 128,128 -- --solution",
    "queries": "--query uniform disagreement entropy information-gain -- --solution",
    "converged": "--fit-until epochs converged -- --solution --reward-epochs 60",
    "choice-models": "--loss bradley-terry thurstone lapse hinge --oracle-temperature 0 1 -- --oracle-equal 0",
    "choice-models-mistakes": "--loss bradley-terry thurstone lapse hinge -- --oracle-temperature 0 "
    "--oracle-mistakes 0.1",
}
PRESET = "--preset few-comparisons"
TRICKS = (
    "",
    "--query uniform",
    "--query entropy",
    "--query information-gain",
    "--pool-factor 10",
    "--diversity k-centre",
    "--fragment-length 10",
    "--fragment-length 40",
    "--schedule hyperbolic",
    "--schedule frontloaded",
    "--comparisons 14",
    "--no-pretrain",
    "--recent-fraction 0.1",
    "--recent-fraction 1",
    "--iterations 10",
    "--iterations 30",
    "--comparisons-per-fit 4",
    "--reward-network joint",
    "--ensemble-size 5",
    "--prior-std 0.3",
    "--bump-width 1",
    "--reward-inputs observations",
    "--pessimism 0.5",
    "--entropy-bonus 0.05",
    "--agent-learning-rate 1e-3",
    "--agent-weight-decay 0.3",
    "--normalise",
    "--n-envs 32 --rollout-steps 25",
)


@dataclass(frozen=True)
class Options:
    """Run the studies of EXPERIMENTS.md."""

    only: str | None = None
    """The name of one study alone, or `tricks`."""
    seeds: int = 10
    """How many seeds for each point of a sweep."""
    first_seed: int = 20
    """The first seed of the sweeps, which nothing was tuned on."""
    trick_seeds: int = 20
    """How many seeds, from 0 on, for each trick: those on which the preset was chosen."""
    jobs: int = 2
    """Runs at once."""
    runs_dir: Path = Path("runs/experiments")
    """Where the sweeps' runs are kept, and looked for."""


def main() -> None:
    options = read_flags(Options, sys.argv[1:])
    for name, flags in STUDIES.items():
        if options.only in (None, name):
            study(name, flags, options)
    if options.only in (None, "tricks"):
        tricks(options)


def study(name: str, flags: str, options: Options) -> None:
    """Run one sweep as it is typed."""
    varied, fixed = flags.split(" -- ")
    own = f"--name {name} --seeds {options.seeds} --first-seed {options.first_seed} --jobs {options.jobs}"
    command = f"sweep.py {varied} {own} --runs-dir {options.runs_dir / name} -- {fixed}"
    print(f"\n## {name}\n\n    python {command}\n", flush=True)
    subprocess.run([sys.executable, *shlex.split(command)], cwd=ROOT, check=True)


def tricks(options: Options) -> None:
    """Run each trick alone against the preset."""
    seeds = range(options.trick_seeds)
    print(
        f"\n## tricks, on seeds {seeds[0]}–{seeds[-1]}\n\n"
        f"| `{PRESET}` and | solved | comparisons to solve: median (quartiles) | 95th percentile |\n"
        "| --- | --- | --- | --- |"
    )
    with tempfile.TemporaryDirectory() as runs_dir, ThreadPoolExecutor(options.jobs) as pool:
        for trick in TRICKS:
            flags = [*ORACLE, *PRESET.split(), *trick.split(), "--runs-dir", runs_dir]
            results = list(pool.map(lambda seed, flags=flags: run(seed, flags), seeds))
            print(describe(trick, results), flush=True)


def describe(trick: str, results: Sequence[dict[str, Any]]) -> str:
    """A row of the table."""
    to_solve = [result["comparisons_to_solve"] for result in results]
    first, median, third, most = (
        f"{number:g}" if np.isfinite(number) else "never" for number in quantiles(to_solve, [0.25, 0.5, 0.75, 0.95])
    )
    return (
        f"| {f'`{trick}`' if trick else 'nothing else'} | {sum(r['solved'] for r in results)} of {len(results)} "
        f"| {median} ({first} to {third}) | {most} |"
    )


if __name__ == "__main__":
    main()
