"""What is said to a person when a run is finished."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workshop.messages import say
from workshop.records import ENOUGH_HELD_OUT, Row, as_command
from workshop.reports.about import About

# by the README's table of how well it works
RARE = "With the defaults 99 of 100 runs were solved; other flags and labellers have their share that is not."
Explained = Mapping[str, tuple[float, float]]  # what `exercise.explain` returns


def conclude(result: Mapping[str, Any], last: Row, about: About, explained: Explained, held_out: int) -> None:
    """Say how the run went, where to look, and what to try next.

    `result` is the run's, `last` the last row of its progress; `explained` is how well each choice model explains so
    many `held_out` answers, which is left out where these are too few to tell.
    """
    path = Path(result["run"])
    say(_in_words(result, last, about))
    if explained and held_out >= ENOUGH_HELD_OUT:
        losses = ", ".join(f"{name} {round(loss, 3) + 0.0:.3f}" for name, (loss, _) in explained.items())  # no -0.000
        say(f"Held-out answers, {held_out}, explained by each choice model (nats; guessing has 0.693): {losses}")
    pictures = "; the moving pictures are in videos beside it" if any((path / "videos").glob("*.gif")) else ""
    say(f"Look at:  {path / 'plots'}{pictures}")
    say(f"Try next: {what_next(result, about)}")


def what_next(result: Mapping[str, Any], about: About) -> str:
    """What to try after a run with this result, in words with the flags to type."""
    if about.goal:
        return f"{as_command(['--watch', result['run']])}, to see what it does now"
    if about.answers == 0:
        return f"the same from answers: leave --reward true out; {_side_by_side(result)}"
    if about.solved_at is not None and not result["solved"]:
        return _if_not_solved(about)
    to_compare = f"the true reward to compare with (--reward true); {_side_by_side(result)}"
    more_or_fewer = _fewer(result, about) if result["solved"] else _more(about)
    return f"{more_or_fewer}{to_compare}"


def _if_not_solved(about: About) -> str:
    """What helps where the task was not solved, and what it means that it was not."""
    command = about.command or as_command([])
    more = "" if about.has_recorded else f"{_with(command, '--comparisons', 2 * about.answers)}, or "
    return f"{more}{_with(command, '--seed', about.seed + 1)}. {RARE}"


def _with(command: str, flag: str, value: int) -> str:
    """The command with this value for a flag, in place of the one that was typed."""
    return f"{re.sub(f' {flag}[ =][0-9]+', '', command)} {flag} {value}"


def _fewer(result: Mapping[str, Any], about: About) -> str:
    """As many answers as solved it, if that was before the last, else three quarters."""
    sufficed = result["comparisons_to_solve"]
    fewer = max(1, sufficed if sufficed < about.answers else 3 * about.answers // 4)
    return "" if about.has_recorded or fewer == about.answers else f"fewer answers (--comparisons {fewer}), or "


def _more(about: About) -> str:
    return "" if about.has_recorded else f"more answers (--comparisons {2 * about.answers}), or "


def _side_by_side(result: Mapping[str, Any]) -> str:
    return f"python compare.py {Path(result['run']).parent} draws them together"


def _in_words(result: Mapping[str, Any], last: Row, about: About) -> str:
    text = f"{result['env_steps']} steps and {result['seconds']:g} s"
    if result["comparisons"]:
        text = f"{result['comparisons']} answer{'' if result['comparisons'] == 1 else 's'}, {text}"
    if last["skipped"]:
        text += f" ({last['skipped']} more were skipped)"
    if last["stopped_asking"] == "settled":
        text += ", when the held-out loss had settled"
    if about.goal:
        return f"Done: what you asked for was learned from {text}."
    best = "" if about.returns is None else f" of {about.returns[1]:g}"
    text = f"true return {result['true_return_mean']:g}{best}, from {text}"
    if about.solved_at is None:
        return f"Done: {text}."  # nobody has said what counts as solved here
    if not result["solved"]:
        return f"Not solved: {text}."
    if result["comparisons"]:
        text += f" (it has stayed solved since it had {result['comparisons_to_solve']})"
    return f"Solved: {text}."
