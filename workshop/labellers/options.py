"""Who the labellers are, and whom the agent is aligned to: the flags."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workshop.bounds import person_name
from workshop.data import Comparisons
from workshop.labellers.goals import AS_TRUE, goals_of
from workshop.messages import UsageError, shown

WAYS = ("everybody", "turns", "worst-off")  # that are no group's name
MOST_GROUPS = 10


@dataclass(frozen=True)
class Group:
    """Labellers who want the same: its name, that of what they want, and how many they are, or what share."""

    name: str
    labellers: float


@dataclass(frozen=True)
class LabellersConfig:
    """Labellers who want different things, and whom the agent is aligned to."""

    labellers: tuple[str, ...] = ()
    """Synthetic labellers in groups, what they want and how many they are: upright:2 spin:1 or, in llm.py, \
visitor:2 hurried:1. They are in workshop/labellers/goals.py."""
    align_to: str = "everybody"
    """Whose answers count: everybody's, those of one group, by name; turns: each group's the same, however many they \
are; worst-off: a reward model for each, and the agent gets the lower reward."""

    def __post_init__(self) -> None:
        names = [group.name for group in self.groups]
        if len(names) > MOST_GROUPS:
            raise ValueError(f"--labellers takes at most {MOST_GROUPS} groups, not {len(names)}.")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"--labellers names {shown(name)} twice; give each group once.")
        person_name("--align-to", self.align_to)

    @property
    def groups(self) -> list[Group]:
        """The groups, in the order given; a ValueError for one that is not NAME:NUMBER."""
        return [_group(text) for text in self.labellers]

    @property
    def goal(self) -> str:
        """What they want, in words, if that is not the true reward alone; else ""."""
        return ", ".join(self.labellers) if self.told_of else ""

    @property
    def told_of(self) -> list[str]:
        """The groups' names, if they want something else than the true reward alone; else none."""
        names = [group.name for group in self.groups]
        return names if any(name not in AS_TRUE for name in names) else []


def _group(text: str) -> Group:
    name, colon, number = text.rpartition(":")
    try:
        labellers = float(number)
    except ValueError:
        labellers = math.nan
    if not (name and colon) or math.isnan(labellers):
        raise ValueError(f"--labellers must be groups and how many they are, as upright:2 spin:1, not {shown(text)}.")
    if not 0 < labellers <= 1e6:
        raise ValueError(
            f"--labellers {shown(text)}: there must be more than 0 labellers in a group, and at most 1000000; "
            "leave out a group that is not there."
        )
    return Group(name, labellers)


def who_answers(config: Any, recorded: Comparisons) -> list[str]:
    """The names of all whose answers a run learns from: groups, people, and those who gave `recorded` answers.

    `config` is a program's flags. An oracle of the true reward is called "synthetic", as in the record. Who will join a
    room is not known.
    """
    names = {*recorded.labellers.tolist()}
    if config.preferences.comparisons > 0:
        own = [group.name for group in config.labellers.groups] or ["synthetic"]
        people = set() if config.labelling.labellers_may_join else {config.labelling.labeller}
        names |= {*own} if config.oracle.oracle == "synthetic" else people
    return sorted(names)


def refuse_groups(config: LabellersConfig, env_id: str, everybody: Sequence[str]) -> None:
    """Refuse groups that want what this environment has not, and aligning to nobody of `everybody` who answers.

    Raises a UsageError.
    """
    goals = goals_of(env_id)
    for group in config.groups:
        if group.name not in goals:
            raise UsageError(
                f"--labellers {shown(group.name)}: nobody wants that in {env_id}; there are {', '.join(goals)}."
            )
    if config.align_to not in (*WAYS, *everybody):
        raise UsageError(
            f"--align-to {shown(config.align_to)}: there is no such group; there are {', '.join(everybody)}, and "
            f"{', '.join(WAYS)}."
        )
    if config.align_to in ("turns", "worst-off") and len(everybody) < 2:
        raise UsageError(
            f"--align-to {config.align_to} is between groups, and there is but one ({''.join(everybody)}); "
            "name two or more with --labellers, or with --comparisons-from."
        )


def labellers_goal(typed: Any) -> str:
    """What labellers of these flags, read from a file, want, if that is not the true reward alone; else ""."""
    try:
        return LabellersConfig(tuple(typed or ())).goal
    except (AttributeError, TypeError, ValueError):
        return ""
