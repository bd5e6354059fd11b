"""The exercise as a participant meets it: `--check` and `--hint`."""

import sys
import tomllib
from pathlib import Path

from workshop.exercise.checker import check_loss
from workshop.exercise.probe import Loss
from workshop.messages import coloured

HINTS = tomllib.loads(Path(__file__).with_name("hints.toml").read_text(encoding="utf-8"))["hints"]


def report_check(loss: Loss) -> None:
    """Print what was checked and what to do next; a UsageError says what is wrong."""
    checked = check_loss(loss)
    print(coloured("preference_loss is right. Checked:", "green", sys.stdout))
    for line in checked:
        print(f"  {coloured('ok', 'green', sys.stdout)}  {line}")
    print("Next: python main.py")


def give_hints(number: int) -> None:
    """Print the first `number` hints, the last of which is the formula."""
    for index, hint in enumerate(HINTS[:number], start=1):
        print(f"Hint {index} of {len(HINTS)}:\n{hint}\n")
    if number < len(HINTS):
        print(f"For the next one: python main.py {' '.join(['--hint'] * (number + 1))}")
    else:
        print("Written it? python main.py --check")
