"""Reward hacking, seen plainly: a labeller who takes movement for skill teaches the pole to spin.

The task is to keep the pole up, and the labeller, a synthetic oracle, prefers the clip in which the pole turns faster,
not seeing which way is up. So the agent gets better and better at what the labeller judges by, and worse at the task.
`python experiments/tables.py --table reward-hacking` makes the runs, a table and a figure of them.
"""

import csv
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from many_runs import with_loss
from matplotlib.figure import Figure

import main
from oracle import SyntheticOracle
from workshop.data import Fragments, Rollouts
from workshop.drawing import BLACK, BLUE, ORANGE, RANDOM, in_whole_numbers, solved
from workshop.records import FinishedRun, read_run

FLAGS = "--reward-network additive --query uniform --comparisons 24 --no-pictures"
SPEED = 3  # the place of the angular velocity in an observation
JUDGED = "judged.csv"


class TakesMovementForSkill(SyntheticOracle):
    """Answers by how fast the pole turns, whichever way is up, and not by the true reward; as noisy as others."""

    def observe(self, rollouts: Rollouts, fragment_length: int) -> None:
        super().observe(replace(rollouts, true_rewards=speeds(rollouts.observations)), fragment_length)

    def values(self, fragments: Fragments) -> np.ndarray:
        return super().values(replace(fragments, true_rewards=speeds(fragments.observations)))


def speeds(observations: np.ndarray) -> np.ndarray:
    """How fast the pole turns, in rad/s, either way; of the shape (…,) of the observations (…, 4)."""
    speeds: np.ndarray = np.abs(observations[..., SPEED])
    return speeds


@dataclass(frozen=True)
class Hacked:
    """A run taught by such a labeller: by iteration, what it judges by (rad/s) and the true return; both (k,)."""

    run: FinishedRun
    judged: np.ndarray

    @property
    def seed(self) -> int:
        return self.run.seed

    @property
    def true(self) -> np.ndarray:
        return self.run.columns["true_return_mean"]

    @property
    def alarms(self) -> list[int]:
        """The iteration in which the alarm spoke, if it did."""
        return [int(iteration) for iteration in np.flatnonzero(self.run.columns["reward_hacking"] == 1)]


def hacked_runs(seeds: Sequence[int], runs_dir: Path, jobs: int, flags: str) -> list[Hacked]:
    """A run for each seed, with these flags in place of `FLAGS`, if there are any; those there already are kept."""
    runs_dir.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in seeds if seed not in whole_runs(runs_dir)]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        list(pool.map(partial(make_run, runs_dir=runs_dir, flags=flags or FLAGS), missing))
    there = whole_runs(runs_dir)
    return [there[seed] for seed in seeds]


def whole_runs(runs_dir: Path) -> dict[int, Hacked]:
    """The runs that went on to their end, by their seeds."""
    found = {}
    for file in runs_dir.glob(f"*/{JUDGED}"):
        run = read_run(file.parent)
        with file.open(newline="", encoding="utf-8") as rows:
            found[run.seed] = Hacked(run, np.array([float(row["speed"]) for row in csv.DictReader(rows)]))
    return found


def make_run(seed: int, runs_dir: Path, flags: str) -> None:
    """Train as `main.py` does with these flags, but with that labeller; keep what it judges by of every rollout."""
    arguments = [*with_loss(flags), "--seed", str(seed), "--runs-dir", str(runs_dir)]
    rollouts: list[Rollouts] = []

    def blind(config: Any, run: Any, agent: Any, its: Rollouts, comparisons: Any, generator: Any) -> SyntheticOracle:
        rollouts.append(its)
        return TakesMovementForSkill(config.oracle, its, run.directory, generator)

    judged: list[float] = []
    main.make_oracle = blind  # type: ignore[assignment, attr-defined]  # the name by which the loop calls it
    result = main.program.train(
        main.program.read_config(arguments), time.perf_counter(), arguments,
        follow=lambda row: judged.append(float(speeds(rollouts[0].new.observations).mean())),
    )  # fmt: skip
    with (Path(result["run"]) / JUDGED).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["iteration", "speed"], *enumerate(judged)])


def draw(runs: Sequence[Hacked]) -> Figure:
    """What the labeller judges by, over the true return: each run thin, their mean thick, and where the alarm spoke."""
    figure = Figure(figsize=(7.5, 5.6), dpi=160, layout="constrained")
    panels = figure.subplots(2, 1, sharex=True)
    names = (
        "angular speed of the pole, rad/s:\nwhat the labeller judges by",
        "true return of an episode:\nwhat was wanted",
    )
    for axes, colour, name, values in zip(
        panels, (ORANGE, BLUE), names, ([run.judged for run in runs], [run.true for run in runs]), strict=True
    ):
        for run, each in zip(runs, values, strict=True):
            axes.plot(each, color=colour, alpha=0.35, linewidth=0.8)
            axes.plot(run.alarms, each[run.alarms], "v", color=BLACK, markersize=4)
        axes.plot(np.mean(values, axis=0), color=colour, linewidth=2.5, label=f"mean of {len(runs)} runs")
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
    speed, true = panels
    speed.set_ylim(0)
    true.set(ylim=(-210, 210), xlabel="iteration")
    true.axhline(runs[0].run.solved_at, **solved(runs[0].run.solved_at or 0))
    true.axhline(np.mean([run.run.columns["random_return_mean"][-1] for run in runs]), **RANDOM)
    true.plot([], [], "v", color=BLACK, markersize=4, label="the alarm spoke")
    in_whole_numbers(true, 11)
    figure.legend(*true.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
