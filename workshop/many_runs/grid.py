"""Flags with several values each, as `sweep.py` takes them, and the command lines that come of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from workshop.messages import UsageError


@dataclass(frozen=True)
class Axis:
    """A flag of `main.py`, and the alternatives for it: each the arguments that one run gets, the flag among them."""

    flag: str
    alternatives: tuple[tuple[str, ...], ...]


def read_axes(arguments: Sequence[str], options: Mapping[str, Any]) -> list[Axis]:
    """Read `--flag value value …`, for any number of flags, in the order in which they come first.

    `options` are `main.py`'s, by name, with their defaults. A flag that is on or off by itself is typed in both ways to
    have both: `--pretrain --no-pretrain`. One that takes several numbers as one value has them with commas between:
    `--hidden-sizes 64,64 16`. Raises a UsageError for what is no flag and no flag's value.
    """
    alternatives: dict[str, list[tuple[str, ...]]] = {}
    for typed, values in _typed_flags(arguments):
        name = typed.lstrip("-").replace("-", "_")
        on = name if name in options else name.removeprefix("no_")
        if isinstance(options.get(on), bool) or not values:
            found = [(typed, *values)]
        elif isinstance(options.get(name), tuple):
            found = [(typed, *value.split(",")) for value in values]
        else:
            found = [(typed, value) for value in values]
        alternatives.setdefault(f"--{on.replace('_', '-')}", []).extend(found)
    return [Axis(flag, tuple(dict.fromkeys(found))) for flag, found in alternatives.items()]


def combinations(axes: Sequence[Axis]) -> list[list[str]]:
    """The arguments of every combination of one alternative from each axis, the last axis changing fastest."""
    return [
        [argument for alternative in chosen for argument in alternative]
        for chosen in product(*(axis.alternatives for axis in axes))
    ]


def one_by_one(axes: Sequence[Axis]) -> list[list[str]]:
    """The arguments of combinations in which every alternative occurs, the others being the first of their axes."""
    chosen = [[axis.alternatives[0] for axis in axes]]
    for place, axis in enumerate(axes):
        chosen += [[*chosen[0][:place], other, *chosen[0][place + 1 :]] for other in axis.alternatives[1:]]
    return [[argument for alternative in each for argument in alternative] for each in chosen]


def flags_in(arguments: Sequence[str]) -> list[str]:
    """The flags among these arguments, spelt with dashes, without their values."""
    return [argument.partition("=")[0].replace("_", "-") for argument in arguments if argument.startswith("--")]


def _typed_flags(arguments: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Each flag as typed, with the values after it."""
    typed: list[tuple[str, list[str]]] = []
    for argument in arguments:
        if argument.startswith("--"):
            flag, equals, value = argument.partition("=")
            typed.append((flag, [value] if equals else []))
        elif typed:
            typed[-1][1].append(argument)
        else:
            raise UsageError(f"{argument!r} is not a flag: values come after one, as in --fragment-length 5 10 25.")
    return typed
