"""How much worse than the true reward are 350 comparisons? `python experiments/half_cheetah.py`.

Runs `main.py --env HalfCheetah-v5` as a user types it: on the true reward, and on one learned from so many answers of
the synthetic oracle, with the settings as they are and with the preset for few comparisons, once for each seed. Draws
the true returns over the run, and prints a table in which the rewards are compared with the first. Finished runs below
`--runs-dir` are not done again, so an interrupted benchmark goes on where it was. Flags after `--` go to `main.py`.
"""

import csv
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro
from comparisons_to_solve import split_arguments
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

ROOT = Path(__file__).resolve().parents[1]
# name, flags, colour (Okabe and Ito's palette) and style of the line
GROUPS = {
    "true reward": (["--reward", "true"], "#000000", "--"),
    "350 comparisons": (["--comparisons", "350"], "#0072B2", "-"),
    "350, preset": (["--preset", "few-comparisons"], "#D55E00", "-."),
}
LAST = 5  # evaluations, a tenth of the run


@dataclass(frozen=True)
class Options:
    """Compare the true reward with learned ones on HalfCheetah."""

    first_seed: int = 0
    """The first seed."""
    seeds: int = 3
    """How many seeds, one after another."""
    only: Literal["true reward", "350 comparisons", "350, preset"] | None = None
    """One of the rewards alone, in the table and in the figure."""
    jobs: int = 2
    """Runs at once."""
    runs_dir: Path = Path("runs/half_cheetah")
    """Where the runs are kept, and looked for."""
    plot: Path = Path("plots/half_cheetah.png")
    """Where the figure goes."""


def main() -> None:
    arguments, passed_on = split_arguments()
    options = tyro.cli(Options, args=arguments)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    names = [options.only] if options.only else list(GROUPS)
    todo = [(name, seed) for seed in seeds for name in names]
    with ThreadPoolExecutor(options.jobs) as pool:
        runs = dict(
            zip(
                todo, pool.map(lambda run: finished_run(run[0], run[1], options.runs_dir, passed_on), todo), strict=True
            )
        )
    curves = {name: [read(runs[name, seed]) for seed in seeds] for name in names}
    print("| reward | return at the end: mean (each seed) | ratio to the first | ratio over the last tenth |")
    print("| --- | --- | --- | --- |")
    reference = [np.mean([returns[-last:].mean() for _, returns in curves[names[0]]]) for last in (1, LAST)]
    for name, group in curves.items():
        final, late = ([returns[-last:].mean() for _, returns in group] for last in (1, LAST))
        each = ", ".join(f"{value:.0f}" for value in final)
        print(
            f"| {name} | {np.mean(final):.0f} ({each}) | {np.mean(final) / reference[0]:.2f} "
            f"| {np.mean(late) / reference[1]:.2f} |"
        )
    draw(curves, options.plot)


def finished_run(name: str, seed: int, runs_dir: Path, passed_on: list[str]) -> Path:
    """The directory of this run, done now if it has not been."""
    label = name.replace(",", "").replace(" ", "-")
    for config in runs_dir.glob(f"HalfCheetah-v5__{label}__{seed}__*/config.json"):
        if (config.parent / "agent.zip").exists():
            return config.parent
    command = [sys.executable, "main.py", "--env", "HalfCheetah-v5", "--solution", "--seed", str(seed), "--name", label]
    command += [*GROUPS[name][0], "--no-pictures", "--runs-dir", str(runs_dir.resolve()), *passed_on]
    finished = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    print(f"seed {seed}, {name}: {finished.stdout.strip()}", file=sys.stderr, flush=True)
    return Path(json.loads(finished.stdout)["run"])


def read(run: Path) -> tuple[np.ndarray, np.ndarray]:
    """Environment steps and mean true returns of the run's evaluations."""
    with (run / "progress.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    steps, returns = ([float(row[column]) for row in rows] for column in ("env_steps", "true_return_mean"))
    return np.array(steps), np.array(returns)


def draw(curves: dict[str, list[tuple[np.ndarray, np.ndarray]]], path: Path) -> None:
    """Plot the mean over seeds of the true return against environment steps, with each seed thin behind it."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, group in curves.items():
        _, colour, style = GROUPS[name]
        for steps, returns in group:
            axes.plot(steps, returns, color=colour, linestyle=style, alpha=0.3, linewidth=0.8)
        grid = np.linspace(0, min(steps[-1] for steps, _ in group), 101)
        mean = np.mean([np.interp(grid, steps, returns) for steps, returns in group], axis=0)
        axes.plot(grid, mean, color=colour, linestyle=style, linewidth=2, label=f"{name} ({len(group)} seeds)")
    axes.set_xlabel("environment steps")
    axes.set_ylabel("true return of an episode")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
