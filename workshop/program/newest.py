"""Which run is meant where a directory of runs, or a part of a run's name, is typed for it."""

import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from workshop.messages import UsageError, say
from workshop.program.run import is_finished
from workshop.records import CONFIG, find_runs, program_of


def newest_run(flag: str, typed: Path, runs_dir: Path, fits: Callable[[Path], bool], called: str, program: str) -> Path:
    """The run meant by what was `typed` after a flag of this program.

    It is the run of which the directory was typed, or the newest of the program's that `fits` below it, or with this in
    its name. A part of a name is looked for in `runs_dir` or, if it comes after a directory, in that. What was found is
    said. Where there is no run at all it is what was typed, for whoever uses it to say what is missing. Raises a
    UsageError if there are runs, but none that fits.
    """
    # Path's own methods raise for a name that is too long
    if os.path.isfile(typed / CONFIG):  # noqa: PTH113
        return typed
    if os.path.isdir(typed):  # noqa: PTH112
        found, where = find_runs([typed]), f"in {typed}"
    else:
        below = runs_dir if typed.parent == Path() else typed.parent
        runs = find_runs([below]) if os.path.isdir(below) else []  # noqa: PTH112
        found, where = [run for run in runs if typed.name in run.name], f'in {below} with "{typed.name}" in its name'
    found = [run for run in found if program_of(run) == program]
    usable = [run for run in found if fits(run)]
    if not usable:
        if found:
            raise UsageError(f"{flag} {typed}: there is no {called} run {where}, of {len(found)} that were begun.")
        return typed
    newest = max(usable, key=_begun)
    say(f"{flag} {typed}: {newest}, the newest {called} run {where}.")
    return newest


def has_agent(run: Path) -> bool:
    """Whether there is an agent to be watched in the run's directory."""
    return (run / "agent.zip").is_file()


def is_unfinished(run: Path) -> bool:
    """Whether there is something to go on with in the run's directory."""
    return not is_finished(run)


def _begun(run: Path) -> tuple[str, str]:
    """When a run began, by its name or, if that does not say, by its files; and its name, should two be as old."""
    named = re.search(r"__(\d{8}-\d{6})$", run.name)
    if named:
        return named[1], run.name
    return f"{datetime.fromtimestamp((run / CONFIG).stat().st_mtime):%Y%m%d-%H%M%S}", run.name
