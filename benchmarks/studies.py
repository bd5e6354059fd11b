"""The questions of the slides, each of them a sweep: `python benchmarks/studies.py`.

Each is typed as it is printed, and leaves its figure in `plots/`. The runs are kept in `--runs-dir`, so that what was
interrupted goes on where it was.
"""

import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from comparisons_to_solve import ROOT

sys.path.insert(0, str(ROOT))

from workshop.program import read_flags

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
    """Run one sweep as it is typed."""
    own = f"--name {name} --seeds {options.seeds} --first-seed {options.first_seed} --jobs {options.jobs}"
    command = f"sweep.py {varied} {own} --runs-dir {options.runs_dir / name} -- {fixed} --no-pictures"
    print(f"\n## {name}\n\n    python {command}\n", flush=True)
    subprocess.run([sys.executable, *shlex.split(command)], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
