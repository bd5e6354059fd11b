"""What values a flag may have, written beside the field it is for: `seed: Annotated[int, within(at_least=0)] = 0`.

Each check is called with the flag and the value, and refuses it with a ValueError that names both and what is allowed.
"""

import math
import operator
import os
import re
import unicodedata
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from workshop.messages import RunError, UsageError, shown

Check = Callable[[str, Any], None]

PASSES = {"at_least": operator.ge, "above": operator.gt, "at_most": operator.le, "below": operator.lt}
LARGEST_SEED = 2**32 - 1  # that NumPy's global generator takes
WIDEST_LAYER = 1024
MOST_LAYERS = 10
LONGEST_PERSON = 200  # characters of a name
LONGEST_NAME = 100  # characters; with the rest of a run directory's name, most file systems take 255
RESERVED = r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?"  # by Windows, whatever the extension


def within(
    *, at_least: float | None = None, above: float | None = None, at_most: float | None = None,
    below: float | None = None,
) -> Check:  # fmt: skip
    """A number, finite and within these bounds."""
    return partial(_require_number, at_least=at_least, above=above, at_most=at_most, below=below)


def require_bounds(options: Any) -> None:
    """Check each field of a dataclass by what stands beside it in its `Annotated` type; None passes."""
    for field in fields(options):
        value = getattr(options, field.name)
        for check in getattr(field.type, "__metadata__", ()):
            if callable(check) and value is not None:
                check(f"--{field.name.replace('_', '-')}", value)


def _require_number(flag: str, value: float, **limits: float | None) -> None:
    given = {name: limit for name, limit in limits.items() if limit is not None}
    # a huge integer has no float to ask
    finite = isinstance(value, int) or math.isfinite(value)
    if not (finite and all(PASSES[name](value, limit) for name, limit in given.items())):
        allowed = " and ".join(f"{name.replace('_', ' ')} {limit}" for name, limit in given.items())
        raise ValueError(f"{flag} must be {allowed or 'a finite number'}, not {shown(value)}.")


def require_decay(flag: str, decay: float, rate_flag: str, rate: float) -> None:
    """AdamW takes the share decay * rate of each weight away in each step, which cannot be more than all of it."""
    if decay * rate > 1:
        raise ValueError(
            f"{flag} times {rate_flag}, the share of each weight that a step takes away, must be at most 1, not "
            f"{decay:g} * {rate:g}."
        )


def layer_widths(flag: str, sizes: tuple[int, ...]) -> None:
    """The widths of a few layers of a small network."""
    if not 1 <= len(sizes) <= MOST_LAYERS or not all(1 <= size <= WIDEST_LAYER for size in sizes):
        given = shown(" ".join(map(str, sizes)) or "none")
        raise ValueError(f"{flag} must be 1 to {MOST_LAYERS} layer widths of 1 to {WIDEST_LAYER}, not {given}.")


def file_name(flag: str, name: str) -> None:
    """What can be part of a file's name on every system."""
    if not re.fullmatch(rf"[A-Za-z0-9._-]{{1,{LONGEST_NAME}}}", name):
        raise ValueError(
            f"{flag} must be made of 1 to {LONGEST_NAME} letters, digits, '.', '_' and '-', not {shown(repr(name))}."
        )
    if re.fullmatch(RESERVED, name):
        raise ValueError(f"{flag} must not be {name!r}, which Windows keeps for a device; choose another name.")


def person_name(flag: str, name: str) -> None:
    """What somebody is called, in any language; of what cannot be seen, only what joins letters."""
    unseen = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of characters, ends of lines and paragraphs
    if not (name.strip() and len(name) <= LONGEST_PERSON) or any(unicodedata.category(each) in unseen for each in name):
        raise ValueError(
            f"{flag} must be a name of 1 to {LONGEST_PERSON} characters, without tabs and ends of lines, not "
            f"{name[:40]!a}{' and so on' if len(name) > 40 else ''}."
        )


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
