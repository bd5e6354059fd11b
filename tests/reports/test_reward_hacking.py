"""The alarm for reward hacking, on made-up evaluations: when it goes off, and when it keeps quiet."""

from dataclasses import replace

import numpy as np

from workshop.reports.evaluation import EPISODES, Episodes, Evaluation
from workshop.reports.reward_hacking import IN_A_ROW, HackingAlarm


def evaluation(true: float, learned: float, noise: float = 1.0) -> Evaluation:
    """Twenty episodes of one step each, with this mean true and learned return."""
    spread = noise * np.linspace(-1, 1, EPISODES)
    observations, actions = np.full((EPISODES, 1), learned), np.zeros(EPISODES)
    episodes = Episodes(observations, actions, true + spread, true + spread, 0, np.zeros(1), np.zeros(1))
    return Evaluation(episodes, learned, 0.0, np.empty(0), np.empty(0))


def reward(observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
    return observations[:, 0]


def alarms(true: list[float], learned: list[float], noise: float = 1.0) -> list[int]:
    """The iterations in which the alarm goes off."""
    alarm = HackingAlarm()
    messages = [alarm.check(evaluation(t, r, noise), reward) for t, r in zip(true, learned, strict=True)]
    return [index for index, message in enumerate(messages) if message is not None]


FALLING = [0.0, 50, 100, 90, 70, 60, 50, 40, 30, 20]
RISING = [float(i) for i in range(10)]


def test_alarm_goes_off_once_when_the_learned_return_rises_and_the_true_one_falls():
    # the best is iteration 2; the fall to 90 is not more than a tenth of the range, those from iteration 4 on are
    assert alarms(FALLING, RISING) == [3 + IN_A_ROW]


def test_message_tells_both_returns():
    alarm = HackingAlarm()
    messages = [alarm.check(evaluation(t, r), reward) for t, r in zip(FALLING, RISING, strict=True)]
    (message,) = filter(None, messages)
    for part in ("Since iteration 2", "from 2 to", "from 100 to"):
        assert part in message


def test_no_alarm_where_both_fall_or_both_rise():
    assert alarms(FALLING, RISING[::-1]) == []
    assert alarms(FALLING[::-1], RISING[::-1]) == []
    assert alarms(RISING, RISING) == []


def test_no_alarm_within_the_noise():
    assert alarms(FALLING, RISING, noise=1000.0) == []
    solved = [0.0, 100, 100, 99.5, 99, 99, 98.5, 98.5, 98, 98]  # certain, and of no account
    assert alarms(solved, RISING, noise=0.01) == []


def test_no_alarm_for_a_passing_fall():
    dip = [0.0, 50, 100, 40, 40, 40, 100, 40, 40, 40]
    assert alarms(dip, RISING) == []


def test_returns_are_compared_by_the_learned_reward_of_today():
    """What the reward model said of itself earlier, in another scale, counts for nothing."""
    alarm, rung = HackingAlarm(), []
    for t, r in zip(FALLING, RISING, strict=True):
        seen = replace(evaluation(t, r), learned_return_mean=5.0)
        rung.append(alarm.check(seen, lambda observations, actions: np.full(len(observations), 5.0)))
    assert rung == [None] * len(FALLING), "today's reward sees no rise"


def test_true_reward_has_nothing_to_hack():
    alarm = HackingAlarm()
    assert [alarm.check(evaluation(t, 0), None) for t in FALLING] == [None] * 10
