"""Aligned to who? `python experiments/aligned_to_who.py`: two groups, one agent, and what each of them gets.

Runs `main.py` with a majority that wants the pole upright and a minority that wants it to spin: the minority's share
from 0 to 0.5, and each way of aligning at shares 0.25 and 0.5. Writes a row for each group of each run to a CSV and
draws what each group got. It tells, too, whether the agreement measured before the agent trains (`alpha_first`)
foretells what the minority gets. Flags after `--` go to `main.py`.
"""

import csv
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from many_runs import Seeds, print_table, read_command_line
from runs_of_main import run_main
from scipy.stats import spearmanr

from workshop.commands import run_program

SHARES = 0.0, 0.125, 0.25, 0.375, 0.5
NOBODY = 1e-6  # labellers in a group that is measured, but not asked
COLUMNS = ["align_to", "share", "seed", "group", "return", "got", "agrees", "alpha_first"]


@dataclass(frozen=True)
class Options(Seeds):
    """Two groups that want different things, on several seeds."""

    first_seed: int = 100
    """The first seed."""
    seeds: int = 10
    """How many seeds, one after another."""
    jobs: int = 1
    """Runs at once."""
    majority: str = "upright"
    """What the larger group wants."""
    minority: str = "spin"
    """What the smaller group wants."""
    output: Path = Path("aligned_to_who")
    """Where to write, with .csv and .png after it."""


def main() -> None:
    options, passed_on = read_command_line(Options)
    ways = [("everybody", share) for share in SHARES]
    ways += [
        (way, share) for share in (0.25, 0.5) for way in (options.majority, options.minority, "turns", "worst-off")
    ]
    tasks = [(way, share, seed) for way, share in ways for seed in options.numbers]
    with tempfile.TemporaryDirectory() as runs_dir, ThreadPoolExecutor(options.jobs) as pool:
        rows = [
            row for each in pool.map(lambda task: one(task, options, passed_on, Path(runs_dir)), tasks) for row in each
        ]
    with options.output.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    draw(rows, options)
    print_table("aligned to | minority | group | got: mean | each seed", table(rows, ways, options))
    everybody = [row for row in rows if row["align_to"] == "everybody" and row["group"] == options.minority]
    alphas, theirs = ([float(str(row[name])) for row in everybody] for name in ("alpha_first", "got"))
    if len(everybody) > 2:
        found = spearmanr(alphas, theirs)
        what = f"Alpha at the start against what {options.minority} got"
        print(f"\n{what}: Spearman {found.statistic:.2f}, p {found.pvalue:.2f}")


def one(task: tuple[str, float, int], options: Options, passed_on: str, runs_dir: Path) -> list[dict[str, object]]:
    """A row for each group of one run: how it is aligned, the minority's share, and its seed."""
    align_to, share, seed = task
    groups = [f"{options.majority}:{1 - share or NOBODY}", f"{options.minority}:{share or NOBODY}"]
    typed = ["--labellers", *groups, "--align-to", align_to, *passed_on.split()]
    with (run_main(typed, seed, runs_dir) / "groups.csv").open(encoding="utf-8") as file:
        own = list(csv.DictReader(file))
    return [
        {"align_to": align_to, "share": share, "seed": seed, **{name: row[name] for name in COLUMNS[3:]}} for row in own
    ]


def got(rows: list[dict[str, object]], align_to: str, share: float, group: str) -> list[float]:
    """What a group got in each run aligned in this way."""
    chosen = [row for row in rows if (row["align_to"], row["share"], row["group"]) == (align_to, share, group)]
    return [float(str(row["got"]) or "nan") for row in chosen]


def table(rows: list[dict[str, object]], ways: list[tuple[str, float]], options: Options) -> list[list[object]]:
    lines: list[list[object]] = []
    for align_to, share in ways:
        for group in (options.majority, options.minority):
            each = got(rows, align_to, share, group)
            lines.append([align_to, share, group, f"{np.mean(each):.2f}", ", ".join(f"{x:.2f}" for x in each)])
    return lines


def draw(rows: list[dict[str, object]], options: Options) -> None:
    """What each group got: over the minority's share, and by the way of aligning."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), dpi=120, layout="constrained")
    axes = figure.subplots(1, 3, sharey=True)
    for i, group in enumerate((options.majority, options.minority)):
        each = [got(rows, "everybody", share, group) for share in SHARES]
        axes[0].plot(SHARES, [np.mean(own) for own in each], color=f"C{i}", label=group)
        for share, own in zip(SHARES, each, strict=True):
            axes[0].plot([share] * len(own), own, ".", color=f"C{i}", alpha=0.5)
        for axis, share in zip(axes[1:], (0.25, 0.5), strict=True):
            ways = ["everybody", options.majority, options.minority, "turns", "worst-off"]
            for x, way in enumerate(ways):
                own = got(rows, way, share, group)
                axis.plot([x + 0.2 * i - 0.1] * len(own), own, ".", color=f"C{i}", alpha=0.5)
                axis.plot([x + 0.2 * i - 0.1], [np.mean(own)], "_", color=f"C{i}", markersize=12)
            axis.set_xticks(range(len(ways)), [f"to {way}" if way in ways[1:3] else way for way in ways], rotation=25)
            axis.set(title=f"A minority of {share:.0%}, aligned to …")
    axes[0].set(
        title="Aligned to everybody", xlabel="share of the minority", ylabel="got: 0 random, 1 trained for it alone"
    )
    axes[0].legend(frameon=False)
    figure.savefig(options.output.with_suffix(".png"))


if __name__ == "__main__":
    run_program(main, end=sys.exit)
