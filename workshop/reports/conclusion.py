"""What is said to a person when a run is finished."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gymnasium.envs.registration import EnvSpec

from workshop.environments import solved_at
from workshop.messages import say
from workshop.records import Row


def conclude(result: Mapping[str, Any], last: Row, spec: EnvSpec, explained: Mapping[str, tuple[float, float]]) -> None:
    """Say how the run went, and where to look.

    `result` is the run's, `last` the last row of its progress; `explained` is what `exercise.explain` returns.
    """
    path = Path(result["run"])
    say(_in_words(result, last, solved_at(spec)))
    if explained:
        losses = ", ".join(f"{name} {round(loss, 3) + 0.0:.3f}" for name, (loss, _) in explained.items())  # no -0.000
        say(f"Held-out answers, explained by each choice model at its best (nats; guessing has 0.693): {losses}")
    say(f"Plots:           {path / 'plots'}")
    moving = {"final_policy.gif": "", "progress.gif": " (the agent over its iterations)"}
    made = [f"{path / 'videos' / name}{what}" for name, what in moving.items() if (path / "videos" / name).exists()]
    for place, picture in enumerate(made):
        say(f"{'Moving pictures:' if place == 0 else '':16} {picture}")


def _in_words(result: Mapping[str, Any], last: Mapping[str, Any], solved_at: float | None) -> str:
    text = f"true return {result['true_return_mean']:g} after {result['env_steps']} steps and {result['seconds']:g} s"
    if result["comparisons"]:
        text += f", from {result['comparisons']} comparisons"
    if last["skipped"]:
        text += f" ({last['skipped']} more were skipped)"
    if last["stopped_asking"] == "settled":
        text += ", when the held-out loss had settled"
    if solved_at is None:
        return f"Done: {text}."  # nobody has said what counts as solved here
    if not result["solved"]:
        return f"Not solved: {text}."
    if result["comparisons"]:
        text += f" (it has stayed solved since it had {result['comparisons_to_solve']})"
    return f"Solved: {text}."
