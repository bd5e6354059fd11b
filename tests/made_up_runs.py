"""Run directories with chosen numbers in them, for what reads runs."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workshop.records.progress import COLUMNS

OPTIONS = {
    "seed": 0,
    "name": "rlhf",
    "runs_dir": "runs",
    "reward": "learned",
    "env": "FixedHorizonCartPole-v0",
    "fixed_horizon": None,
    "fragment_length": 20,
    "hidden_sizes": [64, 64],
    "pretrain": True,
    "packages": {"torch": "2.13.0"},
}


def write_run(
    parent: Path,
    true_returns: Sequence[float],
    comparisons: Sequence[int] | None = None,
    held_out: Sequence[int] | None = None,
    **options: Any,
) -> Path:
    """A run with a row for each true return; 100 environment steps and 2 seconds more in each.

    `held_out` are the answers that the accuracies come of; all so far without it.
    """
    comparisons = comparisons or [10 * i for i in range(len(true_returns))]
    config = OPTIONS | {"iterations": len(true_returns) - 1} | options
    number = len(list(parent.glob("*"))) if parent.exists() else 0
    path = parent / f"{config['env']}__{config['name']}__{config['seed']}__20260101-{number:06d}"
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (path / "agent.zip").touch()
    (path / "reward_model.pt").touch()
    with (path / "progress.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        for i, (value, asked) in enumerate(zip(true_returns, comparisons, strict=True)):
            row = {
                "iteration": i,
                "env_steps": 100 * i,
                "comparisons": asked,
                "true_return_mean": value,
                "seconds": 2 * i,
                "random_return_mean": -30,
            }
            if config["reward"] == "learned" and i > 0:
                row |= {"reward_model_accuracy": 0.5 + 0.1 * i, "reward_correlation": 0.2 * i}
                row |= {"held_out_answers": asked if held_out is None else held_out[i]}
            writer.writerow(row)
    return path
