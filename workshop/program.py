"""What every program of the workshop does the same way: read flags, say what is wrong, exit with the right code."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from itertools import zip_longest
from typing import Any, TypeVar

import tyro

from workshop.messages import UsageError, coloured, say

Flags = TypeVar("Flags")

EXIT_OTHER = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def read_flags(
    flags: type[Flags],
    arguments: Sequence[str],
    defaults: Callable[[Callable[[str], str | None]], Mapping[str, Any]] | None = None,
) -> Flags:
    """Read a command line into a dataclass. A mistake ends the program with a message and exit code 2.

    `defaults` gives those defaults, by field name, that follow from other flags. It gets a function that tells what was
    typed after a flag, None if the flag is not there.
    """
    default = flags()
    if defaults is not None:
        default = _replace(default, defaults(partial(_typed_after, arguments)))
    return tyro.cli(flags, args=arguments, default=default, config=(tyro.conf.OmitArgPrefixes,))


def _typed_after(arguments: Sequence[str], flag: str) -> str | None:
    typed = None
    for argument, following in zip_longest(arguments, arguments[1:]):
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
