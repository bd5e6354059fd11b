"""Runs beside each other: one figure and one table for each task, and what was left out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workshop.many_runs.differences import Difference, differences
from workshop.many_runs.figure import X, draw_groups, in_order, save
from workshop.many_runs.groups import Defaults, Group, group_runs, nothing_known, option_names
from workshop.many_runs.labels import UNSAID, as_flag, printable
from workshop.many_runs.selection import Selection
from workshop.many_runs.table import TableRow, as_markdown, table, write_csv
from workshop.many_runs.tasks import OF_THE_TASK, Task, file_names, task_of
from workshop.messages import UsageError, say
from workshop.records import LLM, MAIN, BrokenRecordError, FinishedRun, read_run

EVERYTHING = Selection()


@dataclass(frozen=True)
class Comparison:
    """What is shown of the runs of one task.

    | field | what |
    | --- | --- |
    | task, title | what its runs have in common, and that in words |
    | groups | all of them |
    | shown | those that are shown, in the order in which they are |
    | baseline | the group that the others are compared with, None if it is not there |
    | against | the differences from it, by label: of all groups, so that they are the same whatever is shown |
    | repeated | runs that are left out since there are later ones like them |
    """

    task: Task
    title: str
    groups: Sequence[Group]
    shown: Sequence[Group]
    baseline: Group | None
    against: Mapping[str, Difference]
    repeated: Sequence[FinishedRun]

    def rows(self) -> list[TableRow]:
        """Its table."""
        return table(self.shown, self.against)

    def draw(self, x: X, output: Path) -> None:
        """Write its figure, and its table as CSV, to files that are called `output` with something after it."""
        write_csv(self.rows(), output.with_name(f"{output.name}.csv"))
        save(draw_groups(self.shown, x, self.baseline, self.title), output)


def compare_runs(
    paths: Iterable[Path],
    x: X,
    plots_dir: Path,
    name: str,
    defaults: Defaults = nothing_known,
    selection: Selection = EVERYTHING,
) -> None:
    """Draw the runs in these directories against `x`, print their table, and say where the figure is.

    Runs of several tasks, whose returns cannot be compared, get a figure and a table for each. What cannot be used is
    named on standard error and left out; raises a UsageError if nothing is left, or if what is selected is not there.
    """
    comparisons = compare(usable_runs(paths), defaults, selection)
    selection.require_all_there([group for each in comparisons for group in each.groups])
    plots_dir.mkdir(parents=True, exist_ok=True)
    names = file_names(name, [each.task for each in comparisons])
    for each in comparisons:
        for run in each.repeated:
            say(f"Left out: {run.path}: there is a later run with the same options and the same seed.")
        if not each.shown:
            continue
        if len(comparisons) > 1:
            say(f"{each.title}:")
        print(as_markdown(each.rows(), each.baseline.label if each.baseline else ""), flush=True)
        if each.baseline is None and len(each.groups) > 1:
            say("No group ran with the defaults, so no differences are told; --baseline LABEL names another group.")
        output = plots_dir / names[each.task]
        each.draw(x, output)
        say(f"Figure: {output}.png (and .svg; the table: .csv)")


def compare(runs: Sequence[FinishedRun], defaults: Defaults, selection: Selection) -> list[Comparison]:
    """The runs, task by task; a UsageError if they are to be grouped by what they do not have.

    `defaults` are those of the workshop's programs.
    """
    by = option_names(selection.group_by, runs)
    tasks: dict[Task, list[FinishedRun]] = {}
    for run in runs:
        tasks.setdefault(task_of(run), []).append(run)
    comparisons = []
    for task, its in sorted(tasks.items()):
        own = defaults if task.program in (MAIN, LLM) else nothing_known
        groups, repeated = group_runs(its, partial(_with_what_was_given, own, selection.given), by)
        baseline = selection.find_baseline(groups)
        against = {} if baseline is None else differences(groups, baseline)
        chosen = in_order(selection.choose(groups))
        title = _title(task, its[0].options, own(its[0].options), selection.given)
        comparisons.append(Comparison(task, title, groups, chosen, baseline, against, repeated))
    return comparisons


def _with_what_was_given(defaults: Defaults, given: Sequence[str], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The defaults, but for what every run was given: that tells no group from another."""
    return {**defaults(options), **{name: options[name] for name in given if name in options}}


def _title(task: Task, options: Mapping[str, Any], own: Mapping[str, Any], given: Sequence[str]) -> str:
    said = [name for name in given if name not in (*UNSAID, *OF_THE_TASK) and options.get(name) != own.get(name)]
    everywhere = " ".join(as_flag(name, options[name]) for name in said if name in options)
    return f"{task.title}, every run with {printable(everywhere)}" if everywhere else task.title


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
