"""Runs beside each other: one figure, one table, and what was left out."""

from collections.abc import Iterable
from pathlib import Path

from workshop.many_runs.figure import X, draw_groups, save
from workshop.many_runs.groups import group_runs
from workshop.many_runs.table import as_markdown, table, write_csv
from workshop.messages import UsageError, say
from workshop.records import BrokenRecordError, FinishedRun, read_run


def compare_runs(paths: Iterable[Path], x: X, plots_dir: Path, name: str) -> None:
    """Draw the runs in these directories against `x`, print their table, and say where the figure is.

    Runs of several environments, whose returns cannot be compared, get a figure and a table for each. What cannot be
    used is named on standard error and left out; raises a UsageError if nothing is left.
    """
    runs = usable_runs(paths)
    environments = sorted({run.options["env"] for run in runs})
    plots_dir.mkdir(parents=True, exist_ok=True)
    for env in environments:
        groups, repeated = group_runs(run for run in runs if run.options["env"] == env)
        for run in repeated:
            say(f"Left out: {run.path}: there is a later run with the same options and the same seed.")
        output = plots_dir / (name if len(environments) == 1 else f"{name}-{env.replace('/', '-')}")
        rows = table(groups)
        print(as_markdown(rows), flush=True)
        write_csv(rows, output.with_name(f"{output.name}.csv"))
        save(draw_groups(groups, x), output)
        say(f"Figure: {output}.png (and .svg; the table: .csv)")


def usable_runs(paths: Iterable[Path]) -> list[FinishedRun]:
    """The runs in these directories that can be used; says which are left out, and why."""
    runs = []
    left_out = 0
    for path in paths:
        try:
            runs.append(read_run(path))
        except BrokenRecordError as problem:
            what = str(problem).removeprefix(str(path)).lstrip("/\\ ").removeprefix("is ")  # the path is named already
            say(f"Left out: {path}: {what}")
            left_out += 1
    if not runs:
        raise UsageError(f"No finished run there ({left_out} left out): name directories of runs, or some above them.")
    if len({tuple(sorted(run.packages.items())) for run in runs}) > 1:
        say("Note: the runs were made with different versions of packages (see their config.json).")
    return runs
