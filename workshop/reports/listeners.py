"""Who is told of a run while it goes on: the progress bar, and whoever else listens."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from workshop.messages import say
from workshop.records import Row
from workshop.reports.about import About
from workshop.reports.evaluation import Evaluation


@dataclass(frozen=True)
class Iteration:
    """What there is to tell after an iteration.

    | field | what |
    | --- | --- |
    | rows | those of `progress.csv` so far; the last one is this iteration's |
    | evaluation | of the agent |
    | steps, ppo | steps trained so far, and SB3's own numbers, by its names for them |
    """

    rows: Sequence[Row]
    evaluation: Evaluation
    steps: int
    ppo: Mapping[str, Any]

    @property
    def numbers(self) -> dict[str, float]:
        """The last row without text, and without what is not known."""
        known = self.rows[-1].items()
        return {name: value for name, value in known if not isinstance(value, str) and not math.isnan(value)}


class Listener:
    """Somebody who is told. These do nothing with it."""

    def steps_taken(self, steps: int) -> None:
        """So many environment steps were taken."""

    def iteration(self, told: Iteration) -> None:
        """An iteration is over."""

    def go_on(self, rows: Sequence[Row]) -> None:
        """The run goes on from where it was interrupted, after these rows."""


class ProgressBar(Listener):
    """Shows, on a terminal only, how much of `total` steps was taken, and what has come of it, in 80 columns."""

    FORMAT = "{percentage:3.0f}%|{bar}| {elapsed}, {remaining} to go{postfix}"

    def __init__(self, total: int, about: About, show: bool = True):
        disable = None if show else True  # None: shown on a terminal only
        self.about = about
        self._bar = tqdm(total=total, disable=disable, dynamic_ncols=True, smoothing=0.05, bar_format=self.FORMAT)

    def steps_taken(self, steps: int) -> None:
        """Move the bar on."""
        self._bar.update(steps)

    def iteration(self, told: Iteration) -> None:
        """Show the results beside the bar."""
        self._show(told.rows[-1])

    def go_on(self, rows: Sequence[Row]) -> None:
        """Begin where the run does."""
        self._bar.update(rows[-1]["env_steps"])
        self._show(rows[-1])

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def say(self, text: str) -> None:
        """Say something without breaking the bar."""
        with self._bar.external_write_mode(file=sys.stderr):
            say(text)

    def _show(self, row: Row) -> None:
        achieved = self.about.achieved(row["true_return_mean"], row["learned_return_mean"])
        answers = f"{row['comparisons']} of {self.about.answers} answers, " if self.about.answers else ""
        self._bar.set_postfix_str(f"{answers}{achieved}")
