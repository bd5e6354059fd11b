"""The rows of `progress.csv`, one for each iteration, and how a run ended by them."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Row = Mapping[str, Any]  # of progress.csv, by column: numbers, but for the text of stopped_asking

PROGRESS = "progress.csv"
ENOUGH_HELD_OUT = 10  # answers, for what comes of them to be shown or said
COLUMNS = (
    "iteration", "env_steps", "comparisons", "true_return_mean", "true_return_std", "learned_return_mean",
    "reward_model_loss", "reward_model_accuracy", "reward_correlation", "seconds", "skipped", "stopped_asking",
    "gradient_steps", "weight_decay", "reward_hacking", "random_return_mean", "held_out_answers",
)  # fmt: skip


def summarise(rows: Sequence[Row], solved_at: float | None) -> dict[str, Any]:
    """How a run ended, from its rows of `progress.csv`.

    It is solved if the last mean true return is at least `solved_at`; `comparisons_to_solve` are the comparisons at
    the first iteration from which that holds to the end, None if the run ends unsolved.
    """
    first_solved = len(rows)
    while first_solved > 0 and solved_at is not None and rows[first_solved - 1]["true_return_mean"] >= solved_at:
        first_solved -= 1
    solved = first_solved < len(rows)
    last = rows[-1]
    return {
        "solved": solved,
        "true_return_mean": round(last["true_return_mean"], 2) + 0.0,  # no -0.0
        "comparisons": last["comparisons"],
        "comparisons_to_solve": rows[first_solved]["comparisons"] if solved else None,
        "env_steps": last["env_steps"],
    }


def as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """A table in CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def cells(row: Row, columns: Sequence[str] = COLUMNS) -> list[str]:
    """A row as text, in the order of the columns."""
    return [cell(row[column]) for column in columns]


def cell(value: float | str) -> str:
    """Text and whole numbers in full, other numbers to six significant digits, NaN as an empty cell."""
    if isinstance(value, str | int | np.integer):
        return str(value)
    return "" if math.isnan(value) else f"{value + 0.0:.6g}"  # no -0
