"""A run's files, read as if a stranger had sent them: nothing in them is trusted, and no code is run."""

import importlib.machinery
import json
from pathlib import Path
from typing import Any

from workshop.environments import needs_code_of_others
from workshop.messages import RunError, UsageError, shown

CONFIG = "config.json"
GOAL = "goal.txt"  # what a person has said, on the page, that they judge by
LARGEST_TEXT = 50_000_000  # bytes; some 300,000 answers


class BrokenRecordError(RunError):
    """A record that cannot be read; the text is one sentence, with the file and, in `comparisons.jsonl`, the line."""


def find_file(run: Path, relative: str) -> Path:
    """The file at this path below the run directory.

    Raises a BrokenRecordError if there is none, or if a symbolic link leads to another directory.
    """
    path = run / relative
    try:
        actual = path.resolve(strict=True)
        expected = run.resolve() / Path(relative).parent
    except (OSError, RuntimeError) as problem:  # RuntimeError: links in a circle, up to Python 3.12
        raise BrokenRecordError(f"{path} is missing.") from problem
    if actual.parent != expected:
        raise BrokenRecordError(f"{path} is a link that leads out of its directory.")
    if not actual.is_file():
        raise BrokenRecordError(f"{path} is not a file.")
    return path


def refuse_links_and_code(run: Path) -> None:
    """Raise a BrokenRecordError for a run directory with what could lead to others' files or be imported."""
    for path in sorted(run.rglob("*")):
        if path.is_symlink():
            raise BrokenRecordError(f"{path} is a link, and a run is one directory with its own files.")
        if path.name.endswith(tuple(importlib.machinery.all_suffixes())):
            raise BrokenRecordError(f"{path} is code, and a run holds none.")


def read_bytes(path: Path) -> bytes:
    """A text file as it is on disk; a BrokenRecordError if it is larger than any run's or cannot be read."""
    try:
        if path.stat().st_size > LARGEST_TEXT:
            raise BrokenRecordError(f"{path} is too large to be a run's.")
        return path.read_bytes()
    except OSError as problem:
        raise BrokenRecordError(f"{path} cannot be read.") from problem


def read_file(run: Path, relative: str) -> bytes:
    """The text file at this path below the run directory; a BrokenRecordError if it is none, or leads out of it."""
    return read_bytes(find_file(run, relative))


def parse_object(text: bytes, place: str) -> dict[str, Any]:
    """A JSON object as a dict; a BrokenRecordError that names the place if it is not one."""
    try:
        value = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise BrokenRecordError(f"{place} is not JSON.") from problem
    if not isinstance(value, dict):
        raise BrokenRecordError(f"{place} is not a JSON object.")
    return value


def read_config(run: Path) -> dict[str, Any]:
    """What `config.json` in a run directory holds: the options by name, and `packages`.

    The goal is that of `goal.txt`, if there is one: it was said when the run had begun, as if typed. Raises a
    BrokenRecordError if it cannot be read, or is no JSON object. What the options are is for others to check.
    """
    path = find_file(run, CONFIG)
    config = parse_object(read_bytes(path), str(path))
    if (run / GOAL).exists():
        try:
            config["goal"] = " ".join(read_file(run, GOAL).decode("utf-8").split())
        except ValueError as problem:
            raise BrokenRecordError(f"{run / GOAL} is no text.") from problem
    return config


def refuse_import(flag: str, run: Path, env: object, typed: str | None) -> None:
    """Raise a UsageError for a run whose environment is not Gymnasium's own, unless the user has typed it, too.

    To find and make it is to import other code, which no run that somebody sent may do by itself.
    """
    if typed is not None and typed != env:
        raise UsageError(f"{flag} {shown(run)}: the run is in --env {shown(env)}, not {shown(typed)}.")
    if typed is None and needs_code_of_others(env):
        module = str(env).rpartition(":")[0]
        whose = f"the module {shown(module)}" if module else "another package"
        raise UsageError(
            f"{flag} {shown(run)}: the run is in {shown(env)}, for which code of {whose} is run; if you trust it, add "
            f"--env {shown(env)}."
        )
