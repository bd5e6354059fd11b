"""What is the best that each group can get? `python experiments/best_for_each.py`, or with `--program llm`.

Trains an agent, or a language model, for each goal alone, from answers of one group that wants nothing else, and writes
the best return of the seeds to `workshop/labellers/best.json`: the 1 of `got` in `progress.csv`. The best, since a run
that failed says nothing of what there was to get. Flags after `--` go to the program.
"""

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from many_runs import ROOT, Seeds, print_table, read_command_line
from one_run import Program, last_row, one_run

from workshop import CARTPOLE_ID, DESK_ID
from workshop.commands import run_program
from workshop.labellers import AS_TRUE, DESK, POLE

FILE = ROOT / "workshop" / "labellers" / "best.json"


@dataclass(frozen=True)
class Options(Seeds):
    """Train for each goal alone on several seeds."""

    program: Program = "main"
    """Whose goals: those of the pole, or of the visitors' desk."""
    first_seed: int = 100
    """The first seed."""
    seeds: int = 3
    """How many seeds, one after another."""
    jobs: int = 1
    """Runs at once."""


def main() -> None:
    options, passed_on = read_command_line(Options)
    env_id, goals = (CARTPOLE_ID, POLE) if options.program == "main" else (DESK_ID, DESK)
    best, table = {}, []
    with tempfile.TemporaryDirectory() as runs_dir:
        for goal in goals:
            own = "true_return_mean" if goal in AS_TRUE else f"return_{goal}"
            typed = ["--labellers", f"{goal}:1", *passed_on.split()]
            runs = [one_run(options.program, typed, seed, Path(runs_dir)) for seed in options.numbers]
            returns = [last_row(run)[own] for run in runs]
            best[goal] = round(max(returns), 2)
            table.append([goal, best[goal], ", ".join(f"{each:.1f}" for each in returns)])
            print(f"{goal} is measured", file=sys.stderr)
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    FILE.write_text(json.dumps(kept | {env_id: best}, indent=2) + "\n", encoding="utf-8")
    print_table("goal | best return | each seed", table)


if __name__ == "__main__":
    run_program(main, end=sys.exit)
