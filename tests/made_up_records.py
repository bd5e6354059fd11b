"""Records of answered comparisons, written as a run writes those of a person."""

import json
from pathlib import Path
from typing import Any

import numpy as np

ENV = "FixedHorizonCartPole-v0"
LENGTH = 3


class MadeUpRecord:
    """A run directory with a record that grows line by line; observations are pairs of numbers, actions 0 or 1."""

    def __init__(self, path: Path, labeller: str = "ada", length: int = LENGTH, env: str = ENV, seed: int = 0):
        self.path, self.labeller, self.length = path, labeller, length
        self._generator = np.random.default_rng(seed)
        self._asked: list[dict[str, Any]] = []
        (path / "fragments").mkdir(parents=True)
        (path / "config.json").write_text(json.dumps({"env": env, "seed": seed, "fragment_length": length}))
        self.lines = path / "comparisons.jsonl"
        self.lines.touch()

    def arrays(self, number: int) -> dict[str, np.ndarray]:
        with np.load(self.path / self._asked[number]["fragments"], allow_pickle=False) as file:
            return dict(file)

    def ask(self, return_a: float = 0.0, return_b: float = 1.0) -> int:
        """Ask about two new fragments with these true returns; the number of the question."""
        arrays = {}
        for side, value in (("a", return_a), ("b", return_b)):
            arrays[f"observations_{side}"] = self._generator.normal(size=(1, self.length, 2)).astype(np.float32)
            arrays[f"actions_{side}"] = self._generator.integers(2, size=(1, self.length))
            rewards = np.zeros((1, self.length), np.float32)
            rewards[0, -1] = value
            arrays[f"true_rewards_{side}"] = rewards
        return self._write(arrays, {})

    def ask_again(self, number: int, swapped: bool) -> int:
        arrays = self.arrays(number)
        if swapped:
            arrays = {name[:-1] + ("b" if name[-1] == "a" else "a"): array for name, array in arrays.items()}
        return self._write(arrays, {"repeats": number, "swapped": swapped})

    def _write(self, arrays: dict[str, np.ndarray], columns: dict[str, Any]) -> int:
        number = len(self._asked)
        file = f"fragments/{number:06d}.npz"
        np.savez(self.path / file, allow_pickle=False, **arrays)
        self._asked.append({"comparison": number, "fragments": file, "row": 0} | columns)
        return number

    def answer(self, number: int, preference: float | None, seconds: float = 2.0, **columns: Any) -> None:
        line = self._asked[number] | {
            "iteration": 0,
            "preference": preference,
            "labeller": self.labeller,
            "time": "2026-01-02T03:04:05.678+00:00",
            "seconds": seconds,
        }
        with self.lines.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(line | columns) + "\n")

    def undo(self, number: int) -> None:
        self.answer(number, None, undone=True)


def answered(path: Path, preferences: list[float | None], **options: Any) -> MadeUpRecord:
    """A record in which b has the higher true return in every question, with these answers."""
    record = MadeUpRecord(path, **options)
    for preference in preferences:
        record.answer(record.ask(), preference)
    return record


def of_two_people(folder: Path) -> list[MadeUpRecord]:
    """Two records, x and y, with one of everything."""
    ada = answered(folder / "x", [0.0, 1.0, 0.5, None], labeller="Ada Ä|B", seed=1)
    ada.answer(ada.ask_again(1, swapped=True), 1.0)
    bob = answered(folder / "y", [1.0, 1.0], labeller="bob", seed=2)
    bob.undo(0)
    return [ada, bob]


def rows(file: Path) -> list[dict[str, Any]]:
    """What is in a file of JSON, line by line."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
