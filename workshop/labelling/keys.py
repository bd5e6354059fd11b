"""Single keys from a terminal, on every system."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}  # after "Escape [" or "Escape O"
WINDOWS_ARROWS = {"H": "up", "P": "down", "M": "right", "K": "left"}  # after "\0" or "à"
ESCAPE_SECONDS = 0.05  # the rest of an arrow key comes at once


# Waits so many seconds for a key: "left", "right", "up" or "down" for an arrow; None if none comes in that time.
ReadKey = Callable[[float], str | None]


def has_keys(stdin: TextIO, output: TextIO) -> bool:
    """Whether single keys can be read and a picture be redrawn; else there are but lines."""
    return stdin.isatty() and output.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def single_keys(stream: TextIO) -> Iterator[ReadKey]:
    """Read keys as they are pressed, without Enter and without showing them; the terminal is as before afterwards."""
    if sys.platform == "win32":
        os.system("")  # makes the console understand the codes that move the cursor
        yield _windows_key
        return
    import termios
    import tty

    number = stream.fileno()
    before = termios.tcgetattr(number)
    tty.setcbreak(number)  # Ctrl-C still interrupts
    try:
        yield lambda seconds: _unix_key(number, seconds)
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _unix_key(number: int, seconds: float) -> str | None:
    """The stream is read by its number: Python's own buffer would hide what is there from `select`."""
    first = _unix_character(number, seconds)
    if first != "\x1b":
        return first
    if _unix_character(number, ESCAPE_SECONDS) not in ("[", "O"):
        return None
    return ARROWS.get(_unix_character(number, ESCAPE_SECONDS) or "")


def _unix_character(number: int, seconds: float) -> str | None:
    import select

    if not select.select([number], [], [], seconds)[0]:
        return None
    byte = os.read(number, 1)
    if not byte:
        raise EOFError
    return byte.decode("latin-1")  # all keys that mean anything here are ASCII


if sys.platform == "win32":  # where the module that it needs is found

    def _windows_key(seconds: float) -> str | None:
        import _thread
        import msvcrt

        until = time.monotonic() + seconds
        while not msvcrt.kbhit():
            if time.monotonic() >= until:
                return None
            time.sleep(0.02)
        character = msvcrt.getwch()
        if character == "\x03" and threading.current_thread() is not threading.main_thread():
            _thread.interrupt_main()  # Ctrl-C, which this way of reading takes for a character
            return None
        return WINDOWS_ARROWS.get(msvcrt.getwch()) if character in ("\0", "à") else character
