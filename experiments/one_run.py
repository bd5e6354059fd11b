"""Runs as they are typed, and what they end with: for the experiments about labellers."""

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from many_runs import ROOT

Program = Literal["main", "llm"]


def one_run(program: Program, typed: Sequence[str], seed: int, runs_dir: Path) -> Path:
    """Run `main.py` or `llm.py` with these flags; the run's directory."""
    common = ["--solution", "--seed", str(seed), "--runs-dir", str(runs_dir)]
    without = ["--no-pictures"] if program == "main" else []
    command = [sys.executable, f"{program}.py", *common, *without, *typed]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout.splitlines()[-1])["run"])


def last_row(run: Path) -> dict[str, float]:
    """The last row of a run's `progress.csv`, without its text; NaN for empty cells."""
    *_, row = csv.DictReader((run / "progress.csv").read_text(encoding="utf-8").splitlines())
    return {name: float(cell or "nan") for name, cell in row.items() if name != "stopped_asking"}
