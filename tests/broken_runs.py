"""Runs that are broken on purpose."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

Value = TypeVar("Value")

STATE = "checkpoint/state.pt"
PIECE = "checkpoint/iteration-000001.npz"
WRONG = [
    None,
    True,
    -1,
    3.5,
    10**30,
    10**400,
    "",
    "x",
    "\ud800",
    "a\x00b",
    "$\\frac$",
    "\x1b[31m",
    [],
    [[]],
    {},
    {"a": 1},
]


# A few of all the ways in which something can be broken and, as a test of endurance, all of them
thoroughly = pytest.mark.parametrize(
    "thorough", [pytest.param(False, id="some"), pytest.param(True, id="all", marks=pytest.mark.endurance)]
)


def some(values: Iterable[Value], thorough: bool, n: int = 6) -> list[Value]:
    """All of them or, from the first to the last, n."""
    every = list(values)
    if thorough or len(every) <= n:
        return every
    return [every[place * (len(every) - 1) // (n - 1)] for place in range(n)]


class Payload:
    """Makes a directory when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def files(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def ends(content: bytes) -> Iterator[int]:
    """Where to cut: at every tenth byte or, of a large file, every tenth of it; and everywhere near its end."""
    yield from range(0, len(content), 10 if len(content) < 3000 else len(content) // 10)
    yield from range(len(content) - 30, len(content))


def linked(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("symbolic links cannot be made here")
