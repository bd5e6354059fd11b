"""What every program of the workshop does the same way: read flags, say what is wrong, exit with the right code."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from functools import partial
from itertools import zip_longest
from typing import Any, TypeVar

import tyro
from tyro._errors import on_parse_error

from workshop.messages import RunError, UsageError, coloured, say
from workshop.program.command_line import refuse, refuse_no_values, refuse_unreadable
from workshop.program.signals import Terminated, leave, stop_in_order

Flags = TypeVar("Flags")

EXIT_OTHER = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


def read_flags(
    flags: type[Flags],
    arguments: Sequence[str],
    defaults: Callable[[Callable[[str], str | None]], Mapping[str, Any]] | None = None,
) -> Flags:
    """Read a command line into a dataclass; a UsageError says in a sentence what is wrong with it.

    `defaults` gives those defaults, by field name, that follow from other flags. It gets a function that tells what was
    typed after a flag, None if the flag is not there.
    """
    default = flags()
    if defaults is not None:
        default = _replace(default, defaults(partial(_typed_after, arguments)))
    with _one_sentence(default, arguments):
        return tyro.cli(flags, args=arguments, default=default, config=(tyro.conf.OmitArgPrefixes,))


def read_known_flags(flags: type[Flags], arguments: Sequence[str]) -> tuple[Flags, list[str]]:
    """Read those of the arguments that are the dataclass's, as `read_flags` does; returns the others too."""
    with _one_sentence(flags(), arguments):
        return tyro.cli(flags, args=arguments, return_unknown_args=True)


@contextmanager
def _one_sentence(default: Any, arguments: Sequence[str]) -> Iterator[None]:
    """Make a UsageError of what tyro, or a dataclass that it makes, finds wrong with the arguments."""
    options = dict(_options(default))
    refuse_unreadable(arguments, [flag for flag, value in options.items() if value == ""])
    refuse_no_values(arguments, [flag for flag, value in options.items() if isinstance(value, tuple)])
    with on_parse_error(partial(refuse, arguments=arguments, flags=flag_names(default))):
        yield


def flag_names(config: Any) -> list[str]:
    """The flags for the fields of a dataclass and of those in it, as they are typed."""
    return [flag for flag, _ in _options(config)]


def _options(config: Any) -> Iterator[tuple[str, Any]]:
    """Each flag of a dataclass, and of those in it, with its value; what is on or off is two flags."""
    for field in fields(config):
        value, flag = getattr(config, field.name), field.name.replace("_", "-")
        if tyro.conf.Positional in getattr(field.type, "__metadata__", ()):
            continue  # is typed without a flag
        if is_dataclass(value):
            yield from _options(value)
        else:
            yield f"--{flag}", value
            if field.type is bool:
                yield f"--no-{flag}", value


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


def run_program(main: Callable[[], None], end: Callable[[int], object] = leave) -> None:
    """Run `main` and exit: 0 when done, 2 for a mistake of the user's, 130 or 143 when interrupted, 1 if it failed.

    `end` is called with the code where something was broken off.
    """
    stop_in_order()
    try:
        main()
    except UsageError as mistake:
        first, *others = str(mistake).splitlines()
        say("\n".join([coloured(first, "red", sys.stderr), *others]))
        sys.exit(EXIT_USAGE)
    except (RunError, OSError) as problem:
        say(coloured(_in_a_sentence(problem), "red", sys.stderr))
        end(EXIT_OTHER)
    except Terminated:
        end(EXIT_TERMINATED)
    except KeyboardInterrupt:
        end(EXIT_INTERRUPTED)


def _in_a_sentence(problem: Exception) -> str:
    if isinstance(problem, OSError):
        return f"{problem.filename or 'A file'}: {problem.strerror or problem}."
    return str(problem)
