"""How a run ended: whether its task was solved, and with how many comparisons."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]  # of progress.csv, by column: numbers, but for the text of stopped_asking


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
        "true_return_mean": round(last["true_return_mean"], 2),
        "comparisons": last["comparisons"],
        "comparisons_to_solve": rows[first_solved]["comparisons"] if solved else None,
        "env_steps": last["env_steps"],
    }
