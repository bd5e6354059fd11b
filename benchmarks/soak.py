"""Whether a long run stays as it began, and how many comparisons one can hold: `python benchmarks/soak.py`.

First one run of `main.py` with many iterations: the process's memory and the time of each iteration, early and late.

Then what a run does with its comparisons, for ever more of them, each in a process of its own: one pass of the fit over
all, the choice of the next questions (by disagreement among k-centres, the costliest there is), the judgement of what
was left out, and a checkpoint, written and read; with the most memory that it took beyond what the comparisons fill.
"""

import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import psutil
from gymnasium import spaces

from main import Config, preference_loss, train
from preferences import Comparisons, Fragments, PreferencesConfig, sample_pairs
from reward_model import RewardModel, RewardModelConfig
from workshop.data import Rollouts
from workshop.exercise import ChoiceModelConfig, choice_model
from workshop.program import read_flags, set_up_device
from workshop.records import CONFIG, Checkpoints, Row, RunDirectory

MEGABYTE = 2**20
SPACES = spaces.Box(-1, 1, (4,), np.float32), spaces.Discrete(2)
ASKED_AT_ONCE = 100


@dataclass(frozen=True)
class Options:
    """Watch the memory and the time of a long run, and of many comparisons."""

    iterations: int = 200
    """Iterations of the long run, of as many steps as those of a run by default."""
    comparisons: tuple[int, ...] = (1_000, 10_000, 100_000)
    """How many comparisons a run has, in turn."""


def main() -> None:
    options = read_flags(Options, sys.argv[1:])
    report_iterations(options.iterations)
    print()
    report_comparisons(options.comparisons)


def report_iterations(iterations: int) -> None:
    default = Config()
    steps = default.total_timesteps // default.iterations * iterations
    loss = ChoiceModelConfig(solution=True)
    config = replace(default, choice_model=loss, iterations=iterations, total_timesteps=steps)
    process, memory, seconds = psutil.Process(), [], []

    def follow(row: Row) -> None:
        memory.append(process.memory_info().rss / MEGABYTE)
        seconds.append(row["seconds"])
        print(f"iteration {row['iteration']}: {memory[-1]:.0f} MB, {seconds[-1]:.0f} s", file=sys.stderr)

    with tempfile.TemporaryDirectory() as directory:
        config = replace(config, runs_dir=Path(directory))
        train(config, time.perf_counter(), partial(RunDirectory.make, config, []), follow)
    each = np.diff(seconds)
    part = min(20, iterations // 4)
    print("| iterations | memory at the end of the part, MB | seconds an iteration, median |\n| --- | --- | --- |")
    for first in (part, iterations // 2, iterations - part):
        last = first + part
        print(f"| {first + 1}–{last} | {memory[last]:.0f} | {np.median(each[first:last]):.3f} |")
    print(f"\nMost memory after iteration {part}: {max(memory[part:]) / memory[part]:.3f} times what it was then.")


def report_comparisons(numbers: tuple[int, ...]) -> None:
    print("| comparisons | they fill, MB | a pass of the fit, s | choosing 100 questions, s | judging, s "
          "| checkpoint written, s | … read, s | memory beyond theirs, MB: choosing | … at most |")  # fmt: skip
    print("| ---" * 9 + " |")
    for n in numbers:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(pool.apply(time_comparisons, (n,)), flush=True)


def time_comparisons(n: int) -> str:
    """The row of the table for n comparisons."""
    rng = np.random.default_rng(0)
    set_up_device("cpu")  # and one thread, as in a run
    rollouts = made_up_rollouts(rng, steps=60_000 // 16)
    length = PreferencesConfig().fragment_length
    bradley_terry = choice_model(ChoiceModelConfig(solution=True), yours=preference_loss)
    model = RewardModel(*SPACES, bradley_terry, RewardModelConfig(reward_epochs=1), rng)
    model.observe(rollouts)
    before = psutil.Process().memory_info().rss
    comparisons = made_up_comparisons(rng, n, length)
    filled = sum(array.nbytes for array in comparisons.arrays().values())
    asking = PreferencesConfig(query="disagreement", diversity="k-centre")
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / CONFIG).write_text("{}", encoding="utf-8")  # a checkpoint belongs to a run's options
        checkpoints = Checkpoints(Path(directory))
        steps: list[Callable[[], object]] = [
            lambda: model.fit(comparisons),
            lambda: sample_pairs(rollouts, ASKED_AT_ONCE, comparisons, asking, model, rng),
            lambda: model.held_out(comparisons),
            lambda: checkpoints.save({"reward_model": model.state()}, comparisons.arrays()),
            checkpoints.load,
        ]
        took, peaks = zip(*(timed_with_memory(step) for step in steps), strict=True)
    memory = [f"{(most - before - filled) / MEGABYTE:.0f}" for most in (peaks[1], max(peaks))]
    return f"| {' | '.join([f'{n:,}', f'{filled / MEGABYTE:.0f}', *(f'{s:.2f}' for s in took), *memory])} |"


def timed_with_memory(step: Callable[[], object]) -> tuple[float, int]:
    """The seconds that a step takes, and the most memory, in bytes, that the process has meanwhile."""
    process, done, peak = psutil.Process(), threading.Event(), 0

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.002):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    step()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    return seconds, max(peak, process.memory_info().rss)


def made_up_rollouts(rng: np.random.Generator, steps: int, n_envs: int = 16) -> Rollouts:
    episode_starts = np.zeros((steps, n_envs), bool)
    episode_starts[::200] = True
    observations = rng.uniform(-1, 1, (steps, n_envs, 4)).astype(np.float32)
    return Rollouts(observations, rng.integers(2, size=(steps, n_envs)), observations[..., 0], episode_starts)


def made_up_comparisons(rng: np.random.Generator, n: int, length: int) -> Comparisons:
    """Of random fragments, the better of which has the larger first observation in the mean."""
    a, b = (
        Fragments(observations, rng.integers(2, size=(n, length)), observations[..., 0])
        for observations in (rng.uniform(-1, 1, (n, length, 4)).astype(np.float32) for _ in range(2))
    )
    return Comparisons(a, b, (b.true_returns > a.true_returns).astype(float))


if __name__ == "__main__":
    main()
