"""How the programs speak: one clear sentence for a mistake, and progress on standard error."""

import math
import os
import re
import sys
from typing import Literal, TextIO


class UsageError(Exception):
    """A mistake of the user's, in the flags or in their loss: its text is all they see, and the exit code is 2."""


class RunError(Exception):
    """What stops a run, or keeps it from going on, though nobody typed anything wrong: all they see. Exit code 1."""


def say(text: str) -> None:
    """Write a message to standard error: standard output is kept for the result."""
    print(text, file=sys.stderr, flush=True)


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
    good = math.isfinite(value)
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
        raise ValueError(f"{flag} must be {' and '.join(bounds) or 'a finite number'}, not {value}.")


def require_sizes(flag: str, sizes: tuple[int, ...]) -> None:
    """Refuse layer widths that are not one or more positive numbers, with a ValueError that names the flag."""
    if not sizes or min(sizes) < 1:
        given = " ".join(map(str, sizes)) or "none"
        raise ValueError(f"{flag} must be one or more layer widths of at least 1, not {given}.")


def require_name(flag: str, name: str) -> None:
    """Refuse what cannot be part of a directory's name on every system, with a ValueError that names the flag."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise ValueError(f"{flag} must be made of letters, digits, '.', '_' and '-', not {name!r}.")
