"""What becomes of flags: `python experiments/tables.py --table NAME`, with all rows of the table on the same seeds.

| name | what |
| --- | --- |
| to-solve | how many comparisons, environment steps and seconds solve the pole |
| flags | the experiments of the slides that are single flags, on the pole |
| epochs, batch-size, … | those with several values to choose from, `STUDIES`: a sweep each, typed as it is printed |
| networks | which kind of reward network suits where: the true return at the end, by each, beside the true reward |
| half-cheetah | the same on HalfCheetah-v5, and a figure of the true returns over the run |
| reward-hacking | a labeller with a blind spot, `blind_spot.py`: what it judges by rises, and what was wanted falls; \
a row for each seed, and a figure |

The seeds are others than those on which settings were chosen. Flags after `--` go to `main.py` in place of the table's,
as its only row (and to every run of a sweep). Figures go to `plots/`. Runs are kept in `--runs-dir`, so that what was
interrupted goes on where it was, but for those of the first table, whose seconds count.
"""

import shlex
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations, starmap
from typing import Literal

import blind_spot
import numpy as np
from many_runs import ROOT, KeptRuns, as_code, median, never, print_table, read_command_line, share, timed_run
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from PIL import Image
from scipy import stats

from workshop.commands import run_program
from workshop.many_runs import quantiles
from workshop.records import FinishedRun, find_runs, read_run

BLUE, RED, BLACK = "#0072B2", "#D55E00", "#000000"  # Okabe and Ito's palette
# a labeller as people are, asked as a person is, with as many answers
PERSON = (
    "--oracle-temperature 0.3 --oracle-mistakes 0.05 --oracle-equal 0.1 --comparisons 40 --ask-ahead 2 "
    "--iterations 20 --total-timesteps 60000"
)
TO_SOLVE = ("", PERSON, "--reward-network joint", "--reward true")
TOO_FEW = "--comparisons 1"
SINGLE_FLAGS = (
    "", "--iterations 5", "--loss-temperature 10", "--oracle-temperature 1", "--oracle-mistakes 0.2", "--oracle-skip 0",
    "--oracle-equal 0.5", "--oracle-discount 0.8", "--diversity k-centre", "--stop-asking settled",
    "--schedule frontloaded", "--schedule hyperbolic", "--entropy-bonus 0.1", "--anneal-to 1", "--no-pretrain",
    "--ensemble-size 1", "--prior-std 0.2", "--reward-network joint", "--reward-network joint --weight-decay 0",
    "--reward-network joint --weight-decay 0 --dropout 0.2", "--adaptive-weight-decay", "--comparisons 4", TOO_FEW,
)  # fmt: skip
SUITED = "LunarLander-v3 --fixed-horizon 400", "Pendulum-v1", "Reacher-v5", "Swimmer-v5"
NETWORKS = "--reward-network additive", "--reward-network joint", "--reward true"
ON_THE_CHEETAH = (  # what a row is called, its flags, and the colour and the style of its line
    ("true reward", "--reward true", BLACK, "--"),
    ("350 comparisons", "--comparisons 350", BLUE, "-"),
    ("350, additive", "--comparisons 350 --reward-network additive", RED, "-."),
)
TENTH = 5  # evaluations, a tenth of a run on the cheetah
CHOICE_MODELS = "--loss bradley-terry thurstone lapse hinge"
STUDIES = {  # the figure's name: what is varied, and what goes to every run
    "epochs": ("--reward-epochs 1 3 6 15 60", "--solution --reward-network joint"),
    "batch-size": ("--reward-batch-size 2 5 20 100", "--solution --reward-network joint"),
    "fragment-length": ("--fragment-length 1 5 10 20 60", "--solution"),
    "network-sizes": ("--hidden-sizes 4 32 32,32 128,128", "--solution"),
    "queries": ("--query uniform disagreement entropy information-gain", "--solution"),
    "converged": ("--fit-until epochs converged", "--solution --reward-network joint --reward-epochs 60"),
    "choice-models": (CHOICE_MODELS, "--oracle-temperature 0"),
    "choice-models-noise": (CHOICE_MODELS, "--oracle-temperature 0.5"),
    "choice-models-mistakes": (CHOICE_MODELS, "--oracle-temperature 0 --oracle-mistakes 0.2 --lapse-rate 0.4"),
}
NAMES = ("to-solve", "flags", "networks", "half-cheetah", "reward-hacking", *STUDIES)


@dataclass(frozen=True)
class Options(KeptRuns):
    """Run each row of a table on several seeds."""

    table: Literal[NAMES] = "flags"  # type: ignore[valid-type]  # they are known when it runs
    """Which one. The default seeds are its own, and it names the directory below --runs-dir."""

    def of(self, flags: str) -> list[FinishedRun]:
        return self.runs(self.table, flags)


