"""Which fits were made to which answers, so that answers that were taken back can be unlearned."""

import numpy as np

from workshop.state import State


class Fits:
    """The fits so far: to how many comparisons each, and what they were answered, NaN where there is no answer."""

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._answers = np.empty(0)

    def next(self, answers: np.ndarray) -> list[int]:
        """Take note of a fit to comparisons with these answers, (n,), and say which fits to make.

        It is one, to all n of them, as a rule. If an answer has changed since it was learned from, all earlier ones are
        to be made again before it, from the beginning: what was learned from it is in the weights, and in all that came
        after.
        """
        known = len(self._answers)
        changed = len(answers) >= known and not np.array_equal(self._answers, answers[:known], equal_nan=True)
        self._sizes.append(len(answers))
        self._answers = answers.copy()
        return list(self._sizes) if changed else [len(answers)]

    def state(self) -> State:
        """What to go on from."""
        return {"sizes": self._sizes, "answers": self._answers}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        self._sizes, self._answers = state["sizes"], state["answers"]
