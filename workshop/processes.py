"""Ctrl-C and SIGTERM, for a program and for the processes that it starts; and whether it has a display."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any, NoReturn


class Terminated(KeyboardInterrupt):
    """SIGTERM, which stops a program as Ctrl-C does."""


def begin() -> None:
    """What a program does before it imports PyTorch and the like, which takes seconds."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # at Ctrl-C there is nothing yet to end in order
    os.environ["MPLBACKEND"] = "agg"  # figures go to files, whatever a notebook, say, has set for its own


def stop_in_order() -> None:
    """Let SIGTERM and the first Ctrl-C stop the program in order, and a second Ctrl-C at once."""

    def stop(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, lambda number, _: leave(128 + number))
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def leave(code: int) -> NoReturn:
    """End the program and the processes that it started, now: what Python does at its end can take seconds.

    What had to be put in order has been, by context managers.
    """
    try:
        children = multiprocessing.active_children()
        for child in children:
            child.terminate()
        for child in children:
            child.join(1)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:  # whatever was broken off in the middle, and cannot be ended or flushed
        os._exit(code)


@contextlib.contextmanager
def children_stopped_by_the_program() -> Iterator[None]:
    """Processes started in here do not hear Ctrl-C, which a terminal sends to all of them, and say nothing at SIGTERM.

    It is the program's to end them, so it does not stop in here either, where one could be half started and in nobody's
    books: it stops at the end. Windows has no such thing.
    """
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield
        return
    program, received = os.getpid(), []

    def later(number: int, frame: Any) -> None:
        if os.getpid() == program:
            received.append(number)
        elif number == signal.SIGTERM:  # in a fork of it
            os._exit(128 + number)

    handlers = {number: signal.signal(number, later) for number in (signal.SIGINT, signal.SIGTERM)}
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which children inherit
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)
        if received:
            signal.raise_signal(received[0])


def has_display() -> bool:
    """Whether a window can be opened. Only Unix desktops tell; macOS and Windows have a display as a rule."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
