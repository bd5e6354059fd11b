"""What every program of the workshop does the same way: read flags, say what is wrong, exit with the right code."""

import sys
from collections.abc import Callable
from typing import TypeVar

import torch
import tyro

from workshop.messages import UsageError, coloured, say

Flags = TypeVar("Flags")

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def read_flags(flags: type[Flags]) -> Flags:
    """Read the command line into a dataclass. A mistake ends the program with a message and exit code 2."""
    return tyro.cli(flags, config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff))


def run_program(main: Callable[[], None]) -> None:
    """Run `main` and exit: 0 when done, 2 for a mistake of the user's, 130 when interrupted."""
    try:
        main()
    except UsageError as mistake:
        first, *others = str(mistake).splitlines()
        say("\n".join([coloured(first, "red", sys.stderr), *others]))
        sys.exit(EXIT_USAGE)
    except KeyboardInterrupt:
        say("Interrupted.")
        sys.exit(EXIT_INTERRUPTED)


def choose_device(name: str) -> str:
    """Turn "cpu", "cuda" or "auto" into the device to train on; a UsageError if there is no such device.

    On the CPU one thread is as fast as several for nets this small, and leaves the other cores to other runs.
    """
    torch.set_num_threads(1)
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: PyTorch finds no CUDA GPU here; --device cpu or auto will do.")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name
