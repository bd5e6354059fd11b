"""Who is told of a run while it goes on: the progress bar, and whoever else listens."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from workshop.messages import say
from workshop.records import Row
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
    """Shows how many of `total` steps were taken, on a terminal only, and the last iteration's results."""

    SHOWN = {"true": "true_return_mean", "learned": "learned_return_mean", "accuracy": "reward_model_accuracy"}  # noqa: RUF012

    def __init__(self, total: int, show: bool = True):
        disable = None if show else True  # None: shown on a terminal only
        self._bar = tqdm(total=total, unit="step", disable=disable, dynamic_ncols=True, smoothing=0.05)

    def steps_taken(self, steps: int) -> None:
        """Move the bar on."""
        self._bar.update(steps)

    def iteration(self, told: Iteration) -> None:
        """Show the results beside the bar."""
        numbers = told.numbers
        self._bar.set_postfix({label: f"{numbers[name]:.3g}" for label, name in self.SHOWN.items() if name in numbers})

    def go_on(self, rows: Sequence[Row]) -> None:
        """Begin where the run does."""
        self._bar.update(rows[-1]["env_steps"])

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def say(self, text: str) -> None:
        """Say something without breaking the bar."""
        with self._bar.external_write_mode(file=sys.stderr):
            say(text)
