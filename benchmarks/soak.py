"""Whether a long run stays as it began, and how many comparisons one can hold: `python benchmarks/soak.py`.

First one run of `main.py` with many iterations: the process's memory and the time of each iteration, early and late.

Then what a run does with its comparisons, for ever more of them, each in a process of its own: one pass of the fit over
all, the choice of the next questions (by disagreement among k-centres, the costliest there is), the judgement of what
was left out, and a checkpoint, written and read; with the most memory that it took beyond what the comparisons fill.
"""

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))

import numpy as np
import psutil
from gymnasium import spaces
from many_runs import print_table

from main import Config, preference_loss, program
from preferences import PreferencesConfig, sample_pairs
from reward_model import RewardModel, RewardModelConfig
from workshop.commands import read_flags, run_program
from workshop.data import Comparisons, Rollouts, cut
from workshop.exercise import ChoiceModelConfig, choice_model
from workshop.program import set_up_device
from workshop.records import CONFIG, Checkpoints, Row

MEGABYTE = 2**20
SPACES = spaces.Box(-1, 1, (4,), np.float32), spaces.Discrete(2)
ASKED_AT_ONCE = 100
SOLUTION = ChoiceModelConfig(solution=True)


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
    columns = (
        "comparisons | they fill, MB | a pass of the fit, s | choosing 100 questions, s | judging, s "
        "| checkpoint written, s | … read, s | memory beyond theirs, MB: choosing | … at most"
    )
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        print_table(columns, pool.imap(time_comparisons, options.comparisons))


def report_iterations(iterations: int) -> None:
    steps = Config.total_timesteps // Config.iterations * iterations
    process, memory, seconds = psutil.Process(), [], []

    def follow(row: Row) -> None:
        memory.append(process.memory_info().rss / MEGABYTE)
        seconds.append(row["seconds"])
        print(f"iteration {row['iteration']}: {memory[-1]:.0f} MB, {seconds[-1]:.0f} s", file=sys.stderr)

    with tempfile.TemporaryDirectory() as runs_dir:
        config = Config(choice_model=SOLUTION, iterations=iterations, total_timesteps=steps, runs_dir=Path(runs_dir))
        program.train(config, time.perf_counter(), follow=follow)
    each, part = np.diff(seconds), min(20, iterations // 4)
    print("| iterations | memory at the end of the part, MB | seconds an iteration, median |\n| --- | --- | --- |")
    for first in (part, iterations // 2, iterations - part):
        last = first + part
        print(f"| {first + 1}–{last} | {memory[last]:.0f} | {np.median(each[first:last]):.3f} |")
    print(f"\nMost memory after iteration {part}: {max(memory[part:]) / memory[part]:.3f} times what it was then.")


def time_comparisons(n: int) -> list[str]:
    """The row of the table for n comparisons, of fragments the better of which has the larger first observation."""
    rng = np.random.default_rng(0)
    set_up_device("cpu")  # and one thread, as in a run
    steps, n_envs, length = 60_000 // 16, 16, PreferencesConfig().fragment_length
    observations = rng.uniform(-1, 1, (steps, n_envs, 4)).astype(np.float32)
    begin = np.tile(np.arange(steps)[:, None] % 200 == 0, n_envs)
    rollouts = Rollouts(observations, rng.integers(2, size=(steps, n_envs)), observations[..., 0], begin)
    model = RewardModel(*SPACES, choice_model(SOLUTION, preference_loss), RewardModelConfig(reward_epochs=1), rng)
    model.observe(rollouts)
    before = psutil.Process().memory_info().rss
    a, b = (cut(rollouts, rng.integers((steps - length, n_envs), size=(n, 2)), length) for _ in range(2))
    comparisons = Comparisons(a, b, (b.true_returns > a.true_returns).astype(float))
    filled = sum(array.nbytes for array in comparisons.arrays().values())
    asking = PreferencesConfig(query="disagreement", diversity="k-centre")
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / CONFIG).write_text("{}", encoding="utf-8")  # a checkpoint belongs to a run's options
        checkpoints = Checkpoints(Path(directory))
        took, peaks = zip(*map(timed_with_memory, (
            lambda: model.fit(comparisons),
            lambda: sample_pairs(rollouts, ASKED_AT_ONCE, comparisons, asking, model, rng),
            lambda: model.held_out(comparisons),
            lambda: checkpoints.save({"reward_model": model.state()}, comparisons.arrays()),
            checkpoints.load,
        )), strict=True)  # fmt: skip
    memory = [f"{(most - before - filled) / MEGABYTE:.0f}" for most in (peaks[1], max(peaks))]
    return [f"{n:,}", f"{filled / MEGABYTE:.0f}", *(f"{seconds:.2f}" for seconds in took), *memory]


def timed_with_memory(step: Callable[[], object]) -> tuple[float, int]:
    """The seconds that a step takes, and the most memory, in bytes, that the process has meanwhile."""
    process, seen = psutil.Process(), [0]
    with ThreadPoolExecutor(1) as pool:
        started = time.perf_counter()
        running = pool.submit(step)
        while not wait([running], timeout=0.002).done:
            seen.append(process.memory_info().rss)
        seconds = time.perf_counter() - started
    running.result()  # raises what went wrong
    return seconds, max(*seen, process.memory_info().rss)


if __name__ == "__main__":
    run_program(main, end=sys.exit)
