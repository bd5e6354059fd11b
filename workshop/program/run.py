"""Going on with an interrupted run, exactly where its last checkpoint was made."""

import io
import os
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from workshop import state as randomness
from workshop.agent.agent import Agent
from workshop.data.rollouts import Rollouts
from workshop.messages import RunError, UsageError, shown
from workshop.records.checkpoint import Checkpoints, State
from workshop.records.directory import CONFIG, RunDirectory
from workshop.records.fragment_files import (
    BrokenRecordError,
    find_file,
    parse_object,
    read_bytes,
    refuse_links_and_code,
)

ONLY_ON = ("check", "solution", "hint")  # flags that say nothing when they are not there
PREFIX = "comparisons_"  # before the names of their arrays, in one file with those of the rollouts


class Part(Protocol):
    """A part of a run that can be saved, and go on from what was saved."""

    def state(self) -> State:
        """Everything that it goes on from."""

    def restore(self, state: State) -> None:
        """Go on from there."""


class Arrays(Protocol):
    """Comparisons, to which there are only ever more added."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: slice) -> Self: ...

    def arrays(self) -> dict[str, np.ndarray]:
        """Their arrays by name."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Those with these arrays."""

    def followed_by(self, later: Self) -> Self:
        """These and then `later` ones."""


Comparisons = TypeVar("Comparisons", bound=Arrays)
Config = TypeVar("Config")


def recorded_arguments(run: Path) -> list[str]:
    """The arguments of `main.py` that give the options in the run's `config.json`.

    Raises a UsageError if there is no such run, and a RunError if it is finished, or its options cannot be read.
    """
    if not os.path.isfile(run / CONFIG):  # noqa: PTH113 (Path.is_file raises for a name that is too long)
        raise UsageError(f"--resume {shown(run)}: there is no run; name the directory of one, such as runs/….")
    if (run / "agent.zip").exists() and not Checkpoints(run).exist:
        raise RunError(f"--resume {run}: the run is finished.")
    try:
        options = parse_object(read_bytes(find_file(run, CONFIG)), CONFIG)
    except BrokenRecordError as problem:
        raise RunError(f"--resume {run}: {CONFIG} is damaged.") from problem
    return [argument for name, value in options.items() if name != "packages" for argument in _typed(name, value)]


def recorded_config(run: Path, read_config: Callable[[list[str]], Config]) -> Config:
    """The run's options as `read_config` reads those that are typed; raises what `recorded_arguments` does.

    A run with code in it is refused here, too, since the environment's id may name a module, which is then imported.
    """
    arguments = recorded_arguments(run)
    refuse_links_and_code(run)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            return read_config(arguments)
    except (SystemExit, UsageError) as problem:  # what there is to say is about flags that nobody typed
        raise RunError(f"--resume {run}: {CONFIG} does not hold options of this version of the workshop.") from problem


def _typed(option: str, value: Any) -> list[str]:
    """An option as one types it."""
    flag = f"--{option.replace('_', '-')}"
    if value is None or value == [] or (option in ONLY_ON and not value):
        return []
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if isinstance(value, list):
        return [flag, *map(str, value)]
    return [f"{flag}={value}"]


class Saved:
    """The checkpoints of a run that consists of an agent, other `parts`, rollouts and comparisons."""

    def __init__(self, run: RunDirectory, agent: Agent, **parts: Part | np.random.Generator):
        self._run, self._agent = run, agent
        self._parts: dict[str, Any] = {"agent": agent, "run": run, **parts}
        self._comparisons = 0

    def go_on(self, rollouts: Rollouts, comparisons: Comparisons, random_each: int) -> tuple[int, Comparisons]:
        """The iteration to begin with, and the comparisons until then; the rollouts are added to those passed.

        For a new run, these are 0 and what was passed. Raises a RunError if what was saved is not this run's.
        `random_each` are a random policy's steps at the beginning, in each environment.
        """
        if self._run.saved is None:
            return 0, comparisons
        (state, pieces), self._run.saved = self._run.saved, None
        try:
            comparisons = self._restore(state, pieces, rollouts, comparisons, random_each)
        except (OSError, RunError):
            raise
        except Exception as problem:  # whatever the parts raise for what they did not save
            raise RunError(f"--resume {self._run.path}: the checkpoint is damaged: it is not this run's.") from problem
        self._comparisons = len(comparisons)
        return len(pieces), comparisons

    def _restore(
        self, state: State, pieces: list[Any], rollouts: Rollouts, comparisons: Comparisons, random_each: int
    ) -> Comparisons:
        for piece in pieces:
            of_comparisons = {name.removeprefix(PREFIX): piece.pop(name) for name in list(piece) if PREFIX in name}
            rollouts.add(Rollouts.from_arrays(piece))
            comparisons = comparisons.followed_by(comparisons.from_arrays(of_comparisons))
        self._agent.play_again(rollouts, random_each)
        for name, part in self._parts.items():
            if isinstance(part, np.random.Generator):
                randomness.restore(part, state[name])
            else:
                part.restore(state[name])
        return comparisons

    def save(self, rollouts: Rollouts, comparisons: Comparisons) -> None:
        """Save all parts as they are after an iteration, and what it added to the rollouts and the comparisons."""
        state = {
            name: randomness.state_of(part) if isinstance(part, np.random.Generator) else part.state()
            for name, part in self._parts.items()
        }
        new = comparisons[self._comparisons :].arrays()
        self._run.checkpoints.save(
            state, rollouts.new.arrays() | {f"{PREFIX}{name}": array for name, array in new.items()}
        )
        self._comparisons = len(comparisons)
