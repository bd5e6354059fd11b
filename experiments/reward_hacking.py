"""The reward that nobody asked for, rising, and the alarm: `python experiments/reward_hacking.py`.

Runs `main.py` with too few comparisons for the reward model to know what was meant, once for each seed, and draws for
each what the agent was trained to get, the learned return, beside what was wanted, the true return, with the iteration
in which the alarm spoke. Flags after `--` go to `main.py` in place of `--comparisons 4 --schedule constant`.
"""

import csv
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import tyro
from comparisons_to_solve import ROOT, run, split_arguments
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

TOO_FEW = ["--comparisons", "4", "--schedule", "constant"]
TRUE, LEARNED, ALARM = "#0072B2", "#D55E00", "#000000"  # Okabe and Ito's palette
COLUMNS = 5


@dataclass(frozen=True)
class Options:
    """Watch a misspecified reward being hacked."""

    first_seed: int = 20
    """The first seed."""
    seeds: int = 10
    """How many seeds, one after another."""
    jobs: int = 2
    """Runs at once."""
    plot: Path = ROOT / "plots" / "reward_hacking.png"
    """Where the figure goes."""


def main() -> None:
    arguments, passed_on = split_arguments()
    options, flags = tyro.cli(Options, args=arguments), passed_on or TOO_FEW
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with tempfile.TemporaryDirectory() as runs_dir, ThreadPoolExecutor(options.jobs) as pool:
        runs = list(pool.map(lambda seed: rows(seed, [*flags, "--runs-dir", runs_dir]), seeds))
    draw(dict(zip(seeds, runs, strict=True)), options.plot)
    print("| seed | true return at its best | … at the end | the alarm spoke in iteration |\n| --- | --- | --- | --- |")
    for seed, progress in zip(seeds, runs, strict=True):
        true = column(progress, "true_return_mean")
        print(f"| {seed} | {max(true):.0f} | {true[-1]:.0f} | {alarm(progress) or '–'} |")


def rows(seed: int, flags: list[str]) -> list[dict[str, str]]:
    """The progress of one run."""
    result = run(seed, flags)
    with (Path(result["run"]) / "progress.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def column(progress: Sequence[Mapping[str, str]], name: str) -> list[float]:
    return [float(row[name]) for row in progress]


def alarm(progress: Sequence[Mapping[str, str]]) -> int | None:
    """The iteration in which the alarm went off."""
    return next((int(row["iteration"]) for row in progress if row["reward_hacking"] == "1"), None)


def draw(runs: Mapping[int, Sequence[Mapping[str, str]]], path: Path) -> None:
    """A panel for each seed."""
    columns = min(COLUMNS, len(runs))
    lines = -(-len(runs) // columns)
    figure = Figure(figsize=(2.7 * columns + 1, 2.3 * lines + 0.8), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    handles = []
    for place, axes in enumerate(panels.flat):
        if place >= len(runs):
            axes.set_visible(False)
            continue
        seed, progress = list(runs.items())[place]
        iterations, spoke = column(progress, "iteration"), alarm(progress)
        learned_axes = axes.twinx()
        handles = [
            *axes.plot(iterations, column(progress, "true_return_mean"), color=TRUE, label="true return"),
            *learned_axes.plot(
                iterations, column(progress, "learned_return_mean"), color=LEARNED, linestyle="--",
                label="learned return (scale on the right, its own in each panel)",
            ),
        ]  # fmt: skip
        learned_axes.tick_params(axis="y", labelcolor=LEARNED, labelsize=8)
        if spoke is not None:
            axes.axvline(spoke, color=ALARM, linestyle=":")
        axes.set_title(f"seed {seed}", fontsize=10)
        axes.grid(alpha=0.3)
    for axes in panels[-1]:
        axes.set_xlabel("iteration")
    for axes in panels[:, 0]:
        axes.set_ylabel("true return", color=TRUE)
    spoken = Line2D([], [], color=ALARM, linestyle=":", label="the alarm spoke")
    figure.legend(handles=[*handles, spoken], loc="outside lower center", ncols=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
