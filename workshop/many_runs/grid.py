"""Flags with several values each, as `sweep.py` takes them, and the command lines that come of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import get_origin

from workshop.flags import Option
from workshop.messages import UsageError


@dataclass(frozen=True)
class Axis:
    """A flag of `main.py`, and the alternatives for it: each the arguments that one run gets, the flag among them."""

    flag: str
    alternatives: tuple[tuple[str, ...], ...]


def read_axes(typed: Iterable[tuple[str, Sequence[str]]], options: Iterable[Option]) -> list[Axis]:
    """The flags that were typed, as `typed_flags` returns them, in the order in which they come first.

    `options` are `main.py`'s. A flag that is on or off by itself is typed in both ways to have both: `--pretrain
    --no-pretrain`. One that takes several numbers as one value has them with commas between: `--hidden-sizes 64,64 16`.
    Raises a UsageError for a value that comes before any flag.
    """
    by_flag = {flag: option for option in options for flag in option.flags}
    alternatives: dict[str, list[tuple[str, ...]]] = {}
    for flag, values in typed:
        if not flag:
            raise UsageError(f"{values[0]!r} is not a flag: values come after one, as in --fragment-length 5 10 25.")
        option = by_flag.get(flag)
        if not values or (option is not None and option.type is bool):
            found = [(flag, *values)]
        elif option is not None and get_origin(option.type) is tuple:
            found = [(flag, *value.split(",")) for value in values]
        else:
            found = [(flag, value) for value in values]
        alternatives.setdefault(flag if option is None else option.flag, []).extend(found)
    return [Axis(flag, tuple(dict.fromkeys(found))) for flag, found in alternatives.items()]


def combinations(axes: Sequence[Axis]) -> list[list[str]]:
    """The arguments of every combination of one alternative from each axis, the last axis changing fastest."""
    return [list(chain(*chosen)) for chosen in product(*(axis.alternatives for axis in axes))]


def one_by_one(axes: Sequence[Axis]) -> list[list[str]]:
    """The arguments of combinations in which every alternative occurs, the others being the first of their axes."""
    chosen = [[axis.alternatives[0] for axis in axes]]
    for place, axis in enumerate(axes):
        chosen += [[*chosen[0][:place], other, *chosen[0][place + 1 :]] for other in axis.alternatives[1:]]
    return [list(chain(*each)) for each in chosen]
