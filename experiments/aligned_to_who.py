"""Aligned to who? `python experiments/aligned_to_who.py`: two groups, one agent, and what each of them gets.

Runs `main.py` with a majority that wants the pole upright and a minority that wants it to spin or, with `--program
llm`, a language model for visitors and for those in a hurry: the minority's share from 0 to 0.5, and each way of
aligning at shares 0.25 and 0.5. A row for each group of each run goes to a CSV as soon as the run is over, so that an
experiment that was interrupted goes on where it was; then what each group got is drawn. It tells, too, whether the
agreement measured before anything is trained (`alpha_first`) foretells what the minority gets. Flags after `--` go to
the program; take another `--output` with them.
"""

import csv
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from many_runs import ROOT, Seeds, print_table, read_command_line
from one_run import Program, one_run
from scipy.stats import spearmanr

from workshop.commands import run_program
from workshop.drawing import BLUE, DPI, GREY, LOOK, ORANGE, WIDTH

SHARES = 0.0, 0.125, 0.25, 0.375, 0.5
NOBODY = 1e-6  # labellers in a group that is measured, but not asked
COLUMNS = ["align_to", "share", "seed", "group", "return", "got", "agrees", "alpha_first"]
AT_THE_DESK = {"majority": "visitor", "minority": "hurried", "output": Path("plots/aligned_to_who_llm")}

Task = tuple[str, float, int]  # how it is aligned, the minority's share, and the seed
Row = dict[str, Any]


@dataclass(frozen=True)
class Options(Seeds):
    """Two groups that want different things, on several seeds."""

    program: Program = "main"
    """Of which program the runs are."""
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
    output: Path = Path("plots/aligned_to_who_main")
    """Where to write, with .csv and .png after it; what stands there already is not done again."""

    @property
    def groups(self) -> tuple[str, str]:
        """The majority and the minority."""
        return self.majority, self.minority

    @property
    def ways(self) -> list[tuple[str, float]]:
        """How it is aligned, with the minority's share."""
        others = (*self.groups, "turns", "worst-off")
        return [*(("everybody", share) for share in SHARES), *((way, share) for share in (0.25, 0.5) for way in others)]

    @property
    def tasks(self) -> list[Task]:
        """All runs."""
        return [(way, share, seed) for way, share in self.ways for seed in self.numbers]


def main() -> None:
    options, passed_on = read_command_line(Options, defaults)
    rows = kept(options)
    done = {task_of(row) for row in rows}
    missing = [task for task in options.tasks if task not in done]
    with tempfile.TemporaryDirectory() as runs_dir, ThreadPoolExecutor(options.jobs) as pool:
        for new in pool.map(lambda task: measure(task, options, passed_on, Path(runs_dir)), missing):
            rows += new
            keep(rows, options)
            print(f"{len({task_of(row) for row in rows})} of {len(options.tasks)} runs", file=sys.stderr)
    rows = [row for row in rows if task_of(row) in options.tasks]
    draw(rows, options)
    print_table("aligned to | minority | group | got: mean | each seed", table(rows, options))
    everybody = [row for row in rows if row["align_to"] == "everybody" and row["group"] == options.minority]
    alphas, theirs = ([float(row[name] or "nan") for row in everybody] for name in ("alpha_first", "got"))
    if len(everybody) > 2:
        found = spearmanr(alphas, theirs)
        what = f"Alpha at the start against what {options.minority} got"
        print(f"\n{what}: Spearman {found.statistic:.2f}, p {found.pvalue:.2f}")


def defaults(typed_after: Callable[[str], str | None]) -> dict[str, Any]:
    return AT_THE_DESK if typed_after("--program") == "llm" else {}


def task_of(row: Row) -> Task:
    return row["align_to"], row["share"], row["seed"]


def file_of(options: Options, suffix: str) -> Path:
    return ROOT / options.output.with_suffix(suffix)


def kept(options: Options) -> list[Row]:
    """What was measured before, of these two groups."""
    file = file_of(options, ".csv")
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [
        {**row, "share": float(row["share"]), "seed": int(row["seed"])}
        for row in rows
        if row["group"] in options.groups
    ]


def keep(rows: Sequence[Row], options: Options) -> None:
    with file_of(options, ".csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def measure(task: Task, options: Options, passed_on: str, runs_dir: Path) -> list[Row]:
    """A row for each group of one run."""
    align_to, share, seed = task
    shares = 1 - share or NOBODY, share or NOBODY
    groups = [f"{group}:{labellers}" for group, labellers in zip(options.groups, shares, strict=True)]
    typed = ["--labellers", *groups, "--align-to", align_to, *passed_on.split()]
    with (one_run(options.program, typed, seed, runs_dir) / "groups.csv").open(encoding="utf-8") as file:
        own = list(csv.DictReader(file))
    return [
        {"align_to": align_to, "share": share, "seed": seed, **{name: row[name] for name in COLUMNS[3:]}} for row in own
    ]


def got(rows: Sequence[Row], align_to: str, share: float, group: str) -> list[float]:
    """What a group got in each run aligned in this way."""
    chosen = [row for row in rows if (row["align_to"], row["share"], row["group"]) == (align_to, share, group)]
    return [float(row["got"] or "nan") for row in chosen]


def table(rows: Sequence[Row], options: Options) -> list[list[object]]:
    lines: list[list[object]] = []
    for align_to, share in options.ways:
        for group in options.groups:
            each = got(rows, align_to, share, group)
            lines.append([align_to, share, group, f"{np.mean(each):.2f}", ", ".join(f"{x:.2f}" for x in each)])
    return lines


def draw(rows: Sequence[Row], options: Options) -> None:
    """What each group got: over the minority's share, and by the way of aligning."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(WIDTH, 3.8), dpi=DPI, layout="constrained")
        axes = figure.subplots(1, 3, sharey=True)
        ways = ["everybody", *options.groups, "turns", "worst-off"]
        for i, (group, colour) in enumerate(zip(options.groups, (BLUE, ORANGE), strict=True)):
            each = [got(rows, "everybody", share, group) for share in SHARES]
            axes[0].plot(SHARES, [np.mean(own) for own in each], color=colour, label=group)
            for share, own in zip(SHARES, each, strict=True):
                axes[0].plot([share] * len(own), own, ".", color=colour, alpha=0.5)
            for axis, share in zip(axes[1:], (0.25, 0.5), strict=True):
                for x, way in enumerate(ways):
                    own = got(rows, way, share, group)
                    axis.plot([x + 0.2 * i - 0.1] * len(own), own, ".", color=colour, alpha=0.5)
                    axis.plot([x + 0.2 * i - 0.1], [np.mean(own)], "_", color=colour, markersize=12)
        for axis, share in zip(axes[1:], (0.25, 0.5), strict=True):
            axis.set_xticks(
                range(len(ways)), [f"to {way}" if way in options.groups else way for way in ways], rotation=25
            )
            axis.set_title(f"A minority of {share:.0%}, aligned to …", fontsize=10)
        for axis in axes:
            axis.grid(alpha=0.3)
            for height in (0, 1):
                axis.axhline(height, color=GREY, linewidth=1, zorder=0)
        axes[0].set_title("Aligned to everybody", fontsize=10)
        axes[0].set(xlabel="share of the minority", ylabel="got: 0 untrained, 1 trained for it alone")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        figure.savefig(file_of(options, ".png"))


if __name__ == "__main__":
    run_program(main, end=sys.exit)
