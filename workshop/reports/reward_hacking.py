"""An alarm for reward hacking: the learned reward is content, and what was wanted is not there (Skalse et al. 2022).

It looks at the true reward, so it is a report and nothing else: no part of the run asks it.
"""

from dataclasses import dataclass

import numpy as np

from workshop.agent import RewardFunction
from workshop.reports.evaluation import Episodes, Evaluation
from workshop.state import State

STANDARD_ERRORS = 3.0  # a difference of mean true returns by less than this is noise
SHARE = 0.15  # … and so is one by less than this share of the range that the mean has covered so far
ALIKE = 0.05  # a difference of learned returns by less than this each step is none: learned rewards have a spread of 1
IN, OF = 0.2, 0.4  # in this share of the run's iterations, among the last ones, which are this share …
AT_LEAST = 4, 8  # … and at least in so many of so many
LATE = 0.9  # of the run; before that, it is so in many runs that learn better yet
ADVICE = "more comparisons, or newer ones (--recent-fraction 1), may help"


@dataclass(frozen=True)
class Earlier:
    """What the agent did at an earlier evaluation, and when that was, in words."""

    episodes: Episodes
    when: str


class HackingAlarm:
    """Goes off once, in the last tenth of a run of so many `iterations`, when it has lasted.

    That is when in half of the last iterations (40 % of all, eight at least) the learned reward is content and the
    true return is not: when the agent has

    - compared with its best since it was first trained, if that was higher than `untaught`, a lower true return, and
      no lower learned one, or
    - compared with `untaught`, no higher true return, and a higher learned one.

    `untaught` are episodes of a policy that has learned nothing, such as a random one; None for the agent's own, at the
    first check. True returns differ by three standard errors and by a seventh of the range of the run so far, or not at
    all. Learned ones are both by the learned reward of today, so that they can be compared, and differ by 0.05 a step.

    It takes itself back, once, when the true return is as good as at that best again, or higher than the untaught one.
    What it says has the `advice` in it, and what the true return is called.
    """

    def __init__(
        self,
        iterations: int,
        untaught: Episodes | None = None,
        true_return: str = "true return",
        advice: str = ADVICE,
    ) -> None:
        self._called, self._advice = true_return, advice
        self._in, self._of = (max(n, round(share * iterations)) for n, share in zip(AT_LEAST, (IN, OF), strict=True))
        self._late = LATE * iterations
        self._means: list[float] = []  # of the true return, the untrained agent's first
        self._untaught = None if untaught is None else Earlier(untaught, "with a random policy")
        self._best: Earlier | None = None
        self._suspicious: list[bool] = []
        self._fallen = False  # that was why it went off
        self.raised, self._taken_back = False, False

    def check(self, evaluation: Evaluation, reward: RewardFunction | None, when: str = "") -> tuple[str, bool] | None:
        """What to say now, and whether the alarm goes off; to be called once an iteration, with its evaluation.

        `reward` is the learned reward that the agent was trained on last, None with the true one; `when` it is, if not
        at an iteration of that number.
        """
        trained = len(self._means)
        now = Earlier(evaluation.episodes, when or f"at iteration {trained}")
        self._means.append(_mean(now))
        if self._untaught is None:
            self._untaught = now
        if trained == 0:
            return None  # what an agent does that has not been trained tells nothing
        if self._best is None or _mean(now) > _mean(self._best):
            self._best = now
        if reward is None or self._taken_back or len(evaluation.episodes.true_returns) == 1:  # one tells nothing
            return None
        fallen, no_better = self._is_higher(self._best, now), not self._is_higher(now, self._untaught)
        if self.raised:
            if fallen if self._fallen else no_better:
                return None
            self._taken_back = True
            as_good = f"{_mean(now):.4g} {'again' if self._fallen else 'now'}"
            return f"It was no reward hacking that lasts: the {self._called} is {as_good}.", False
        self._fallen = (
            fallen
            and self._is_higher(self._best, self._untaught)
            and _more_content(evaluation, self._best, reward) > -ALIKE
        )
        self._suspicious.append(
            self._fallen or (no_better and _more_content(evaluation, self._untaught, reward) > ALIKE)
        )
        lasts = self._suspicious[-1] and sum(self._suspicious[-self._of :]) >= self._in
        if not lasts or trained < self._late:
            return None
        self.raised = True
        return self._words(evaluation, self._best if self._fallen else self._untaught, reward), True

    def _is_higher(self, one: Earlier, other: Earlier) -> bool:
        """Whether the true return of the one is higher than that of the other, and not by chance."""
        difference = _mean(one) - _mean(other)
        noise = float(np.hypot(_standard_error(one), _standard_error(other)))
        return bool(difference > STANDARD_ERRORS * noise and difference > SHARE * np.ptp(self._means))

    def _words(self, now: Evaluation, then: Earlier, reward: RewardFunction) -> str:
        what = "no less content" if self._fallen else "more content"
        return (
            f"Reward hacking? The {self._called} was {_mean(then):.4g} {then.when} and is {self._means[-1]:.4g} now, "
            f"{'and' if self._fallen else 'no higher, but'} the learned reward is {what}: "
            f"{_learned_return(then, reward):.4g} then, {now.learned_return_mean:.4g} now, by the learned reward of "
            f"today. It likes what nobody asked for; {self._advice}. The run goes on."
        )

    def state(self) -> State:
        """What the alarm goes on from."""
        earlier = {"_untaught": self._untaught, "_best": self._best}
        return vars(self) | {
            name: None if each is None else {"when": each.when, "episodes": vars(each.episodes)}
            for name, each in earlier.items()
        }

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        vars(self).update(state)
        self._untaught, self._best = (
            None if each is None else Earlier(Episodes(**each["episodes"]), each["when"])
            for each in (state["_untaught"], state["_best"])
        )


def _mean(agent: Earlier) -> float:
    return float(agent.episodes.true_returns.mean())


def _standard_error(agent: Earlier) -> float:
    returns = agent.episodes.true_returns
    return float(returns.std(ddof=1) / np.sqrt(len(returns)))


def _learned_return(agent: Earlier, reward: RewardFunction) -> float:
    """The mean return of its episodes by this reward."""
    its = agent.episodes
    return float(reward(its.observations, its.actions).sum() / len(its.true_returns))


def _more_content(now: Evaluation, then: Earlier, reward: RewardFunction) -> float:
    """By how much the learned return is higher now than it was then, each step."""
    steps = len(then.episodes.true_rewards) / len(then.episodes.true_returns)
    return (now.learned_return_mean - _learned_return(then, reward)) / steps
