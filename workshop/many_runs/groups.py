"""Runs in groups of equal options, and what to call the groups."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workshop.records import FinishedRun

# They say which run it is and where it was put, not what was run
NOT_GROUPED_BY = ("seed", "runs_dir")
NOT_SET = "not set"
LONGEST_LABEL = 300  # characters


@dataclass(frozen=True)
class Group:
    """Runs that differ by their seed alone, in the order of their seeds, under a label that tells them from others."""

    label: str
    runs: Sequence[FinishedRun]

    @property
    def is_baseline(self) -> bool:
        """Whether these runs learned from the true reward."""
        return self.runs[0].options.get("reward") == "true"

    def final(self, column: str) -> np.ndarray:
        """The column's value at the end of each run, shape (n,)."""
        return np.array([run.columns[column][-1] for run in self.runs])

    @property
    def to_solve(self) -> np.ndarray:
        """The comparisons to solve of each run, shape (n,); infinite where a run was not solved."""
        return np.array([run.comparisons_to_solve for run in self.runs], dtype=float)


def group_runs(runs: Iterable[FinishedRun]) -> tuple[list[Group], list[FinishedRun]]:
    """Group runs by every option but the seed (and the directory they were put in); label groups by what differs.

    Baselines, which learn from the true reward, come last, and are labelled apart from the others. Of several runs with
    the same options and the same seed, which say the same, the last is taken; the others are returned too.
    """
    members: dict[str, dict[int, FinishedRun]] = {}
    repeated = []
    for run in sorted(runs, key=lambda run: run.path.name.rpartition("__")[2]):  # by the time at which they began
        seeds = members.setdefault(_key(_grouped_by(run)), {})
        if run.seed in seeds:
            repeated.append(seeds[run.seed])
        seeds[run.seed] = run
    groups = [[seeds[seed] for seed in sorted(seeds)] for seeds in members.values()]
    baselines = [group for group in groups if group[0].options.get("reward") == "true"]
    learned = [group for group in groups if group not in baselines]
    return [*_label(learned), *_label(baselines)], repeated


def mean_random_return(groups: Iterable[Group]) -> float:
    """The mean true return of a random policy over the runs that tell it, NaN if none does."""
    runs = [run for group in groups for run in group.runs]
    returns = [run.columns["random_return_mean"][0] for run in runs if "random_return_mean" in run.columns]
    return float(np.mean(returns)) if returns else float("nan")


def _grouped_by(run: FinishedRun) -> dict[str, Any]:
    return {option: value for option, value in run.options.items() if option not in NOT_GROUPED_BY}


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _label(groups: list[list[FinishedRun]]) -> list[Group]:
    """Groups with labels, in the order of the values that they differ by."""
    options = [_grouped_by(group[0]) for group in groups]
    names = list(dict.fromkeys(name for each in options for name in each))
    differing = [name for name in names if len({_key(each.get(name, NOT_SET)) for each in options}) > 1]
    labelled = []
    for each, group in zip(options, groups, strict=True):
        label = " ".join(as_flag(name, each.get(name, NOT_SET)) for name in differing)
        label = "".join(character if character.isprintable() else "�" for character in label[:LONGEST_LABEL])
        order = [_sortable(each.get(name, NOT_SET)) for name in differing]
        alone = "true reward" if each.get("reward") == "true" else str(each.get("name", "all runs"))
        labelled.append((order, Group(label or alone, group)))
    return [group for _, group in sorted(labelled, key=lambda pair: pair[0])]


def as_flag(name: str, value: Any) -> str:
    """An option as a user types it: `--fragment-length 5`, `--no-pretrain`, `--hidden-sizes 64 64`."""
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    if value is None or value == NOT_SET:
        return f"without --{flag}"
    return f"--{flag} {' '.join(map(str, value)) if isinstance(value, list) else value}"


def _sortable(value: Any) -> tuple[int, Any]:
    """Numbers by size before rows of numbers before anything else."""
    if isinstance(value, bool | int | float):
        return 0, value
    if isinstance(value, list) and all(isinstance(item, int | float) for item in value):
        return 1, value
    return 2, str(value)
