"""Many runs at once: `python sweep.py --fragment-length 5 10 25 50 --seeds 5` runs every combination of the values.

Any flag of `main.py` takes several values. What has been run is not run again, so that the same command, typed again,
goes on where it was stopped.
"""

import io
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # while PyTorch is imported, which takes seconds, there is nothing to end in order
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

from tqdm import tqdm

from compare import compare_runs
from main import Config, preference_loss, read_config, recorded_comparisons, train
from workshop.exercise.checker import check_loss
from workshop.many_runs.figure import X
from workshop.many_runs.grid import Axis, combinations, flags_in, one_by_one, read_axes
from workshop.many_runs.parallel import Backend, as_done, workers
from workshop.many_runs.search import Objective, Search, best_first, chosen, finished, follow_trial, score, suggest
from workshop.messages import (
    LARGEST_SEED,
    UsageError,
    require_directory,
    require_name,
    require_number,
    say,
    shown,
)
from workshop.program.command_line import no_such_flag
from workshop.program.device import choose_device
from workshop.program.plan import plan_run
from workshop.program.program import EXIT_OTHER, flag_names, read_known_flags, run_program
from workshop.records.directory import RunDirectory, as_command, flatten
from workshop.records.finished import UnusableRunError, find_runs, read_run
from workshop.records.progress import Row

SET_BY_THE_SWEEP = ("--seed", "--name", "--runs-dir")
NO_RUN = ("--check", "--hint", "--watch", "--resume")
ONE_AT_A_TIME = threading.Lock()  # PyTorch's and NumPy's global generators, which SB3 seeds, are the process's
MOST_RUNS = 100_000
COMPARED = 5  # so many of the best trials of a search


@dataclass(frozen=True)
class Options:
    """Run main.py with every combination of the values of its flags, on several seeds, many runs at once.

    Any flag of main.py takes several values: --fragment-length 5 10 25. One that is on or off is typed in both ways:
    --pretrain --no-pretrain; one whose value is several numbers has commas: --hidden-sizes 64,64 16. Flags after -- go
    to every run as they are. The same command typed again goes on where it was stopped.
    """

    seeds: int = 5
    """How many seeds for each combination, one after another."""
    first_seed: int = 0
    """The first seed."""
    name: str = "sweep"
    """What the runs, and the figure at the end, are called."""
    runs_dir: Path = Path("runs/sweep")
    """Where the runs are put, and looked for."""
    jobs: int = -1
    """Runs at once on this machine; -1: one for each core."""
    backend: Backend = "processes"
    """Where they are run: in processes here, or by the workers of a Dask cluster, which need the same files."""
    scheduler: str | None = None
    """The address of the Dask cluster's scheduler, such as tcp://192.168.0.10:8786."""
    optimise: Objective | None = None
    """Search instead of trying every combination; a trial is all seeds. Runs that fall behind are broken off."""
    trials: int = 20
    """With --optimise: how many combinations to try in all, those of earlier searches in this storage included."""
    storage: str | None = None
    """With --optimise: the file that Optuna keeps its trials in (without: in --runs-dir), or a database's URL."""
    x: X = "comparisons"
    """What the figure at the end draws the true return against."""
    plots_dir: Path = Path("plots")
    """Where the figure and the table go."""

    def __post_init__(self) -> None:
        require_number("--seeds", self.seeds, at_least=1, at_most=10_000)
        require_number("--first-seed", self.first_seed, at_least=0, at_most=LARGEST_SEED - self.seeds)
        require_number("--trials", self.trials, at_least=1, at_most=100_000)
        require_name("--name", self.name)
        if self.jobs != -1 and not 1 <= self.jobs <= 1024:
            raise ValueError(f"--jobs must be 1 to 1024, or -1 for one for each core, not {shown(self.jobs)}.")
        if (self.backend == "dask") != (self.scheduler is not None):
            raise ValueError("--backend dask and --scheduler ADDRESS go together: give both or neither.")
        if self.optimise is None and self.storage is not None:
            raise ValueError("--storage is for --optimise: give both or leave both out.")


@dataclass(frozen=True)
class Outcome:
    """What became of a run or of a trial: the directory of the run or, if it failed, why."""

    path: Path | None = None
    problem: str = ""


