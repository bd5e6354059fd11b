"""Whether it costs answers that people are asked ahead: `python experiments/asked_ahead.py`.

`--first-seed 5000 --seeds 50` are the seeds. A labeller as people are (temperature 0.3 spreads, 5 % mistakes, ties
within 0.1) answers a `LabellingSession` from a thread of its own, as a person at a terminal does, and takes its time,
by default a twentieth of a second: questions come in a fixed order, so that it does not matter how long it takes. Said
is how many of the seeds were solved within the forty answers that `--oracle human` asks for, and after how many.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from many_runs import Seeds, read_command_line, with_loss

from main import program
from workshop.commands import run_program
from workshop.labelling import open as way_to_answer
from workshop.labelling.session import LabellingSession

TEMPERATURE, MISTAKES, EQUAL = 0.3, 0.05, 0.1  # in spreads of the true returns seen so far, but for the mistakes


@dataclass(frozen=True)
class Options(Seeds):
    """A labeller who takes its time."""

    seconds: float = 0.05
    """How long it looks at a question."""


class SlowLabeller:
    """In place of a terminal: answers by the true returns, which it reads in the run's record."""

    def __init__(self, session: LabellingSession, folder: Path, seconds: float, generator: np.random.Generator):
        self._session, self._run, self._seconds, self._generator = session, folder.parent, seconds, generator
        self._seen: list[float] = []

    def __enter__(self) -> "SlowLabeller":
        threading.Thread(target=self._label, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _label(self) -> None:
        while not self._session.finished:
            question = self._session.current()
            if question is None:
                time.sleep(0.005)
                continue
            time.sleep(self._seconds)
            self._session.answer(question.number, self._preference(question.number), self._seconds)
        self._session.farewell()

    def _preference(self, number: int) -> float:
        with np.load(self._run / "fragments" / f"{number:06d}.npz") as fragments:
            a, b = (float(fragments[f"true_rewards_{side}"].sum()) for side in "ab")
        self._seen += [a, b]
        difference = (b - a) / (float(np.std(self._seen)) or 1.0)
        if abs(difference) < EQUAL:
            return 0.5
        b_is_better = self._generator.random() < 1 / (1 + np.exp(-difference / TEMPERATURE))
        return float(b_is_better != (self._generator.random() < MISTAKES))


def taught(seed: int, seconds: float, flags: str) -> dict[str, Any]:
    """What came of a run that such a labeller taught."""
    generator = np.random.default_rng([seed, 21])
    way: Callable[..., Any] = lambda session, folder: SlowLabeller(session, folder, seconds, generator)  # noqa: E731
    way_to_answer.TerminalLabeller = way  # type: ignore[misc, assignment]
    with tempfile.TemporaryDirectory() as runs:
        typed = ["--oracle", "terminal", "--ask-again", "0", "--no-pictures", "--seed", str(seed), "--runs-dir", runs]
        return program.train(program.read_config([*typed, *with_loss(flags)]), time.perf_counter())


def main() -> None:
    """Say what came of each seed, and of all."""
    options, flags = read_command_line(Options)
    needed: list[float] = []
    for seed in options.numbers:
        result = taught(seed, options.seconds, flags)
        needed.append(result["comparisons_to_solve"] if result["solved"] else np.inf)
        print(f"seed {seed}: return {result['true_return_mean']}, solved after {needed[-1]:g} answers", flush=True)
    solved = int(np.isfinite(needed).sum())
    print(f"{solved} of {len(needed)} solved; answers to solve: median {np.median(needed):g}")


if __name__ == "__main__":
    run_program(main, end=sys.exit)
