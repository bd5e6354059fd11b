"""What becomes of flags: `python experiments/tables.py --table NAME`, with each row of the table on the same seeds.

| name | what |
| --- | --- |
| flags | the experiments of the slides that are single flags, on the pole; the seeds are others than those that the \
default settings were chosen on. Those with several numbers to choose from are in `experiments/studies.py` |
| pendulum | does what needs few comparisons on the pole do so on Pendulum-v1? The settings as they are, and the \
preset, both from half as many comparisons as are the default there, beside the true reward |
| half-cheetah | the same on HalfCheetah-v5, and a figure of the true returns over the run |
| reward-hacking | the reward that nobody asked for, rising, and the alarm, after too few comparisons for the reward \
model to know what was meant: a row for each seed, and a figure |

Flags after `--` go to `main.py` in place of the table's, as its only row. A figure goes to `plots/`.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from many_runs import ROOT, KeptRuns, as_code, never, print_table, read_command_line, share
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter

from workshop.many_runs import quantiles
from workshop.program import run_program
from workshop.records import FinishedRun

Runs = Sequence[FinishedRun]
SINGLE_FLAGS = (
    "", "--iterations 5", "--loss-temperature 10", "--oracle-temperature 1", "--oracle-mistakes 0.2", "--oracle-skip 0",
    "--oracle-equal 0.5", "--oracle-discount 0.8", "--diversity k-centre", "--stop-asking settled",
    "--schedule constant", "--schedule hyperbolic", "--entropy-bonus 0.3", "--no-pretrain", "--ensemble-size 1",
    "--weight-decay 0", "--weight-decay 0 --dropout 0.2", "--adaptive-weight-decay", "--reward-network additive",
    "--comparisons 4 --schedule constant",
)  # fmt: skip
ON_THE_CHEETAH = {
    "true reward": "--reward true",
    "350 comparisons": "--comparisons 350",
    "350, preset": "--preset few-comparisons",
}
LAST = 5  # evaluations, a tenth of a run on the cheetah
BLUE, RED, BLACK = "#0072B2", "#D55E00", "#000000"  # Okabe and Ito's palette


@dataclass(frozen=True)
class Table:
    """What to run, and how the runs of one row of flags, and those of the first row, become lines of the table."""

    rows: Mapping[str, str]
    columns: str
    lines: Callable[[str, Runs, Runs], list[list[object]]]
    first_seed: int
    seeds: int
    always: str = ""
    draw: Callable[[Mapping[str, Runs]], Figure] | None = None


@dataclass(frozen=True)
class Options(KeptRuns):
    """Run each row of a table on several seeds."""

    table: Literal["flags", "pendulum", "half-cheetah", "reward-hacking"] = "flags"
    """Which one. The default seeds are its own, and it names the directory below --runs-dir."""


def main() -> None:
    def its_seeds(typed_after: Callable[[str], str | None]) -> dict[str, int]:
        table = TABLES.get(typed_after("--table") or "flags", TABLES["flags"])
        return {"first_seed": table.first_seed, "seeds": table.seeds}

    options, passed_on = read_command_line(Options, its_seeds)
    table = TABLES[options.table]
    rows = {as_code(passed_on): passed_on} if passed_on else table.rows
    groups: dict[str, Runs] = {}

    def lines(name: str) -> list[list[object]]:
        groups[name] = options.runs(options.table, f"{table.always} {rows[name]}")
        return table.lines(name, groups[name], next(iter(groups.values())))

    print(f"seeds {options.numbers[0]}–{options.numbers[-1]}\n")
    print_table(table.columns, (line for name in rows for line in lines(name)))
    if table.draw is not None:
        table.draw(groups).savefig(ROOT / "plots" / f"{options.table.replace('-', '_')}.png", dpi=150)


def what_became(name: str, runs: Runs, _: Runs) -> list[list[object]]:
    """Means over the seeds, but for the comparisons to solve: median (quartiles)."""
    first, middle, third = map(never, quantiles([run.comparisons_to_solve for run in runs]))
    answers, skipped, steps, accuracy = (  # the accuracy is unknown where nothing was held out
        np.nanmean([run.columns[column][-1] for run in runs])
        for column in ("comparisons", "skipped", "gradient_steps", "reward_model_accuracy")
    )
    means = f"{answers:.0f}", f"{skipped:.0f}", f"{steps:.0f}", f"{accuracy:.2f}"
    solved, alarms = (share(each) for each in ([run.solved for run in runs], [alarms_of(run).size for run in runs]))
    return [[name, solved, f"{middle} ({first} to {third})", *means, alarms]]


def true_returns(name: str, runs: Runs, _: Runs) -> list[list[object]]:
    final = late_returns(runs, last=1)
    return [[name, f"{final.mean():.0f} ({', '.join(f'{value:.0f}' for value in final)})"]]


def against_the_first(name: str, runs: Runs, first: Runs) -> list[list[object]]:
    ratios = (late_returns(runs, last).mean() / late_returns(first, last).mean() for last in (1, LAST))
    return [[*true_returns(name, runs, first)[0], *(f"{ratio:.2f}" for ratio in ratios)]]


def hacked(_: str, runs: Runs, __: Runs) -> list[list[object]]:
    true = [run.columns["true_return_mean"] for run in runs]
    return [
        [run.seed, f"{max(returns):.0f}", f"{returns[-1]:.0f}", *(alarms_of(run)[:1] if alarms_of(run).size else "–")]
        for run, returns in zip(runs, true, strict=True)
    ]


def late_returns(runs: Runs, last: int) -> np.ndarray:
    """The mean true return of each run's last evaluations."""
    return np.array([run.columns["true_return_mean"][-last:].mean() for run in runs])


