"""How the programs speak: one clear sentence for a mistake, and progress on standard error."""

import math
import os
import re
import sys
from pathlib import Path
from typing import Literal, TextIO

LONGEST_SHOWN = 200  # characters of what was typed; more of it would hide the message
LARGEST_SEED = 2**32 - 1  # that NumPy's global generator takes
WIDEST_LAYER = 1024
MOST_LAYERS = 10
LONGEST_NAME = 100  # characters; with the rest of a run directory's name, most file systems take 255
RESERVED = r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?"  # by Windows, whatever the extension


class UsageError(Exception):
    """A mistake of the user's, in the flags or in their loss: its text is all they see, and the exit code is 2."""


class RunError(Exception):
    """What stops a run, or keeps it from going on, though nobody typed anything wrong: all they see. Exit code 1."""


def say(text: str) -> None:
    """Write a message to standard error: standard output is kept for the result."""
    print(text, file=sys.stderr, flush=True)


def shown(typed: object) -> str:
    """What the user typed, on one line and cut to a length that leaves a message readable."""
    text = " ".join(str(typed).split())
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def coloured(text: str, colour: Literal["red", "green"], stream: TextIO) -> str:
    """The text in a colour if `stream` is a terminal that shows colours, else as it is (see no-color.org)."""
    plain = not stream.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    if plain or (sys.platform == "win32" and "WT_SESSION" not in os.environ):
        return text
    code = {"red": 31, "green": 32}[colour]
    return f"\033[{code}m{text}\033[0m"


def require_number(
    flag: str,
    value: float,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> None:
    """Refuse a flag's number outside its bounds, or not finite, with a ValueError that names flag, value and bounds."""
    bounds = []
    good = isinstance(value, int) or math.isfinite(value)  # a huge integer has no float to ask
    if at_least is not None:
        bounds.append(f"at least {at_least}")
        good = good and value >= at_least
    if above is not None:
        bounds.append(f"above {above}")
        good = good and value > above
    if at_most is not None:
        bounds.append(f"at most {at_most}")
        good = good and value <= at_most
    if below is not None:
        bounds.append(f"below {below}")
        good = good and value < below
    if not good:
        raise ValueError(f"{flag} must be {' and '.join(bounds) or 'a finite number'}, not {shown(value)}.")


def require_sizes(flag: str, sizes: tuple[int, ...]) -> None:
    """Refuse what are no widths of a few layers of a small network, with a ValueError that names the flag."""
    if not 1 <= len(sizes) <= MOST_LAYERS or not all(1 <= size <= WIDEST_LAYER for size in sizes):
        given = shown(" ".join(map(str, sizes)) or "none")
        raise ValueError(f"{flag} must be 1 to {MOST_LAYERS} layer widths of 1 to {WIDEST_LAYER}, not {given}.")


def require_name(flag: str, name: str) -> None:
    """Refuse what cannot be part of a file's name on every system, with a ValueError that names the flag."""
    if not re.fullmatch(rf"[A-Za-z0-9._-]{{1,{LONGEST_NAME}}}", name):
        raise ValueError(
            f"{flag} must be made of 1 to {LONGEST_NAME} letters, digits, '.', '_' and '-', not {shown(repr(name))}."
        )
    if re.fullmatch(RESERVED, name):
        raise ValueError(f"{flag} must not be {name!r}, which Windows keeps for a device; choose another name.")


def require_directory(flag: str, path: Path) -> None:
    """Refuse a path at which there cannot be a directory, with a UsageError that names the flag.

    Raises a RunError if there can be one, or is, but nothing can be written to it.
    """
    try:
        nearest = next(each for each in (path, *path.parents) if each.exists())
        problem = "" if nearest.is_dir() else "is not a directory"
    except OSError as error:  # a name that is too long, say
        nearest, problem = path, f"cannot be one ({error.strerror or error})"
    if problem:
        raise UsageError(f"{flag} must be a directory to write to, and {shown(nearest)} {problem}.")
    if not os.access(nearest, os.W_OK):
        raise RunError(f"{nearest} cannot be written to; name another directory with {flag}.")
