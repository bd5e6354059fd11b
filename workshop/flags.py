"""Dataclasses of options as flags and as JSON: a field `fragment_length` is `--fragment-length`, and that name there.

Options may be in dataclasses within a dataclass; their flags have no prefix, so every name is there once.
"""

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec

from workshop.bounds import Check

Config = TypeVar("Config")

# Marks beside a field's type, as in Annotated[bool, ONLY_ON]
ONLY_ON = "only on"  # no --no-… for it
COUNTED = "counted"  # by how often it is typed
POSITIONAL = "positional"  # typed without a flag
Mark = str | Check


@dataclass(frozen=True)
class Option:
    """One option: a field of a dataclass.

    | field | what |
    | --- | --- |
    | name, flag | `fragment_length`, `--fragment-length` |
    | owner | the dataclass that declares it |
    | type | without marks and None: bool, int, float, str, Path, a Literal, or a tuple of such |
    | marks | what stands beside the type |
    | value | what it is in the dataclass that was looked at, or by default |
    """

    name: str
    owner: type
    type: Any
    marks: tuple[Mark, ...]
    value: Any = field(compare=False)

    @property
    def flag(self) -> str:
        """As it is typed."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def flags(self) -> tuple[str, ...]:
        """All that can be typed for it."""
        if POSITIONAL in self.marks:
            return ()
        both = self.type is bool and ONLY_ON not in self.marks
        return (self.flag, f"--no-{self.flag[2:]}") if both else (self.flag,)


def options_of(config: Any) -> Iterator[Option]:
    """Every option of a dataclass, and of those in it, with its value there."""
    for each in fields(config):
        value = getattr(config, each.name)
        if is_dataclass(value):
            yield from options_of(value)
            continue
        annotated = get_origin(each.type) is Annotated
        kind, *marks = get_args(each.type) if annotated else (each.type,)
        if get_origin(kind) in (types.UnionType, Union):
            kind = next(part for part in get_args(kind) if part is not types.NoneType)
        owner = next(base for base in type(config).__mro__ if each.name in vars(base).get("__annotations__", {}))
        yield Option(each.name, owner, kind, tuple(marks), value)


def flag_names(config: Any) -> list[str]:
    """The flags of a dataclass, as they are typed."""
    return [flag for option in options_of(config) for flag in option.flags]


def with_values(kind: type[Config], values: Mapping[str, Any]) -> Config:
    """The dataclass with these values for its fields, and those of dataclasses in it, by name; defaults for the others.

    Raises the ValueError of a dataclass that refuses them.
    """
    made: dict[str, Any] = {}
    for each in fields(kind):  # type: ignore[arg-type]  # there is no type for a dataclass
        if is_dataclass(each.type) and isinstance(each.type, type):
            made[each.name] = with_values(each.type, values)
        elif each.name in values:
            made[each.name] = values[each.name]
    return kind(**made)


def as_json(config: Any) -> dict[str, Any]:
    """All options by name, as `config.json` has them: paths are text."""
    return {each.name: msgspec.to_builtins(each.value, enc_hook=Path.as_posix) for each in options_of(config)}


def from_json(kind: type[Config], content: Mapping[str, Any]) -> Config:
    """The dataclass with these options, as `as_json` gives them and JSON holds them.

    Raises a ValueError, or the one of a dataclass that refuses them, for an option that is missing, of another type, or
    none of its own.
    """
    options = {option.name: option for option in options_of(kind())}
    if options.keys() != content.keys():
        raise ValueError(f"there is no, or no such, {' '.join(sorted(options.keys() ^ content.keys()))}")
    values = {}
    for name, option in options.items():
        optional = option.type if option.value is not None else option.type | None
        values[name] = msgspec.convert(content[name], optional, dec_hook=lambda path, text: path(text))
    return with_values(kind, values)


def typed_flags(arguments: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Each flag among the arguments, spelt with dashes, and what follows it; "" for values before any."""
    typed: list[tuple[str, list[str]]] = []
    for argument in arguments:
        # a number may begin with a minus, too
        if argument[:1] == "-" and argument.lstrip("-")[:1].isalpha():
            name, equals, value = argument.partition("=")
            typed.append((name.replace("_", "-"), [value] if equals else []))
        elif typed:
            typed[-1][1].append(argument)
        else:
            typed.append(("", [argument]))
    return typed
