"""Made-up runs with all the options that `main.py` would have given them for a command line."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from made_up_runs import write_run

from main import program
from workshop.flags import as_json


def write_typed_run(
    parent: Path, flags: str, true_returns: Sequence[float], comparisons: Sequence[int] | None = None, seed: int = 0
) -> Path:
    """A run that `python main.py` with these flags could have made.

    Its first rows have these numbers, as in `write_run`, and the others the last of them.
    """
    options = as_json(program.read_config([*shlex.split(flags), "--seed", str(seed)]))
    comparisons = comparisons or [10 * i for i in range(len(true_returns))]
    rest = [-1] * (options["iterations"] + 1 - len(true_returns))
    own = {name: value for name, value in options.items() if name != "comparisons"}
    numbers = [[*column, *(column[last] for last in rest)] for column in (true_returns, comparisons)]
    run = write_run(parent, *numbers, **own)
    (run / "config.json").write_text(json.dumps(options | {"packages": {"torch": "2.13.0"}}), encoding="utf-8")
    return run


def change_options(run: Path, **changed: object) -> None:
    """Give a run other options than its flags had; None takes one away."""
    options = json.loads((run / "config.json").read_text(encoding="utf-8")) | changed
    kept = {name: value for name, value in options.items() if value is not None or name not in changed}
    (run / "config.json").write_text(json.dumps(kept), encoding="utf-8")