def main() -> None:
    """Read the flags, run what they ask for, and compare it."""
    options, axes, passed_on = read_command_line(sys.argv[1:])
    require_directory("--runs-dir", options.runs_dir)
    require_directory("--plots-dir", options.plots_dir)
    if options.optimise is None:
        paths, failed = run_grid(options, axes, passed_on)
        best = None
    else:
        paths, best, failed = run_search(options, axes, passed_on)
    if paths:
        compare_runs(paths, options.x, options.plots_dir, options.name)
    if best is not None:
        say("The best flags:")
        print(best, flush=True)
    for what, problem in failed.items():
        say(f"Failed: {what}\n  {problem}")
    if failed or not paths:
        sys.exit(EXIT_OTHER)


def read_command_line(arguments: Sequence[str]) -> tuple[Options, list[Axis], list[str]]:
    """The sweep's own flags, those of `main.py` with their values, and what goes to every run as it is."""
    arguments = list(arguments)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    own, passed_on = arguments[:end], arguments[end + 1 :]
    options, others = read_known_flags(Options, own)
    axes = read_axes(others, flatten(Config()))
    typed = [axis.flag for axis in axes] + flags_in(passed_on)
    known = [*flag_names(options), *flag_names(Config())]
    for flag in typed:
        if flag not in known:
            raise UsageError(no_such_flag(flag, known))
        if flag in SET_BY_THE_SWEEP:
            raise UsageError(f"{flag} is set by the sweep for each run; --seeds and --first-seed say which seeds.")
        if flag in NO_RUN:
            raise UsageError(f"{flag} begins no run, and a sweep is of runs that do.")
        if typed.count(flag) > 1:
            raise UsageError(f"{flag} is given twice; leave one of them out.")
    return options, axes, passed_on


def run_grid(options: Options, axes: Sequence[Axis], passed_on: Sequence[str]) -> tuple[list[Path], dict[str, str]]:
    """Run every combination on every seed. Returns the directories of the runs, and what failed, and why."""
    n_runs = options.seeds * math.prod(len(axis.alternatives) for axis in axes)
    if n_runs > MOST_RUNS:
        raise UsageError(f"A sweep must have at most {MOST_RUNS} runs, not {n_runs}: name fewer values, or --seeds.")
    flags = [[*combination, *passed_on] for combination in combinations(axes)]
    check(flags)
    lines = [command_line(each, seed, options) for seed in seeds(options) for each in flags]  # all of a seed first
    there = finished_runs(options.runs_dir)
    found = {line: there.get(identity(flatten(read_config(line)))) for line in lines}
    paths = [path for path in found.values() if path is not None]
    if paths:
        say(f"{len(paths)} of {len(lines)} runs are there already.")
    todo = [line for line, path in found.items() if path is None]
    failed = {}
    for line, outcome in with_a_bar(partial(run, parent=os.getpid()), todo, options, len(lines), "run"):
        if outcome.path is None:
            failed[as_command(line)] = outcome.problem
        else:
            paths.append(outcome.path)
    return paths, failed


def run_search(
    options: Options, axes: Sequence[Axis], passed_on: Sequence[str]
) -> tuple[list[Path], str | None, dict[str, str]]:
    """Search among the combinations. Returns the best trials' runs, the best command, and what failed, and why."""
    assert options.optimise is not None, "else there is nothing to search for"
    check([[*flags, *passed_on] for flags in one_by_one(axes)])
    storage = options.storage or (options.runs_dir / f"{options.name}.optuna").as_posix()
    search = Search(options.name, storage, options.optimise, options.first_seed)
    study = search.open()
    search.refuse_another(
        study, {"flags": [axis.alternatives for axis in axes], "passed on": passed_on, "seeds": options.seeds}
    )
    done = len(finished(study))
    if done:
        say(f"{done} of {options.trials} trials are there already.")
    numbers = [len(study.trials) + place for place in range(options.trials - done)]
    try_one = partial(run_trial, search=search, axes=axes, passed_on=passed_on, options=options, parent=os.getpid())
    failed = {}
    for number, outcome in with_a_bar(try_one, numbers, options, max(done, options.trials), "trial"):
        if outcome.problem:
            failed[f"trial {number}"] = outcome.problem
    best = best_first(study)
    paths = [Path(path) for trial in best[:COMPARED] for path in trial.user_attrs["runs"]]
    return paths, as_command([*chosen(best[0]), *passed_on]) if best else None, failed


