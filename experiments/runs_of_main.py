"""Runs of `main.py`, and what they end with: for the experiments about labellers."""

import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from many_runs import ROOT


def run_main(typed: Sequence[str], seed: int, runs_dir: Path) -> Path:
    """Run `main.py` with these flags; the run's directory."""
    common = ["--solution", "--no-pictures", "--seed", str(seed), "--runs-dir", str(runs_dir)]
    command = [sys.executable, "main.py", *common, *typed]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["run"])


def last_row(typed: Sequence[str], seed: int, runs_dir: Path) -> dict[str, float]:
    """The last row of such a run's `progress.csv`, without its text; NaN for empty cells."""
    path = run_main(typed, seed, runs_dir) / "progress.csv"
    *_, row = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    return {name: float(cell or "nan") for name, cell in row.items() if name != "stopped_asking"}