OWN_SEEDS = {
    "to-solve": {"first_seed": 5000, "seeds": 50, "jobs": 1},
    "networks": {"first_seed": 0, "seeds": 5},
    "half-cheetah": {"first_seed": 0, "seeds": 3},
}


def main() -> None:
    options, passed_on = read_command_line(Options, lambda after: OWN_SEEDS.get(after("--table") or "", {}))
    print(f"seeds {options.numbers[0]}–{options.numbers[-1]}\n")
    figure = TABLES.get(options.table, study)(options, passed_on)
    if figure is not None:
        figure.savefig(ROOT / "plots" / f"{options.table.replace('-', '_')}.png")


def to_solve(options: Options, passed_on: str) -> None:
    """Rows of runs as a user types them.

    A run counts from the first iteration from which it stays solved to its end; one that ends unsolved counts as
    infinite. Seconds are those since the command was typed, imports included.
    """
    with tempfile.TemporaryDirectory() as runs_dir, ThreadPoolExecutor(options.jobs) as pool:

        def row(flags: str) -> list[str]:
            typed = f"{flags} --no-pictures --runs-dir {runs_dir}"
            results = pool.map(lambda seed: timed_run(f"{typed} --seed {seed}"), options.numbers)
            runs, steps, seconds, whole = zip(*results, strict=True)
            comparisons = [run.comparisons_to_solve for run in runs]
            asked = max(run.columns["comparisons"][-1] for run in runs)
            solved, percentile = share([run.solved for run in runs]), never(quantiles(comparisons, [0.95])[0])
            medians = median(steps), median(seconds, ".1f"), f"{np.median(whole):.1f} ({max(whole):.1f})"
            rung = [run.solved for run in runs if alarms_of(run)]
            alarms = f"{len(rung)} ({sum(rung)})"
            return [as_code(flags), solved, median(comparisons), percentile, f"{asked:g}", *medians, alarms]

        columns = (
            "flags | solved at the end | comparisons to solve: median (95 % interval) | 95th percentile | asked "
            "| env steps to solve: median (95 % interval) | seconds to solve: median (95 % interval) "
            "| seconds of the whole run: median (most) | alarms (in runs that end solved)"
        )
        print_table(columns, map(row, [passed_on] if passed_on else TO_SOLVE))


def single_flags(options: Options, passed_on: str) -> None:
    """Means over the seeds, but for the comparisons to solve: median (quartiles)."""

    def row(flags: str) -> list[str]:
        its = options.of(flags)
        first, middle, third = map(never, quantiles([run.comparisons_to_solve for run in its]))
        answers, skipped, steps, accuracy = (  # the accuracy is unknown where nothing was held out
            np.nanmean([run.columns[column][-1] for run in its])
            for column in ("comparisons", "skipped", "gradient_steps", "reward_model_accuracy")
        )
        means = f"{answers:.0f}", f"{skipped:.0f}", f"{steps:.0f}", f"{accuracy:.2f}"
        solved, alarms = share([run.solved for run in its]), share([len(alarms_of(run)) for run in its])
        return [as_code(flags), solved, f"{middle} ({first} to {third})", *means, alarms]

    columns = "flags | solved | comparisons to solve | answers | skipped | gradient steps | held-out accuracy"
    print_table(f"{columns} | reward hacking", map(row, [passed_on] if passed_on else SINGLE_FLAGS))


def study(options: Options, passed_on: str) -> None:
    """After the sweep's own table, say which of the differences are beyond chance.

    Shares that were solved by Fisher's exact test, comparisons to solve by Mann and Whitney's (never is more than any
    number), two-sided, not corrected for how many pairs there are.
    """
    name, runs_dir = options.table, options.runs_dir / options.table
    varied, fixed = STUDIES[name]
    own = f"--name {name} --seeds {options.seeds} --first-seed {options.first_seed} --jobs {options.jobs}"
    places = f"--runs-dir {runs_dir} --plots-dir plots"
    command = f"sweep.py {varied} {own} {places} -- {fixed} --no-pictures {passed_on}".strip()
    print(f"    python {command}\n", flush=True)
    subprocess.run([sys.executable, *shlex.split(command)], cwd=ROOT, check=True)
    figure = ROOT / "plots" / f"{name}.png"
    few_colours = Image.open(figure).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3)
    few_colours.save(figure, optimize=True)  # smaller, as it is kept in the repository
    flag, _ = varied.split(maxsplit=1)
    groups = defaultdict(list)
    for run in map(read_run, find_runs([ROOT / runs_dir])):
        groups[str(run.options[flag.lstrip("-").replace("-", "_")])].append(run)
    comparisons = {value: [run.comparisons_to_solve for run in runs] for value, runs in groups.items()}
    accuracy = {v: np.nanmean([run.columns["reward_model_accuracy"][-1] for run in runs]) for v, runs in groups.items()}
    print()
    rows = ([value, median(comparisons[value]), f"{accuracy[value]:.2f}"] for value in groups)
    print_table(f"{flag} | comparisons to solve: median (95 % interval) | held-out accuracy, mean", rows)
    print()
    for pair in combinations(groups, 2):
        numbers = [np.nan_to_num(comparisons[value]) for value in pair]
        solved = [np.bincount(np.isfinite(comparisons[value]), minlength=2) for value in pair]
        fisher, mann_whitney = stats.fisher_exact(solved).pvalue, stats.mannwhitneyu(*numbers).pvalue
        if min(fisher, mann_whitney) < 0.1:
            print(f"{' and '.join(pair)}: solved p = {fisher:.3f}, comparisons to solve p = {mann_whitney:.3f}")


