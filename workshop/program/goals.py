"""What the answers are about that a run learns from: the true reward, or a goal that somebody has in mind."""

from dataclasses import replace
from typing import Any

from workshop.data import Comparisons
from workshop.messages import UsageError, shown
from workshop.program.plan import Plan
from workshop.records import load_comparisons_from


def learn_from_others(config: Any, plan: Plan) -> tuple[Any, Comparisons]:
    """The answers of other runs that `--comparisons-from` names, in the order in which they were given.

    A run that asks nothing itself has the goal of those; so the flags are returned, too. Raises a UsageError for
    answers that cannot be read or used, and for those to different goals, unless `--mix-goals` says that this is meant.
    """
    preferences, goal = config.preferences, config.labelling.goal
    if not preferences.comparisons_from:
        return config, Comparisons.empty(preferences.fragment_length, *plan.spaces)
    comparisons, goals = load_comparisons_from(
        preferences.comparisons_from, config.environment, preferences.fragment_length, *plan.spaces
    )
    if goal or preferences.comparisons > 0:
        goals.add(goal)
    if len(goals) > 1 and not preferences.mix_goals:
        names = " and ".join(f'"{shown(each)}"' if each else "the environment's own" for each in sorted(goals))
        raise UsageError(
            f"--comparisons-from: the goals are different ({names}), so that no reward suits all answers; learn from "
            "those of one goal (--goal names that of a run that asks), or add --mix-goals."
        )
    if not goal and len(goals) == 1:
        config = replace(config, labelling=replace(config.labelling, goal=goals.pop()))
    return config, comparisons
