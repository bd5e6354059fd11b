"""What is the best that each group can get? `python experiments/best_for_each.py`.

Trains an agent for each goal of the pole alone, from answers of one group that wants nothing else, and writes the
best return of the seeds to `workshop/labellers/best.json`: the 1 of `got` in `progress.csv`. The best, since a run
that failed says nothing of what there was to get. Flags after `--` go to `main.py`.
"""

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from many_runs import ROOT, Seeds, print_table, read_command_line
from runs_of_main import last_row

from workshop import CARTPOLE_ID
from workshop.commands import run_program
from workshop.labellers import POLE


@dataclass(frozen=True)
class Options(Seeds):
    """Train for each goal alone on several seeds."""

    first_seed: int = 100
    """The first seed."""
    seeds: int = 3
    """How many seeds, one after another."""
    jobs: int = 1
    """Runs at once."""


def main() -> None:
    options, passed_on = read_command_line(Options)
    best, table = {}, []
    with tempfile.TemporaryDirectory() as runs_dir:
        for goal in POLE:
            own = "true_return_mean" if goal == "upright" else f"return_{goal}"
            typed = ["--labellers", f"{goal}:1", *passed_on.split()]
            returns = [last_row(typed, seed, Path(runs_dir))[own] for seed in options.numbers]
            best[goal] = round(max(returns), 2)
            table.append([goal, best[goal], ", ".join(f"{each:.1f}" for each in returns)])
    path = ROOT / "workshop" / "labellers" / "best.json"
    path.write_text(json.dumps({CARTPOLE_ID: best}, indent=2) + "\n", encoding="utf-8")
    print_table("goal | best return | each seed", table)


if __name__ == "__main__":
    run_program(main, end=sys.exit)
