"""What is wrong with a command line, in one sentence each: an unknown flag, a value of the wrong kind, none at all."""

import difflib
import re
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

from tyro import _errors as tyro_errors  # not public, so requirements.txt pins tyro exactly

from workshop.messages import UsageError, shown

KINDS = {"INT": "a whole number", "FLOAT": "a number", "PATH": "a path"}  # by what tyro calls them in --help


def no_such_flag(typed: str, flags: Collection[str]) -> str:
    """What to say of a flag that there is not, with the closest of those that there are."""
    flag = typed.replace("_", "-")
    if flag in flags:
        return f"{flag} comes after --, where there are no flags any more; leave the -- out."
    close = difflib.get_close_matches(flag.lower(), [*flags, "--help"], n=1)
    return f"There is no flag {shown(typed)}" + (f"; did you mean {close[0]}?" if close else ": --help lists them all.")


def refuse_unreadable(arguments: Sequence[str], may_be_empty: Collection[str]) -> None:
    """Raise a UsageError for an argument that no file system and no encoding takes, or an empty one.

    The flags in `may_be_empty` may have an empty value.
    """
    flag = "The value"
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if argument.startswith("--"):
            flag = name.replace("_", "-")
        else:
            equals, value = "=", argument
        if "\0" in argument or (not argument.isascii() and argument.encode(errors="ignore").decode() != argument):
            raise UsageError(f"{shown(flag)} must be text without NUL characters, in UTF-8, not {shown(ascii(value))}.")
        if equals and not value and flag not in may_be_empty:
            raise UsageError(f"{shown(flag)} must not be empty; leave it out for what is the default.")


def refuse_no_values(arguments: Sequence[str], flags: Collection[str]) -> None:
    """Raise a UsageError if nothing follows one of these flags, which take one or more values."""
    for argument in arguments:
        flag = argument.replace("_", "-")
        if flag in flags and not values_after(flag, arguments):
            raise UsageError(f"{flag} must be followed by one or more values, and nothing follows it.")


def refuse(event: tyro_errors.ParseErrorEvent, arguments: Sequence[str], flags: Collection[str]) -> None:
    """Raise a UsageError for what tyro cannot make sense of among these arguments of a program with these `flags`."""
    match event:
        case tyro_errors.UnrecognizedArgs(tokens=tokens):
            _refuse_unknown(tokens, arguments, flags)
        case tyro_errors.BadValue(argument=argument):
            raise UsageError(f"{_flag(argument)} must be {_allowed(argument)}, and nothing follows it.")
        case tyro_errors.InvalidChoice(argument=argument, value=value):
            close = difflib.get_close_matches(value, argument.lowered.choices or (), n=1)
            hint = f"; did you mean {close[0]}?" if close else "."
            raise UsageError(f"{_flag(argument)} must be {_allowed(argument)}, not {shown(repr(value))}{hint}")
        case tyro_errors.InstantiationFailure(argument=None, message=message):
            raise UsageError(message)  # what one of the dataclasses raised, which names the flag itself
        case tyro_errors.InstantiationFailure(argument=argument):
            typed = " ".join(values_after(_flag(argument), arguments))
            raise UsageError(f"{_flag(argument)} must be {_allowed(argument)}, not {shown(repr(typed))}.")


def values_after(flag: str, arguments: Sequence[str]) -> list[str]:
    """What was typed after a flag, as far as it can be told without knowing how many values it takes."""
    values: list[str] = []
    found = False
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if argument.startswith("--"):
            found = name.replace("_", "-") == flag
            values = ([value] if equals else []) if found else values  # the last one counts
        elif found:
            values.append(argument)
    return values


def _refuse_unknown(tokens: Sequence[str], arguments: Sequence[str], flags: Collection[str]) -> NoReturn:
    unknown = [token.partition("=")[0] for token in tokens if re.match(r"-+[A-Za-z]", token)]
    if unknown:
        raise UsageError(" ".join(no_such_flag(flag, flags) for flag in unknown))
    value = tokens[0]
    for before, argument in zip(["", *arguments], arguments, strict=False):
        flag, equals, after = argument.partition("=")
        if equals and after == value and flag.startswith("--"):
            raise UsageError(f"{flag} takes no value, so leave {shown(repr(value))} out; it must stand alone.")
        if argument == value and before.startswith("--") and "=" not in before:
            raise UsageError(f"{before} takes no value, so leave {shown(repr(value))} out; it must stand alone.")
    raise UsageError(f"{shown(repr(value))} belongs to no flag: a value comes after one, as in --seed 3.")


def _flag(argument: Any) -> str:
    return str(argument.lowered.name_or_flags[0])


def _allowed(argument: Any) -> str:
    """What may follow a flag, in words."""
    if argument.lowered.choices:
        *others, last = (choice for choice in argument.lowered.choices if choice != "None")
        return f"{', '.join(others)} or {last}" if others else last
    metavar = str(argument.lowered.metavar)
    kind = next((words for name, words in KINDS.items() if name in metavar), "a text")
    return f"one or more {kind.removeprefix('a ')}s" if "..." in metavar else kind