def networks(options: Options, passed_on: str) -> None:
    def row(env: str) -> list[str]:
        its = (late_returns(options.of(f"--env {env} {network}")) for network in NETWORKS)
        return [as_code(f"--env {env}"), *map(mean_and_each, its)]

    print_table(f"environment | {' | '.join(map(as_code, NETWORKS))}", map(row, [passed_on] if passed_on else SUITED))


def half_cheetah(options: Options, passed_on: str) -> Figure:
    """The figure has the mean over seeds of the true return, with each seed thin behind it."""
    figure = Figure(figsize=(7, 4.2), dpi=150, layout="constrained")
    axes, reference = figure.subplots(), list[np.ndarray]()

    def row(name: str, flags: str, colour: str, style: str) -> list[str]:
        its = options.of(f"--env HalfCheetah-v5 {flags}")
        curves = [(run.columns["env_steps"], run.columns["true_return_mean"]) for run in its]
        for curve in curves:
            axes.plot(*curve, color=colour, linestyle=style, alpha=0.3, linewidth=0.8)
        grid = np.linspace(0, min(steps[-1] for steps, _ in curves), 101)
        mean = np.mean([np.interp(grid, *curve) for curve in curves], axis=0)
        axes.plot(grid, mean, color=colour, linestyle=style, linewidth=2, label=f"{name} ({len(its)} seeds)")
        late = np.array([late_returns(its).mean(), late_returns(its, TENTH).mean()])
        reference.append(late)
        return [name, mean_and_each(late_returns(its)), *(f"{ratio:.2f}" for ratio in late / reference[0])]

    columns = "reward | return at the end: mean (each seed) | ratio to the first | ratio over the last tenth"
    print_table(columns, starmap(row, [(as_code(passed_on), passed_on, BLACK, "-")] if passed_on else ON_THE_CHEETAH))
    axes.set(xlabel="environment steps", ylabel="true return of an episode")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return figure


def reward_hacking(options: Options, passed_on: str) -> Figure:
    """The figure has what the labeller judges by, rising, over what was wanted, which falls."""
    runs = blind_spot.hacked_runs(options.numbers, options.runs_dir / options.table, options.jobs, passed_on)

    def row(run: blind_spot.Hacked) -> list[object]:
        speeds, returns = (f"{each[0]:.1f} → {each[-1]:.1f}" for each in (run.judged, run.true))
        return [run.seed, speeds, returns, ", ".join(map(str, run.alarms)) or "–"]

    columns = "seed | speed of the pole, rad/s: first → last iteration | true return | the alarm spoke in iteration"
    print_table(columns, map(row, runs))
    return blind_spot.draw(runs)


def late_returns(runs: Sequence[FinishedRun], last: int = 1) -> np.ndarray:
    """The mean true return of each run's last evaluations."""
    return np.array([run.columns["true_return_mean"][-last:].mean() for run in runs])


def mean_and_each(values: np.ndarray) -> str:
    return f"{values.mean():.0f} ({', '.join(f'{value:.0f}' for value in values)})"


def alarms_of(run: FinishedRun) -> list[int]:
    """The iteration in which the alarm spoke, if it did."""
    return [int(iteration) for iteration in np.flatnonzero(run.columns["reward_hacking"] == 1)]


TABLES: dict[str, Callable[[Options, str], Figure | None]] = {
    "to-solve": to_solve, "flags": single_flags, "networks": networks, "half-cheetah": half_cheetah,
    "reward-hacking": reward_hacking,
}  # fmt: skip

if __name__ == "__main__":
    run_program(main, end=sys.exit)
