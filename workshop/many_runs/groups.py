"""Runs in groups of equal options."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workshop.many_runs.labels import as_key, differing_names, label_all, label_by
from workshop.many_runs.tasks import OF_THE_TASK
from workshop.messages import UsageError, shown
from workshop.records import FinishedRun

Defaults = Callable[[Mapping[str, Any]], Mapping[str, Any]]  # of a run's options, by name: see `Program.defaults`

# They say which run it is and where it was put, not what was run
NOT_GROUPED_BY = ("seed", "runs_dir")


@dataclass(frozen=True)
class Group:
    """Runs that differ by their seed alone, or by what they were not grouped by, in the order of their seeds.

    | field | what |
    | --- | --- |
    | label | what the group is called, and no other |
    | runs | its runs |
    | flags | all flags by which it differs from its defaults |
    | is_default | whether it differs in nothing that is learned |
    """

    label: str
    runs: Sequence[FinishedRun]
    flags: str = ""
    is_default: bool = False

    @property
    def has_true_reward(self) -> bool:
        """Whether these runs learned from the true reward."""
        return _has_true_reward(self.runs[0])

    @property
    def solved_at(self) -> float | None:
        """The true return from which these runs count as solved, None if nobody says."""
        return self.runs[0].solved_at

    def final(self, column: str) -> np.ndarray:
        """The column's value at the end of each run, shape (n,)."""
        return np.array([run.columns[column][-1] for run in self.runs])

    @property
    def solved(self) -> np.ndarray:
        """Whether each run is solved at its end, shape (n,)."""
        return np.array([run.solved for run in self.runs])

    @property
    def to_solve(self) -> np.ndarray:
        """The comparisons to solve of each run, shape (n,); infinite where a run was not solved."""
        return np.array([run.comparisons_to_solve for run in self.runs], dtype=float)


def nothing_known(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The defaults of options of which nobody knows any."""
    return {}


def group_runs(
    runs: Iterable[FinishedRun], defaults: Defaults = nothing_known, by: Sequence[str] = ()
) -> tuple[list[Group], list[FinishedRun]]:
    """Group the runs of one task by every option but the seed (and where they were put), or only `by` these.

    Groups come in the order of the values in which they differ; those that learned from the true reward come last, and
    never share a group with others. Of several runs with the same options and the same seed, which say the same, the
    last is taken; the others are returned too.
    """
    members: dict[str, dict[int, FinishedRun]] = {}
    repeated = []
    for run in sorted(runs, key=lambda run: run.path.name.rpartition("__")[2]):  # by the time at which they began
        seeds = members.setdefault(as_key(_grouped_by(run)), {})
        if run.seed in seeds:
            repeated.append(seeds[run.seed])
        seeds[run.seed] = run
    equal = [[seeds[seed] for seed in sorted(seeds)] for seeds in members.values()]
    groups = _pooled(equal, defaults, by) if by else _labelled(equal, defaults)
    differing = differing_names([_grouped_by(group.runs[0]) for group in groups])

    def place(group: Group) -> tuple[bool, list[tuple[int, Any]]]:
        values = by or differing
        return group.has_true_reward, [_sortable(group.runs[0].options.get(name)) for name in values]

    return sorted(groups, key=place), repeated


def option_names(typed: Iterable[str], runs: Iterable[FinishedRun]) -> list[str]:
    """The options that were typed, as names or as flags; a UsageError for one that no run has."""
    known = {name for run in runs for name in _grouped_by(run)}
    names = [each.lstrip("-").replace("-", "_") for each in typed]
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ": name one that config.json has, as fragment_length."
            raise UsageError(f"--group-by {shown(name)}: the runs have no such option{hint}")
    return names


def mean_random_return(groups: Iterable[Group]) -> float:
    """The mean true return of a random policy over the runs that tell it, NaN if none does."""
    runs = [run for group in groups for run in group.runs]
    returns = [run.columns["random_return_mean"][0] for run in runs if "random_return_mean" in run.columns]
    return float(np.mean(returns)) if returns else float("nan")


def _labelled(groups: Sequence[Sequence[FinishedRun]], defaults: Defaults) -> list[Group]:
    options = [_grouped_by(group[0]) for group in groups]
    labels = label_all(options, [defaults(group[0].options) for group in groups])
    return [
        Group(label.text, group, label.flags, label.is_default) for label, group in zip(labels, groups, strict=True)
    ]


def _pooled(equal: Sequence[Sequence[FinishedRun]], defaults: Defaults, by: Sequence[str]) -> list[Group]:
    """Groups of all that have the same values of these options, the label naming each of them."""
    pools: dict[str, list[FinishedRun]] = {}
    for group in equal:
        key = as_key([_has_true_reward(group[0]), *(group[0].options.get(name) for name in by)])
        pools.setdefault(key, []).extend(group)
    values = []
    for runs in pools.values():
        names = dict.fromkeys([*(["reward"] if _has_true_reward(runs[0]) else []), *by])
        values.append({name: runs[0].options.get(name) for name in names})
    pooled = []
    for label, value, runs in zip(label_by(values), values, pools.values(), strict=True):
        own = defaults(runs[0].options)
        is_default = all(name in own and own[name] == each for name, each in value.items())
        pooled.append(Group(label, sorted(runs, key=lambda run: run.seed), label, is_default))
    return pooled


def _has_true_reward(run: FinishedRun) -> bool:
    return run.options.get("reward") == "true"


def _grouped_by(run: FinishedRun) -> dict[str, Any]:
    return {name: value for name, value in run.options.items() if name not in (*NOT_GROUPED_BY, *OF_THE_TASK)}


def _sortable(value: Any) -> tuple[int, Any]:
    """Numbers by size before rows of numbers before anything else."""
    if isinstance(value, bool | int | float):
        return 0, value
    if isinstance(value, list) and all(isinstance(item, int | float) for item in value):
        return 1, value
    return 2, str(value)
