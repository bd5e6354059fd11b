"""Whether it costs answers that people are asked ahead: `python experiments/asked_ahead.py`.

`--first-seed 5000 --seeds 50` are the seeds. A labeller as people are (temperature 0.3 spreads, 5 % mistakes, ties
within 0.1) answers a `LabellingSession`, as a person at a terminal does, and is slow: it answers when the agent waits
for it, and has the next question before it then. Said is how many of the seeds were solved within the forty answers
that `--oracle human` asks for, and after how many.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Collection
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from many_runs import Seeds, read_command_line, with_loss

from main import program
from workshop.commands import run_program
from workshop.labelling import open as way_to_answer
from workshop.labelling.session import LabellingSession

TEMPERATURE, MISTAKES, EQUAL = 0.3, 0.05, 0.1  # in spreads of the true returns seen so far, but for the mistakes


class SlowLabeller:
    """In place of a terminal: answers by the true returns, which it reads in the run's record."""

    def __init__(self, session: LabellingSession, folder: Path, generator: np.random.Generator):
        self._session, self._run, self._generator = session, folder.parent, generator
        self._seen: list[float] = []

    def __enter__(self) -> "SlowLabeller":
        self._wait = self._session.wait
        self._session.wait = self._answer_first  # type: ignore[method-assign]
        self._session.wait_for_farewell = lambda seconds: True  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _answer_first(self, numbers: Collection[int]) -> dict[int, float | None]:
        while not self._session.has(numbers):
            question = self._session.current()
            assert question is not None, "the agent waits for an answer to one of those that were asked"
            self._session.answer(question.number, self._preference(question.number), 1.0)
            self._session.current()  # from now on it looks at the next one
        return self._wait(numbers)

    def _preference(self, number: int) -> float:
        with np.load(self._run / "fragments" / f"{number:06d}.npz") as fragments:
            a, b = (float(fragments[f"true_rewards_{side}"].sum()) for side in "ab")
        self._seen += [a, b]
        difference = (b - a) / (float(np.std(self._seen)) or 1.0)
        if abs(difference) < EQUAL:
            return 0.5
        b_is_better = self._generator.random() < 1 / (1 + np.exp(-difference / TEMPERATURE))
        return float(b_is_better != (self._generator.random() < MISTAKES))


def taught(seed: int, flags: str) -> dict[str, Any]:
    """What came of a run that such a labeller taught."""
    generator = np.random.default_rng([seed, 21])
    way: Callable[..., Any] = lambda session, folder: SlowLabeller(session, folder, generator)  # noqa: E731
    way_to_answer.TerminalLabeller = way  # type: ignore[misc, assignment]
    with tempfile.TemporaryDirectory() as runs:
        typed = ["--oracle", "terminal", "--ask-again", "0", "--no-pictures", "--seed", str(seed), "--runs-dir", runs]
        return program.train(program.read_config([*typed, *with_loss(flags)]), time.perf_counter())


def main() -> None:
    """Say what came of each seed, and of all."""
    options, flags = read_command_line(Seeds)
    needed: list[float] = []
    with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
        for seed, result in zip(options.numbers, pool.map(partial(taught, flags=flags), options.numbers), strict=True):
            needed.append(result["comparisons_to_solve"] if result["solved"] else np.inf)
            print(f"seed {seed}: return {result['true_return_mean']}, solved after {needed[-1]:g} answers", flush=True)
    solved = int(np.isfinite(needed).sum())
    print(f"{solved} of {len(needed)} solved; answers to solve: median {np.median(needed):g}")


if __name__ == "__main__":
    run_program(main, end=sys.exit)
