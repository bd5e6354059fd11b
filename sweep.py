"""Many runs at once: `python sweep.py --fragment-length 5 10 25 50 --seeds 5` runs every combination of the values.

Any flag of `main.py`, or of `llm.py`, takes several values. What has been run is not run again.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from workshop import processes

if __name__ == "__main__":
    processes.begin()

from llm import program as program_of_llm
from main import program as program_of_main
from workshop.bounds import LARGEST_SEED, file_name, require_bounds, require_directory, within
from workshop.commands import EXIT_OTHER, no_such_flag, read_flags, run_program
from workshop.flags import flag_names, options_of, typed_flags
from workshop.many_runs import Axis, Backend, Objective, Search, Selection, Sweep, X, compare_runs, read_axes
from workshop.messages import UsageError, say, shown

SET_BY_THE_SWEEP = ("--seed", "--name", "--runs-dir")
NO_RUN = ("--check", "--hint", "--watch", "--chat", "--resume")
PROGRAMS: dict[str, Any] = {"main": program_of_main, "llm": program_of_llm}


@dataclass(frozen=True)
class Options:
    """Run main.py, or llm.py, with every combination of the values of its flags, on several seeds, many runs at once.

    Any flag of main.py takes several values: --fragment-length 5 10 25. One that is on or off is typed in both ways:
    --pretrain --no-pretrain; one whose value is several numbers has commas: --hidden-sizes 64,64 16. Flags after -- go
    to every run as they are. The same command typed again goes on where it was stopped.
    """

    program: Literal["main", "llm"] = "main"
    """Which program's runs: main.py's, or llm.py's."""
    seeds: Annotated[int, within(at_least=1, at_most=10_000)] = 5
    """How many seeds for each combination, one after another."""
    first_seed: int = 0
    """The first seed."""
    name: Annotated[str, file_name] = "sweep"
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
    trials: Annotated[int, within(at_least=1, at_most=100_000)] = 20
    """With --optimise: how many combinations to try in all, those of earlier searches in this storage included."""
    storage: str | None = None
    """With --optimise: the file that Optuna keeps its trials in (without: in --runs-dir), or a database's URL."""
    x: X = "comparisons"
    """What the figure at the end draws the true return against."""
    plots_dir: Path = Path("runs/plots")
    """Where the figure and the table go."""

    def __post_init__(self) -> None:
        require_bounds(self)
        within(at_least=0, at_most=LARGEST_SEED - self.seeds)("--first-seed", self.first_seed)
        if self.jobs != -1 and not 1 <= self.jobs <= 1024:
            raise ValueError(f"--jobs must be 1 to 1024, or -1 for one for each core, not {shown(self.jobs)}.")
        if (self.backend == "dask") != (self.scheduler is not None):
            raise ValueError("--backend dask and --scheduler ADDRESS go together: give both or neither.")
        if self.optimise is None and self.storage is not None:
            raise ValueError("--storage is for --optimise: give both or leave both out.")


def main() -> None:
    """Read the flags, run what they ask for, and compare it."""
    options, axes, passed_on = read_command_line(sys.argv[1:])
    program = PROGRAMS[options.program]
    require_directory("--runs-dir", options.runs_dir)
    require_directory("--plots-dir", options.plots_dir)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    sweep = Sweep(program, seeds, options.name, options.runs_dir, (options.backend, options.jobs, options.scheduler))
    best = None
    if options.optimise is None:
        paths, failed = sweep.run_grid(axes, passed_on)
    else:
        storage = options.storage or (options.runs_dir / f"{options.name}.optuna").as_posix()
        search = Search(options.name, storage, options.optimise, options.first_seed)
        paths, best, failed = sweep.run_search(search, options.trials, axes, passed_on)
    if paths:
        names = {flag: option.name for option in options_of(program.config()) for flag in option.flags}
        selection = Selection(given=tuple(names[flag] for flag, _ in typed_flags(passed_on)))
        compare_runs(paths, options.x, options.plots_dir, options.name, program.defaults, selection)
    if best is not None:
        say("The best flags:")
        print(best, flush=True)
    for what, problem in failed.items():
        say(f"Failed: {what}\n  {problem}")
    if failed or not paths:
        sys.exit(EXIT_OTHER)


def read_command_line(arguments: Sequence[str]) -> tuple[Options, list[Axis], list[str]]:
    """The sweep's own flags, those of the program with their values, and what goes to every run as it is."""
    end = [*arguments, "--"].index("--")
    passed_on = list(arguments[end + 1 :])
    own_flags = flag_names(Options())
    typed = typed_flags(arguments[:end])
    own = [each for each in typed if each[0] in (*own_flags, "--help", "-h")]
    options = read_flags(Options, [part for flag, values in own for part in (flag, *values)])
    config = PROGRAMS[options.program].config()
    axes = read_axes([each for each in typed if each not in own], options_of(config))
    known = [*own_flags, *flag_names(config)]
    flags = [axis.flag for axis in axes] + [flag for flag, _ in typed_flags(passed_on)]
    for flag in flags:
        if flag not in known:
            raise UsageError(no_such_flag(flag, known))
        if flag in SET_BY_THE_SWEEP:
            raise UsageError(f"{flag} is set by the sweep for each run; --seeds and --first-seed say which seeds.")
        if flag in NO_RUN:
            raise UsageError(f"{flag} begins no run, and a sweep is of runs that do.")
        if flags.count(flag) > 1:
            raise UsageError(f"{flag} is given twice; leave one of them out.")
    return options, axes, passed_on


if __name__ == "__main__":
    run_program(main, end=sys.exit)  # joblib ends its workers in order when Python ends