def alarms_of(run: FinishedRun) -> np.ndarray:
    """The iterations in which the alarm spoke: one at most."""
    return np.flatnonzero(run.columns["reward_hacking"] == 1)


def draw_returns(groups: Mapping[str, Runs]) -> Figure:
    """The mean over seeds of the true return against environment steps, with each seed thin behind it."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for (name, runs), (colour, style) in zip(groups.items(), ((BLACK, "--"), (BLUE, "-"), (RED, "-.")), strict=False):
        curves = [(run.columns["env_steps"], run.columns["true_return_mean"]) for run in runs]
        for curve in curves:
            axes.plot(*curve, color=colour, linestyle=style, alpha=0.3, linewidth=0.8)
        grid = np.linspace(0, min(steps[-1] for steps, _ in curves), 101)
        mean = np.mean([np.interp(grid, *curve) for curve in curves], axis=0)
        axes.plot(grid, mean, color=colour, linestyle=style, linewidth=2, label=f"{name} ({len(runs)} seeds)")
    axes.set(xlabel="environment steps", ylabel="true return of an episode")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return figure


def draw_hacking(groups: Mapping[str, Runs]) -> Figure:
    """For each seed what the agent was trained to get, beside what was wanted, and when the alarm spoke."""
    [runs] = groups.values()
    columns = min(5, len(runs))
    lines = -(-len(runs) // columns)
    figure = Figure(figsize=(2.7 * columns + 1, 2.3 * lines + 0.8), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    for axes in panels.flat[len(runs) :]:
        axes.set_visible(False)
    for axes, run in zip(panels.flat, runs, strict=False):
        learned_axes = axes.twinx()
        true, learned = run.columns["true_return_mean"], run.columns["learned_return_mean"]
        axes.plot(run.columns["iteration"], true, color=BLUE)
        learned_axes.plot(run.columns["iteration"], learned, color=RED, linestyle="--")
        learned_axes.tick_params(axis="y", labelcolor=RED, labelsize=8)
        for iteration in alarms_of(run):
            axes.axvline(iteration, color=BLACK, linestyle=":")
        axes.set_title(f"seed {run.seed}", fontsize=10)
        axes.grid(alpha=0.3)
    for axes in panels[-1]:
        axes.set_xlabel("iteration")
    for axes in panels[:, 0]:
        axes.set_ylabel("true return", color=BLUE)
    figure.legend(loc="outside lower center", ncols=3, handles=[
        Line2D([], [], color=BLUE, label="true return"),
        Line2D([], [], color=RED, linestyle="--", label="learned return (scale on the right, its own in each panel)"),
        Line2D([], [], color=BLACK, linestyle=":", label="the alarm spoke"),
    ])  # fmt: skip
    return figure


def rows_of(*flags: str) -> dict[str, str]:
    return {as_code(each): each for each in flags}


TABLES = {
    "flags": Table(
        rows_of(*SINGLE_FLAGS),
        "flags | solved | comparisons to solve | answers | skipped | gradient steps | held-out accuracy "
        "| reward hacking",
        what_became, 20, 10,
    ),
    "pendulum": Table(
        rows_of("--comparisons 100", "--preset few-comparisons", "--reward true"),
        "flags | true return at the end: mean (each seed)",
        true_returns, 0, 5, "--env Pendulum-v1",
    ),
    "half-cheetah": Table(
        ON_THE_CHEETAH,
        "reward | return at the end: mean (each seed) | ratio to the first | ratio over the last tenth",
        against_the_first, 0, 3, "--env HalfCheetah-v5", draw_returns,
    ),
    "reward-hacking": Table(
        rows_of("--comparisons 4 --schedule constant"),
        "seed | true return at its best | … at the end | the alarm spoke in iteration",
        hacked, 20, 10, draw=draw_hacking,
    ),
}  # fmt: skip

if __name__ == "__main__":
    run_program(main, end=sys.exit)
