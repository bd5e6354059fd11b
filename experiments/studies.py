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
from typing import Literal

import numpy as np
from many_runs import ROOT, KeptRuns, median, print_table, read_command_line
from PIL import Image
from scipy import stats

from workshop.program import run_program
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
class Options(KeptRuns):
    """Answer the slides' questions with sweeps."""

    only: Literal["all", *STUDIES] = "all"  # type: ignore[valid-type]  # known when it runs
    """The name of one study alone."""


def main() -> None:
    options, passed_on = read_command_line(Options)
    for name in STUDIES if options.only == "all" else [options.only]:
        study(name, options, passed_on)


def study(name: str, options: Options, passed_on: str) -> None:
    """Run one sweep as it is typed, and compare its groups."""
    varied, fixed = STUDIES[name]
    runs_dir = options.runs_dir / name
    own = f"--name {name} --seeds {options.seeds} --first-seed {options.first_seed} --jobs {options.jobs}"
    command = f"sweep.py {varied} {own} --runs-dir {runs_dir} -- {fixed} --no-pictures {passed_on}".strip()
    print(f"\n## {name}\n\n    python {command}\n", flush=True)
    subprocess.run([sys.executable, *shlex.split(command)], cwd=ROOT, check=True)
    figure = ROOT / "plots" / f"{name}.png"
    few_colours = Image.open(figure).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3)
    few_colours.save(figure, optimize=True)  # smaller, as it is kept in the repository
    flag, _ = varied.split(maxsplit=1)
    groups = defaultdict(list)
    for run in map(read_run, find_runs([ROOT / runs_dir])):
        groups[str(run.options[flag.lstrip("-").replace("-", "_")])].append(run)
    compare(flag, groups)


def compare(flag: str, groups: Mapping[str, Sequence[FinishedRun]]) -> None:
    """Print the medians with their intervals, the accuracy, and what differs beyond chance."""
    to_solve = {value: [run.comparisons_to_solve for run in runs] for value, runs in groups.items()}
    accuracy = {v: np.nanmean([run.columns["reward_model_accuracy"][-1] for run in runs]) for v, runs in groups.items()}
    print()
    rows = ([value, median(to_solve[value]), f"{accuracy[value]:.2f}"] for value in groups)
    print_table(f"{flag} | comparisons to solve: median (95 % interval) | held-out accuracy, mean", rows)
    print()
    for pair in combinations(groups, 2):
        numbers = [np.nan_to_num(to_solve[value]) for value in pair]
        solved = [np.bincount(np.isfinite(to_solve[value]), minlength=2) for value in pair]
        fisher, mann_whitney = stats.fisher_exact(solved).pvalue, stats.mannwhitneyu(*numbers).pvalue
        if min(fisher, mann_whitney) < 0.1:
            print(f"{' and '.join(pair)}: solved p = {fisher:.3f}, comparisons to solve p = {mann_whitney:.3f}")


if __name__ == "__main__":
    run_program(main, end=sys.exit)
