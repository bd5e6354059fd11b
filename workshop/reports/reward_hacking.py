"""An alarm for reward hacking: the learned reward is content while what was wanted gets worse (Skalse et al. 2022).

It looks at the true reward, so it is a report and nothing else: no part of the run asks it.
"""

import numpy as np

from workshop.agent import RewardFunction
from workshop.reports.evaluation import Episodes, Evaluation
from workshop.state import State

STANDARD_ERRORS = 3.0  # a fall of the mean true return by less than this is noise
SHARE = 0.1  # … and so is one by less than this share of the range that the mean has covered so far
CONTENT = 0.025  # … and a fall of the learned return by less than this each step: learned rewards have a spread of 1
IN, OF = 0.4, 0.6  # in this share of the run's iterations, among the last ones, which are this share …
AT_LEAST = 6, 10  # … and at least in so many of so many
ADVICE = "more comparisons, or newer ones (--recent-fraction 1), may help"


class HackingAlarm:
    """Goes off once, when it has lasted in a run of so many `iterations`: when in two thirds of the last ones, six of
    ten at least, the agent has, compared with its best since it was first trained, by the true return,

    - a lower true return, by more than three standard errors and a tenth of the range of the run so far, and
    - no lower learned return, both by the learned reward of today, so that they can be compared.

    It takes itself back, once, when the true return is as good as at that best again. What it says has the `advice` in
    it, and what the true return is called.
    """

    def __init__(self, iterations: int, true_return: str = "true return", advice: str = ADVICE) -> None:
        self._called, self._advice = true_return, advice
        self._in, self._of = (max(n, round(share * iterations)) for n, share in zip(AT_LEAST, (IN, OF), strict=True))
        self._evaluated = 0
        self._means: list[float] = []  # since the agent was first trained
        self._best: Episodes | None = None
        self._best_at = ""
        self._suspicious: list[bool] = []
        self.raised, self._taken_back = False, False

    def check(self, evaluation: Evaluation, reward: RewardFunction | None, when: str = "") -> tuple[str, bool] | None:
        """What to say now, and whether the alarm goes off; to be called once an iteration, with its evaluation.

        `reward` is the learned reward that the agent was trained on last, None with the true one; `when` it is, if not
        at an iteration of that number.
        """
        self._evaluated += 1
        if self._evaluated == 1:
            return None  # what an agent does that has not been trained tells nothing
        now = evaluation.episodes
        self._means.append(float(now.true_returns.mean()))
        if self._best is None or self._means[-1] > self._best.true_returns.mean():
            self._best, self._best_at = now, when or f"at iteration {len(self._means)}"
        if reward is None or self._taken_back:
            return None
        best = self._best
        fall = best.true_returns.mean() - now.true_returns.mean()
        noise = np.hypot(_standard_error(best.true_returns), _standard_error(now.true_returns))
        fallen = fall > STANDARD_ERRORS * noise and fall > SHARE * np.ptp(self._means)
        if self.raised:
            if fallen:
                return None
            self._taken_back = True
            return f"It was no reward hacking that lasts: the {self._called} is {self._means[-1]:.4g} again.", False
        n, then_learned = len(best.true_returns), float(reward(best.observations, best.actions).sum())
        tolerance, now_learned = CONTENT * len(best.true_rewards), evaluation.learned_return_mean * n
        self._suspicious.append(bool(fallen and now_learned > then_learned - tolerance))
        if not self._suspicious[-1] or sum(self._suspicious[-self._of :]) < self._in:
            return None
        self.raised = True
        return (
            f"Reward hacking? The {self._called} was {best.true_returns.mean():.4g} {self._best_at} and is "
            f"{self._means[-1]:.4g} now, and the learned reward is no less content: {then_learned / n:.4g} then, "
            f"{now_learned / n:.4g} now, by the learned reward of today. It likes what nobody asked for; "
            f"{self._advice}. The run goes on."
        ), True

    def state(self) -> State:
        """What the alarm goes on from."""
        best = None if self._best is None else vars(self._best)
        return vars(self) | {"_best": best}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        vars(self).update(state)
        self._best = None if state["_best"] is None else Episodes(**state["_best"])


def _standard_error(returns: np.ndarray) -> float:
    return float(returns.std(ddof=1) / np.sqrt(len(returns))) if len(returns) > 1 else np.inf  # one tells nothing
