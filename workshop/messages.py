"""How the programs speak: one clear sentence for a mistake, and progress on standard error."""

import os
import sys
from typing import Literal, TextIO

LONGEST_SHOWN = 200  # characters of what was typed; more of it would hide the message


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
    plain = not stream.isatty() or os.environ.get("NO_COLOR", "") != "" or os.environ.get("TERM") == "dumb"
    if plain or (sys.platform == "win32" and "WT_SESSION" not in os.environ):
        return text
    code = {"red": 31, "green": 32}[colour]
    return f"\033[{code}m{text}\033[0m"
