"""A sweep: runs with many combinations of flags, on several seeds, many at once; or a search among them."""

import io
import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from workshop.flags import as_json
from workshop.many_runs.grid import Axis, combinations, one_by_one
from workshop.many_runs.parallel import Backend, as_done, workers
from workshop.many_runs.search import FINISHED, Search, best_first, chosen, follow_trial, score, suggest
from workshop.messages import UsageError, say
from workshop.records import BrokenRecordError, Row, as_command, find_runs, read_run

ONE_AT_A_TIME = threading.Lock()  # PyTorch's and NumPy's global generators, which SB3 seeds, are the process's
MOST_RUNS = 100_000
COMPARED = 5  # so many of the best trials of a search


@dataclass(frozen=True)
class Outcome:
    """What became of a run or of a trial: the directory of the run or, if it failed, why."""

    path: Path | None = None
    problem: str = ""


@dataclass(frozen=True)
class Sweep:
    """Runs of a program, on these seeds, that are called `name` and put below `runs_dir`.

    `program` is a `workshop.program.Program`; `engine` is where they are run: see `parallel.workers`.
    """

    program: Any
    seeds: range
    name: str
    runs_dir: Path
    engine: tuple[Backend, int, str | None]

    def run_grid(self, axes: Sequence[Axis], passed_on: Sequence[str]) -> tuple[list[Path], dict[str, str]]:
        """Run every combination on every seed. Returns the directories of the runs, and what failed, and why."""
        n_runs = len(self.seeds) * math.prod(len(axis.alternatives) for axis in axes)
        if n_runs > MOST_RUNS:
            raise UsageError(
                f"A sweep must have at most {MOST_RUNS} runs, not {n_runs}: name fewer values, or --seeds."
            )
        flags = [[*combination, *passed_on] for combination in combinations(axes)]
        self.program.check([self.program.read_config(each) for each in flags])
        lines = [self.command_line(each, seed) for seed in self.seeds for each in flags]  # all of a seed first
        return self.run_all(lines)

    def run_all(self, lines: Sequence[Sequence[str]]) -> tuple[list[Path], dict[str, str]]:
        """Run these command lines, but for those whose runs are there already."""
        there = finished_runs(self.runs_dir)
        found = [(line, there.get(self.identity(self.program.read_config(line)))) for line in lines]
        paths = [path for _, path in found if path is not None]
        if paths:
            say(f"{len(paths)} of {len(lines)} runs are there already.")
        todo = [line for line, path in found if path is None]
        failed = {}
        for line, outcome in self._with_a_bar(partial(self.run, parent=os.getpid()), todo, len(lines), "run"):
            if outcome.path is None:
                failed[as_command(line, self.program.file)] = outcome.problem
            else:
                paths.append(outcome.path)
        return paths, failed

    def run_search(
        self, search: Search, trials: int, axes: Sequence[Axis], passed_on: Sequence[str]
    ) -> tuple[list[Path], str | None, dict[str, str]]:
        """Search among the combinations. Returns the best trials' runs, the best command, and what failed, and why."""
        self.program.check([self.program.read_config([*flags, *passed_on]) for flags in one_by_one(axes)])
        study = search.open()
        searched = {"flags": [axis.alternatives for axis in axes], "passed on": passed_on, "seeds": len(self.seeds)}
        search.refuse_another(study, searched)
        done = len(study.get_trials(deepcopy=False, states=FINISHED))
        if done:
            say(f"{done} of {trials} trials are there already.")
        numbers = [len(study.trials) + place for place in range(trials - done)]
        try_one = partial(self.run_trial, search=search, axes=axes, passed_on=passed_on, parent=os.getpid())
        failed = {}
        for number, outcome in self._with_a_bar(try_one, numbers, max(done, trials), "trial"):
            if outcome.problem:
                failed[f"trial {number}"] = outcome.problem
        best = best_first(study)
        paths = [Path(path) for trial in best[:COMPARED] for path in trial.user_attrs["runs"]]
        return paths, as_command([*chosen(best[0]), *passed_on], self.program.file) if best else None, failed

    def run(self, arguments: Sequence[str], parent: int) -> Outcome:
        """One run, and nothing said of it; what goes wrong is in the outcome."""
        try:
            return Outcome(self._run_quietly(arguments, parent))
        except Exception as problem:  # whatever it is, it must not stop the other runs
            return Outcome(problem=f"{type(problem).__name__}: {problem}")

    def run_trial(
        self, number: int, search: Search, axes: Sequence[Axis], passed_on: Sequence[str], parent: int
    ) -> Outcome:
        """One trial of the search: a choice of flags, run on every seed unless it falls behind."""
        problems = []

        def objective(trial: Any) -> float:
            flags = [*suggest(trial, axes), *passed_on]
            there = finished_runs(self.runs_dir)
            paths = []
            for place, seed in enumerate(self.seeds):
                line = self.command_line(flags, seed)
                config = self.program.read_config(line)
                path = there.get(self.identity(config))
                follow = partial(follow_trial, trial, search.objective, place, self.program.evaluations(config))
                paths.append(path or self._run_quietly(line, parent, follow))
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

    def identity(self, config: Any) -> str:
        """What a run of the program with these options is found by; see `identity`."""
        return identity({**self.program.directory.fixed, **as_json(config)})

    def command_line(self, flags: Sequence[str], seed: int) -> tuple[str, ...]:
        """The arguments of the program for one run."""
        return (*flags, "--seed", str(seed), "--name", self.name, "--runs-dir", self.runs_dir.as_posix())

    def _run_quietly(
        self, arguments: Sequence[str], parent: int, follow: Callable[[Row], object] | None = None
    ) -> Path:
        """Train as the program does with these arguments, but without a word; returns the run's directory."""
        if os.getpid() != parent and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
        os.environ["MPLBACKEND"] = "agg"  # figures go to files, whatever a worker's own is
        tqdm.set_lock(threading.RLock())  # its own is one between processes, and left behind when a worker is ended
        with ONE_AT_A_TIME, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            started = time.perf_counter()
            config = self.program.read_config(arguments)
            return Path(self.program.train(config, started, arguments, follow=follow)["run"])

    def _with_a_bar(
        self, function: Callable[[Any], Outcome], tasks: Sequence[Any], total: int, unit: str
    ) -> Iterable[tuple[Any, Outcome]]:
        """Each task with its outcome, as it is done, while a bar shows how many are, of `total`."""
        done = total - len(tasks)
        try:
            with (
                workers(*self.engine),  # first: it may refuse
                tqdm(total=total, initial=done, unit=unit, dynamic_ncols=True, smoothing=0) as bar,
            ):
                for task, outcome in as_done(function, tasks):
                    done += 1
                    bar.update()
                    yield task, outcome
        except KeyboardInterrupt:
            say(f"Stopped: {done} of {total} {unit}s are done; the same command goes on from there.")
            raise


def finished_runs(runs_dir: Path) -> dict[str, Path]:
    """The runs there that went on to their end, with all that was trained saved, by what they were asked for."""
    found = {}
    for path in find_runs([runs_dir]) if runs_dir.exists() else []:
        try:
            options = read_run(path).options
        except BrokenRecordError:
            continue
        if (path / "reward_model.pt").exists():
            found[identity(options)] = path
    return found


def identity(options: Mapping[str, Any]) -> str:
    """The same text for the same options, wherever the run was put."""
    return json.dumps({name: value for name, value in options.items() if name != "runs_dir"}, sort_keys=True)
