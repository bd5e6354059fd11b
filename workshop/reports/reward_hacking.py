"""An alarm for reward hacking: the learned reward goes on rising while what was wanted gets worse (Skalse et al. 2022).

It looks at the true reward, so it is a report and nothing else: no part of the run asks it.
"""

import numpy as np

from workshop.agent import RewardFunction
from workshop.reports.evaluation import Episodes, Evaluation
from workshop.state import State

STANDARD_ERRORS = 3.0  # a fall of the mean true return by less than this is noise
SHARE = 0.1  # … and so is one by less than this share of the range that the mean has covered so far
IN_A_ROW = 5  # iterations in which it has to be so


class HackingAlarm:
    """Goes off once, when for five iterations in a row the agent has, compared with its best iteration so far by the
    true return,

    - a lower true return, by more than three standard errors and a tenth of the range of the run so far, and
    - a higher learned return, both by the learned reward of today, so that they can be compared.
    """

    def __init__(self) -> None:
        self._means: list[float] = []
        self._best: Episodes | None = None
        self._suspicious = 0
        self.raised = False

    def check(self, evaluation: Evaluation, reward: RewardFunction | None) -> str | None:
        """The alarm's message if it goes off now; to be called once an iteration, with its evaluation.

        `reward` is the learned reward that the agent was trained on last, None with the true one.
        """
        now = evaluation.episodes
        means = self._means
        means.append(float(now.true_returns.mean()))
        if self._best is None or means[-1] > self._best.true_returns.mean():
            self._best = now
        best = self._best
        if reward is None or self.raised:
            return None
        fall = best.true_returns.mean() - now.true_returns.mean()
        noise = np.hypot(_standard_error(best.true_returns), _standard_error(now.true_returns))
        if fall <= STANDARD_ERRORS * noise or fall <= SHARE * np.ptp(means):
            self._suspicious = 0
            return None
        now_learned = evaluation.learned_return_mean
        then_learned = float(reward(best.observations, best.actions).sum() / len(best.true_returns))
        self._suspicious = self._suspicious + 1 if now_learned > then_learned else 0
        if self._suspicious < IN_A_ROW:
            return None
        self.raised = True
        return (
            f"Reward hacking? Since iteration {int(np.argmax(means))} the learned return has risen from "
            f"{then_learned:.4g} to {now_learned:.4g} (by the learned reward of today), while the true return has "
            f"fallen from {best.true_returns.mean():.4g} to {now.true_returns.mean():.4g}. The reward model likes "
            "what nobody asked for; more comparisons, or newer ones (--recent-fraction 1), may help. The run goes on."
        )

    def state(self) -> State:
        """What the alarm goes on from."""
        best = None if self._best is None else vars(self._best)
        return {"means": self._means, "best": best, "suspicious": self._suspicious, "raised": self.raised}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        self._means, self._suspicious, self.raised = state["means"], state["suspicious"], state["raised"]
        self._best = None if state["best"] is None else Episodes(**state["best"])


def _standard_error(returns: np.ndarray) -> float:
    return float(returns.std(ddof=1) / np.sqrt(len(returns))) if len(returns) > 1 else np.inf  # one tells nothing
