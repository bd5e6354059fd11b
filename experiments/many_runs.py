"""Runs of `main.py`, many at once, kept so that a benchmark that was interrupted goes on where it was."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from comparisons_to_solve import ROOT

sys.path.insert(0, str(ROOT))

from tqdm import tqdm

import sweep
from main import read_config
from workshop.flags import flatten
from workshop.many_runs import as_done, workers
from workshop.records import FinishedRun, read_run

Change = Callable[[], AbstractContextManager[None]]


def many_runs(
    flags: Sequence[str], seeds: range, jobs: int, runs_dir: Path, change: Change = nullcontext
) -> list[FinishedRun]:
    """A run for each seed, by `python main.py` with these flags and the workshop's loss, in the order of the seeds.

    Each is done within what `change` returns, which may change the program for that long. Those that are below
    `runs_dir` already are not done again. Ends the program if one of them fails.
    """
    loss = () if "--loss" in flags else ("--solution",)
    fixed = (*loss, "--no-pictures", *flags, "--runs-dir", runs_dir.as_posix())
    lines = [(*fixed, "--seed", str(seed)) for seed in seeds]
    there = sweep.finished_runs(runs_dir)
    paths = {line: there.get(sweep.identity(flatten(read_config(line)))) for line in lines}
    todo = [line for line, path in paths.items() if path is None]
    parent = os.getpid()

    def one_run(line: Sequence[str]) -> sweep.Outcome:
        with change():
            return sweep.run(line, parent)

    with workers("processes", jobs, None):
        for line, outcome in tqdm(as_done(one_run, todo), total=len(todo), leave=False):
            if outcome.path is None:
                sys.exit(f"main.py {' '.join(line)}\n  {outcome.problem}")
            paths[line] = outcome.path
    return [read_run(path) for path in paths.values() if path is not None]
