"""What each group gets: its own return, from that before any training (0) to that of one trained for it alone (1)."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workshop.data import Comparisons
from workshop.labellers.goals import Goal
from workshop.labellers.options import LabellersConfig, labellers_goal

# Returns of an episode of 200 steps, or points of an answer, the best of three seeds; `python
# experiments/best_for_each.py` writes the file.
BEST: Mapping[str, Mapping[str, float]] = json.loads(Path(__file__).with_name("best.json").read_text(encoding="utf-8"))

Steps = tuple[np.ndarray, np.ndarray]  # observations (k, …) and true rewards (k,)


def scaled(value: float, random: float, best: float | None) -> float:
    """0 for the return of a random agent, or of the SFT model, 1 for that of one trained for this group alone.

    NaN where nobody measured, or where such a one is no better: there is no scale then.
    """
    return float("nan") if best is None or best <= random else (value - random) / (best - random)


def what_each_gets(env_id: str, returns: Mapping[str, float], untrained: Mapping[str, float]) -> dict[str, float]:
    """The columns of `progress.csv` that tell what each group gets, by the mean returns of what it wants.

    For a group g: `return_g`, and `got_g`, the same scaled. With them goes `agrees_g`, the share of its answers, other
    than "equally good", that the reward which trains the agent agrees with.
    """
    best = BEST.get(env_id, {})
    row: dict[str, float] = {}
    for name, value in returns.items():
        row |= {f"return_{name}": value, f"got_{name}": scaled(value, untrained[name], best.get(name))}
    return row


class Satisfaction:
    """What each group gets of an agent: see `what_each_gets`."""

    def __init__(self, env_id: str, goals: Mapping[str, Goal]):
        self.goals, self._env_id = goals, env_id

    def returns(self, steps: Steps, random_steps: Steps, episodes: int) -> dict[str, float]:
        """By these steps of so many episodes; `random_steps` are a fourth of those of as many of a random agent."""

        def means(its: Steps, times: int) -> dict[str, float]:
            return {
                name: float(times * goal(*its).sum(dtype=np.float64) / episodes) for name, goal in self.goals.items()
            }

        return what_each_gets(self._env_id, means(steps, 1), means(random_steps, 4))


def group_columns(options: Mapping[str, Any]) -> list[str]:
    """The columns that `progress.csv` has for the groups of a run with these options, by name, from its config.

    None without groups, or with one that wants what the true reward rewards: there is nothing to add then.
    """
    typed = options.get("labellers")
    if not labellers_goal(typed):
        return []
    names = [group.name for group in LabellersConfig(tuple(typed)).groups]  # type: ignore[arg-type]
    return [f"{what}_{name}" for what in ("return", "got", "agrees") for name in names]


def agrees(
    groups: Sequence[str], comparisons: Comparisons, reward: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> dict[str, Any]:
    """The share of each group's answers that a learned reward agrees with, half where it sees no difference."""
    comparisons, sides = comparisons.answered, []
    for fragments in (comparisons.fragments_a, comparisons.fragments_b):
        shape = fragments.true_rewards.shape
        steps = (x.reshape(-1, *x.shape[2:]) for x in (fragments.observations, fragments.actions))
        sides.append(reward(*steps).reshape(shape).sum(axis=1) if len(fragments) else np.empty(0))
    right = 1 - np.abs(np.heaviside(sides[1] - sides[0], 0.5) - comparisons.preferences)
    decided = comparisons.preferences != 0.5
    of = {group: right[decided & (comparisons.labellers == group)] for group in groups}
    return {f"agrees_{group}": float(each.mean()) if len(each) else float("nan") for group, each in of.items()}