def with_a_bar(
    function: Callable[[Any], Outcome], tasks: Sequence[Any], options: Options, total: int, unit: str
) -> Iterable[tuple[Any, Outcome]]:
    """Each task with its outcome, as it is done, while a bar shows how many are, of `total`."""
    done = total - len(tasks)
    try:
        with (
            workers(options.backend, options.jobs, options.scheduler),  # first: it may refuse
            tqdm(total=total, initial=done, unit=unit, dynamic_ncols=True, smoothing=0) as bar,
        ):
            for task, outcome in as_done(function, tasks):
                done += 1
                bar.update()
                yield task, outcome
    except KeyboardInterrupt:
        say(f"Stopped: {done} of {total} {unit}s are done; the same command goes on from there.")
        raise


def run(arguments: Sequence[str], parent: int) -> Outcome:
    """One run, and nothing said of it; what goes wrong is in the outcome."""
    try:
        return Outcome(run_quietly(arguments, parent))
    except Exception as problem:  # whatever it is, it must not stop the other runs
        return Outcome(problem=f"{type(problem).__name__}: {problem}")


def run_trial(
    number: int, search: Search, axes: Sequence[Axis], passed_on: Sequence[str], options: Options, parent: int
) -> Outcome:
    """One trial of the search: a choice of flags, run on every seed unless it falls behind."""
    problems = []

    def objective(trial: Any) -> float:
        flags = [*suggest(trial, axes), *passed_on]
        there = finished_runs(options.runs_dir)
        paths = []
        for place, seed in enumerate(seeds(options)):
            line = command_line(flags, seed, options)
            config = read_config(line)
            path = there.get(identity(flatten(config)))
            follow = partial(follow_trial, trial, search.objective, place, config.iterations)
            paths.append(path or run_quietly(line, parent, follow))
        trial.set_user_attr("runs", [path.as_posix() for path in paths])
        return score(search.objective, [read_run(path) for path in paths])

    def counted(trial: Any) -> float:
        try:
            return objective(trial)
        except Exception as problem:
            problems.append(f"{type(problem).__name__}: {problem}")
            raise

    try:
        search.open(number).optimize(counted, n_trials=1)
    except Exception:
        return Outcome(problem=problems[-1] if problems else "the storage could not be used")
    return Outcome()


def run_quietly(arguments: Sequence[str], parent: int, follow: Callable[[Row], object] | None = None) -> Path:
    """Train as `python main.py` does with these arguments, but without a word; returns the run's directory."""
    if os.getpid() != parent and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    tqdm.set_lock(threading.RLock())  # its own is one between processes, and left behind when a worker is ended
    with ONE_AT_A_TIME, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        started = time.perf_counter()
        config = read_config(arguments)
        return Path(train(config, started, partial(RunDirectory.make, config, arguments), follow)["run"])


def check(flags: Sequence[Sequence[str]]) -> None:
    """Make sure that each of these can be run, before any is: a mistake ends the program."""
    configs = [read_config(each) for each in flags]
    read = set()  # which recorded answers, as a sweep over other flags has the same for each run
    for config in configs:
        plan = plan_run(config)
        answers = config.preferences.comparisons_from, plan.spec.id, config.preferences.fragment_length
        if answers not in read:
            recorded_comparisons(config, plan)
            read.add(answers)
        choose_device(config.device)
        if config.oracle.oracle != "synthetic":
            raise UsageError(f"--oracle {config.oracle.oracle}: nobody can answer many runs at once.")
    if any(config.choice_model.uses_yours and config.reward == "learned" for config in configs):
        check_loss(preference_loss)


def command_line(flags: Sequence[str], seed: int, options: Options) -> tuple[str, ...]:
    """The arguments of `main.py` for one run."""
    return (*flags, "--seed", str(seed), "--name", options.name, "--runs-dir", options.runs_dir.as_posix())


def seeds(options: Options) -> range:
    """The seeds that each combination is run on."""
    return range(options.first_seed, options.first_seed + options.seeds)


def finished_runs(runs_dir: Path) -> dict[str, Path]:
    """The runs there that went on to their end, agent saved and all, by what they were asked for."""
    found = {}
    for path in find_runs([runs_dir]) if runs_dir.exists() else []:
        try:
            options = read_run(path).options
        except UnusableRunError:
            continue
        if (path / "agent.zip").exists():
            found[identity(options)] = path
    return found


def identity(options: Mapping[str, Any]) -> str:
    """The same text for the same options, wherever the run was put."""
    return json.dumps({name: value for name, value in options.items() if name != "runs_dir"}, sort_keys=True)


if __name__ == "__main__":
    import sweep  # so that workers, which import it by this name, find its functions

    run_program(sweep.main, end=sys.exit)  # joblib ends its workers in order when Python ends
