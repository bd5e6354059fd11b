"""What every program of the workshop does the same way: read flags, say what is wrong, exit with the right code."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from itertools import zip_longest
from typing import Any, TypeVar

import torch
import tyro

from workshop.messages import UsageError, coloured, say

Flags = TypeVar("Flags")

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def read_flags(
    flags: type[Flags], defaults: Callable[[Callable[[str], str | None]], Mapping[str, Any]] | None = None
) -> Flags:
    """Read the command line into a dataclass. A mistake ends the program with a message and exit code 2.

    `defaults` gives those defaults, by field name, that follow from other flags. It gets a function that tells what was
    typed after a flag, None if the flag is not there.
    """
    default = flags()
    if defaults is not None:
        default = _replace(default, defaults(_typed_after))
    return tyro.cli(flags, default=default, config=(tyro.conf.OmitArgPrefixes,))


def _typed_after(flag: str) -> str | None:
    typed = None
    for argument, following in zip_longest(sys.argv[1:], sys.argv[2:]):
        name, equals, value = argument.partition("=")
        if name.replace("_", "-") == flag:
            typed = value if equals else following
    return typed


def _replace(config: Any, values: Mapping[str, Any]) -> Any:
    """The dataclass with these values for its fields, and those of the dataclasses in it, by name."""
    changes = {}
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            changes[field.name] = _replace(value, values)
        elif field.name in values:
            changes[field.name] = values[field.name]
    return replace(config, **changes)


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
