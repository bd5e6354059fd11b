"""Checkpoints, from which an interrupted run goes on exactly: written aside, flushed to the disk, then renamed.

`checkpoint/` in a run's directory holds `iteration-000000.npz`, …, the rollouts and comparisons that each iteration
added, and `state.pt`, everything else. It holds their SHA-256 too, and those of the run's `config.json` and of the
answers of other runs that it learns from, so that a checkpoint is whole, and this run's, or none.
"""

import hashlib
import shutil
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from workshop.records.learned_from import LEARNED_FROM
from workshop.records.untrusted import CONFIG, BrokenRecordError
from workshop.safe_files import load_tensors, require_stored, write_safely
from workshop.state import State

FORMAT = 11
MADE_BY = ("gymnasium", "numpy", "stable-baselines3", "torch")
STATE = "state.pt"
ARRAY = "__array__"  # marks what was an array, since tensors alone can be loaded without running code
TEXTS = "__texts__"  # marks what was an array of texts, of which there are no tensors


class UnusableCheckpointError(BrokenRecordError):
    """A checkpoint that is missing, damaged or of another version; the text says what is the matter."""


class Checkpoints:
    """The checkpoints of one run, in its directory."""

    def __init__(self, run: Path):
        self.directory = run / "checkpoint"
        self._begun_with = run / CONFIG, run / LEARNED_FROM
        self._hashes: list[str] = []

    @property
    def exist(self) -> bool:
        """Whether there is anything to go on from."""
        return (self.directory / STATE).exists()

    def save(self, state: State, new: dict[str, np.ndarray]) -> None:
        """Save the state after an iteration, and the arrays that are new in it. Raises OSError if the disk is full."""
        import torch  # which takes a second, and not every program needs it

        self.directory.mkdir(exist_ok=True)
        file = self._file(len(self._hashes))
        write_safely(file, lambda stream: np.savez(stream, allow_pickle=False, **new))
        hashes = [*self._hashes, _sha256(file)]
        whole = {
            "format": FORMAT,
            "versions": versions(),
            "begun_with": [_sha256(path) for path in self._begun_with if path.exists()],
            "iterations": hashes,
            "state": _to_tensors(state),
        }
        write_safely(self.directory / STATE, lambda stream: torch.save(whole, stream))
        self._hashes = hashes

    def load(self) -> tuple[State, list[dict[str, np.ndarray]]]:
        """The last state, and the arrays that each iteration until then added.

        Raises an UnusableCheckpointError for what is not a whole checkpoint of this version. No code in it is run.
        """
        try:
            return self._load()
        except UnusableCheckpointError:
            raise
        except Exception as problem:  # whatever zipfile, PyTorch and NumPy raise for what they cannot read
            raise UnusableCheckpointError("is damaged: it does not hold what a run saves") from problem

    def _load(self) -> tuple[State, list[dict[str, np.ndarray]]]:
        whole = self._load_state()
        if whole["versions"] != versions():
            theirs = ", ".join(f"{name} {number}" for name, number in whole["versions"].items())
            raise UnusableCheckpointError(f"was made with other versions of packages ({theirs})")
        if whole["begun_with"] != [_sha256(path) for path in self._begun_with if path.exists()]:
            names = " or ".join(path.name for path in self._begun_with if path.exists())
            raise UnusableCheckpointError(f"is another run's, or {names} has been changed since")
        added = []
        for number, sha256 in enumerate(whole["iterations"]):
            file = self._file(number)
            if not file.is_file() or _sha256(file) != sha256:
                raise UnusableCheckpointError(f"is damaged: {file.name} is missing or not the one that was written")
            with file.open("rb") as stream:
                require_stored(stream)
                added.append(dict(np.load(stream, allow_pickle=False)))
        self._hashes = whole["iterations"]
        return _to_arrays(whole["state"]), added

    def delete(self) -> None:
        """Delete them, which the run, being finished, does not need any more."""
        (self.directory / STATE).unlink(missing_ok=True)  # first: without it, what a kill leaves is no checkpoint
        if self.directory.exists():
            shutil.rmtree(self.directory)

    def _load_state(self) -> dict[str, Any]:
        file = self.directory / STATE
        if not file.is_file():
            raise UnusableCheckpointError("is missing: the run was stopped before its first one")
        try:
            with file.open("rb") as stream:
                whole = load_tensors(stream)
        except Exception as problem:  # whatever zipfile and PyTorch raise for what they cannot read
            raise UnusableCheckpointError(f"is damaged: {STATE} cannot be read") from problem
        if not isinstance(whole, dict) or whole.get("format") != FORMAT:
            raise UnusableCheckpointError(f"is not one of this version of the workshop: see {STATE}")
        return whole

    def _file(self, number: int) -> Path:
        return self.directory / f"iteration-{number:06d}.npz"


@cache  # since each takes a millisecond to be found
def versions() -> dict[str, str]:
    """The versions of the packages that decide what a run does."""
    return {package: version(package) for package in MADE_BY}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _to_tensors(value: Any) -> Any:
    import torch

    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return {TEXTS: value.tolist()}
    if isinstance(value, np.ndarray):
        return {ARRAY: torch.from_numpy(value.copy())}
    if isinstance(value, np.generic):
        return value.item()
    return _mapped(value, _to_tensors)


def _to_arrays(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {ARRAY}:
        return value[ARRAY].numpy()
    if isinstance(value, dict) and value.keys() == {TEXTS}:
        return np.array(value[TEXTS], np.str_)
    return _mapped(value, _to_arrays)


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: function(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(function(each) for each in value)
    return value
