"""The questions of the slides, each of them a sweep: `python experiments/studies.py`.

Each is typed as it is printed, leaves its figure in `plots/` and, after its table, says which of the differences are
beyond chance: of the shares that were solved by Fisher's exact test, of the comparisons to solve by Mann and Whitney's
(never is more than any number), two-sided, not corrected for how many pairs there are. The runs are kept in
`--runs-dir`, so that what was interrupted goes on where it was.
"""

import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from comparisons_to_solve import ROOT, median

sys.path.insert(0, str(ROOT))

import numpy as np
from PIL import Image
from scipy import stats

from workshop.commands import read_flags
from workshop.records import FinishedRun, find_runs, read_run

CHOICE_MODELS = "--loss bradley-terry thurstone lapse hinge"
STUDIES = {  # the figure's name: what is varied, and what goes to every run
    "epochs": ("--reward-epochs 1 3 6 20 60", "--solution"),
    "batch-size": ("--reward-batch-size 2 5 20 100", "--solution"),
    "fragment-length": ("--fragment-length 1 5 10 20 60", "--solution"),
    "network-sizes": ("--hidden-sizes 4 32 32,32 128,128", "--solution"),
    "queries": ("--query uniform disagreement entropy information-gain", "--solution"),
    "converged": ("--fit-until epochs converged", "--solution --reward-epochs 60"),
    "choice-models": (CHOICE_MODELS, "--oracle-temperature 0"),
    "choice-models-noise": (CHOICE_MODELS, "--oracle-temperature 0.5"),
    "choice-models-mistakes": (CHOICE_MODELS, "--oracle-temperature 0 --oracle-mistakes 0.2 --lapse-rate 0.4"),
}


@dataclass(frozen=True)
class Options:
    """Answer the slides' questions with sweeps."""

    only: str | None = None
    """The name of one study alone."""
    seeds: int = 10
    """How many seeds for each point of a sweep."""
    first_seed: int = 20
    """The first seed. The settings were chosen on others."""
    jobs: int = 2
    """Runs at once."""
    runs_dir: Path = Path("runs/experiments")
    """Where the runs are kept, and looked for."""


def main() -> None:
    options = read_flags(Options, sys.argv[1:])
    if options.only not in (None, *STUDIES):
        sys.exit(f"--only must be one of {', '.join(STUDIES)}, not {options.only}.")
    for name, (varied, fixed) in STUDIES.items():
        if options.only in (None, name):
            study(name, varied, fixed, options)


def study(name: str, varied: str, fixed: str, options: Options) -> None:
    """Run one sweep as it is typed, and compare its groups."""
    own = f"--name {name} --seeds {options.seeds} --first-seed {options.first_seed} --jobs {options.jobs}"
    command = f"sweep.py {varied} {own} --runs-dir {options.runs_dir / name} -- {fixed} --no-pictures"
    print(f"\n## {name}\n\n    python {command}\n", flush=True)
    subprocess.run([sys.executable, *shlex.split(command)], cwd=ROOT, check=True)
    figure = ROOT / "plots" / f"{name}.png"
    few_colours = Image.open(figure).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3)
    few_colours.save(figure, optimize=True)  # smaller, as it is kept in the repository
    flag, _ = varied.split(maxsplit=1)
    groups = defaultdict(list)
    for path in find_runs([ROOT / options.runs_dir / name]):
        run = read_run(path)
        groups[str(run.options[flag.lstrip("-").replace("-", "_")])].append(run)
    compare(flag, groups)


def compare(flag: str, groups: Mapping[str, Sequence[FinishedRun]]) -> None:
    """Print the medians with their intervals, the accuracy, and what differs beyond chance."""
    print(f"\n| {flag} | comparisons to solve: median (95 % interval) | held-out accuracy, mean |\n| --- | --- | --- |")
    for value, runs in groups.items():
        accuracy = np.nanmean([run.columns["reward_model_accuracy"][-1] for run in runs])
        print(f"| {value} | {median([run.comparisons_to_solve for run in runs])} | {accuracy:.2f} |")
    print()
    for (value, runs), (other, others) in combinations(groups.items(), 2):
        solved = [[sum(run.solved for run in group), sum(not run.solved for run in group)] for group in (runs, others)]
        to_solve = [np.nan_to_num([run.comparisons_to_solve for run in group]) for group in (runs, others)]
        fisher, mann_whitney = stats.fisher_exact(solved).pvalue, stats.mannwhitneyu(*to_solve).pvalue
        if min(fisher, mann_whitney) < 0.1:
            print(f"{value} and {other}: solved p = {fisher:.3f}, comparisons to solve p = {mann_whitney:.3f}")


if __name__ == "__main__":
    main()
