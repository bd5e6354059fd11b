"""What there is to know of a run for what is told and drawn of it."""

import re
from dataclasses import dataclass
from pathlib import Path

from gymnasium.envs.registration import EnvSpec

from workshop.drawing import TITLE_WIDTH, wrapped
from workshop.environments import return_range, solved_at
from workshop.records import Row

MOST_LINES = 3  # of a title


@dataclass(frozen=True)
class About:
    """A run, for whoever tells of it.

    | field | what |
    | --- | --- |
    | spec | its environment |
    | seed | its seed |
    | command | what was typed for it; "" if that is not known |
    | answers | how many it may learn from in all; 0 with the true reward |
    | goal | what a person judges by, if that is another than the true reward, which says nothing then; or "" |
    """

    spec: EnvSpec
    seed: int
    command: str = ""
    answers: int = 0
    goal: str = ""

    @property
    def title(self) -> str:
        """The command and the seed, on lines of 100 characters."""
        return _title(self.command, self.seed)

    @property
    def solved_at(self) -> float | None:
        """The true return from which it counts as solved, None where nobody says, or another goal counts."""
        return None if self.goal else solved_at(self.spec)

    @property
    def returns(self) -> tuple[float, float] | None:
        """The least and the greatest true return that there can be, None where that is not known."""
        return return_range(self.spec)

    @property
    def has_recorded(self) -> bool:
        """Whether it learns from the answers of other runs, too."""
        return "--comparisons-from" in self.command

    def achieved(self, true_return: float, learned_return: float) -> str:
        """What the agent came to, in words: "true return 199 of 200"; by the learned reward where a goal counts."""
        if self.goal:
            return f"learned return {number(learned_return)}"
        best = "" if self.returns is None else f" of {self.returns[1]:g}"
        return f"true return {number(true_return)}{best}"

    def caption(self, row: Row, true_return: float) -> str:
        """What stands below a picture of the agent after this row of the progress, and an episode with this return."""
        so_far = f"{row['comparisons']} answer{'' if row['comparisons'] == 1 else 's'}"
        if self.answers == 0:
            so_far = f"iteration {row['iteration']}"
        return f"{so_far}, {self.achieved(true_return, row['learned_return_mean'])}"


def command_of(run: Path) -> str:
    """What was typed for the run in this directory; "" where it is not on record."""
    try:
        return " ".join((run / "command.txt").read_text(encoding="utf-8").split())
    except (OSError, ValueError):
        return ""


def title_of(run: Path, seed: int) -> str:
    """What stands above the figures of the run in this directory: its command and seed, on lines of 100 characters."""
    return _title(command_of(run), seed)


def _title(command: str, seed: int) -> str:
    named = re.search(r"--seed\b", command) is not None
    title = wrapped(command if named else f"{command}  seed {seed}", TITLE_WIDTH)
    lines = title.split("\n")
    return title if len(lines) <= MOST_LINES else "\n".join(lines[:MOST_LINES]) + " …"


def number(value: float) -> str:
    """A return as people read it: whole from 10 on, else with a digit after the point; no -0."""
    digits = 0 if abs(value) >= 9.95 else 1
    return f"{round(value, digits) + 0.0:.{digits}f}"
