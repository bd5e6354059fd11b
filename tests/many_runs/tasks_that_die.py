"""Tasks that end their process; they import nothing, so that a worker that is to do them is soon there."""

import os
from pathlib import Path


def die_the_first_time(folder: Path, task: int) -> int:
    """Kill this process, unless an earlier one has already died of this task."""
    mark = folder / f"died-{task}"
    if task == 1 and not mark.exists():
        mark.touch()
        os._exit(9)
    return task * task


def always_die(task: int) -> int:
    os._exit(9)
