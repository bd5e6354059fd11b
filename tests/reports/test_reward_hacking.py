"""The alarm for reward hacking, on made-up evaluations: when it goes off, and when it keeps quiet."""

from dataclasses import replace

import numpy as np

from workshop.reports.evaluation import EPISODES, Episodes, Evaluation
from workshop.reports.reward_hacking import HackingAlarm

ITERATIONS, IN = 12, 6  # of which six have to be so, the last ten being looked at


def evaluation(true: float, learned: float, noise: float = 1.0) -> Evaluation:
    """Twenty episodes of one step each, with this mean true and learned return."""
    spread = noise * np.linspace(-1, 1, EPISODES)
    observations, actions = np.full((EPISODES, 1), learned), np.zeros(EPISODES)
    episodes = Episodes(observations, actions, true + spread, true + spread, 0, np.zeros(1), np.zeros(1))
    return Evaluation(episodes, learned, 0.0, np.empty(0), np.empty(0))


def reward(observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
    return observations[:, 0]


def alarms(true: list[float], learned: list[float], noise: float = 1.0) -> list[tuple[int, bool]]:
    """The iterations in which something is said, and whether it is the alarm."""
    alarm = HackingAlarm(ITERATIONS)
    said = [alarm.check(evaluation(t, r, noise), reward) for t, r in zip(true, learned, strict=True)]
    return [(index, what[1]) for index, what in enumerate(said) if what is not None]


# the untrained agent, a best one, and twelve that are worse and worse
FALLING = [0.0, 50, 100, 90, 70, 65, 60, 55, 50, 45, 40, 35, 30, 25, 20]
RISING = [float(i) for i in range(15)]


def test_alarm_goes_off_once_when_it_has_lasted():
    # the fall to 90 at iteration 3 is more than a tenth of the range from 50 to 100; the sixth is iteration 8
    assert alarms(FALLING, RISING) == [(2 + IN, True)]
    assert alarms(FALLING[: 2 + IN], RISING[: 2 + IN]) == []


def test_in_a_longer_run_it_has_to_last_longer():
    for iterations, lasting in ((1, 6), (15, 6), (20, 8), (30, 12)):
        alarm = HackingAlarm(iterations)
        falling = [0.0, 100.0, *np.linspace(80, 10, 30)]
        said = [alarm.check(evaluation(t, r), reward) for r, t in enumerate(falling)]
        assert [index for index, what in enumerate(said) if what is not None] == [1 + lasting]


def test_message_tells_both_returns():
    alarm = HackingAlarm(ITERATIONS)
    said = [alarm.check(evaluation(t, r), reward) for t, r in zip(FALLING, RISING, strict=True)]
    ((message, _),) = filter(None, said)
    for part in ("was 100 at iteration 2", "is 50 now", "2 then, 8 now"):
        assert part in message


def test_an_untrained_agent_that_was_lucky_is_nothing_to_measure_by():
    lucky = [150.0, 50, *[50.0] * 13]
    assert alarms(lucky, RISING) == []
    assert alarms([0.0, 150, *[50.0] * 13], RISING) != []


def test_it_takes_itself_back_once_when_the_run_recovers():
    recovered = [*FALLING[:11], 60, 99, 30, 100]
    assert alarms(recovered, RISING) == [(8, True), (12, False)]
    alarm = HackingAlarm(ITERATIONS)
    said = [alarm.check(evaluation(t, r), reward) for t, r in zip(recovered, RISING, strict=True)]
    assert said[12][0] == "It was no reward hacking that lasts: the true return is 99 again."


def test_no_alarm_where_both_fall_or_both_rise():
    assert alarms(FALLING, RISING[::-1]) == []
    assert alarms(FALLING[::-1], RISING[::-1]) == []
    assert alarms(RISING, RISING) == []


def test_a_learned_return_that_is_as_good_as_before_is_content_too():
    assert alarms(FALLING, [5.0] * 15) == [(2 + IN, True)]
    assert alarms(FALLING, [5.0, 5, 5, *[4.98] * 12]) == [(2 + IN, True)], "less than 0.025 a step"
    assert alarms(FALLING, [5.0, 5, 5, *[4.97] * 12]) == []


def test_no_alarm_within_the_noise():
    assert alarms(FALLING, RISING, noise=1000.0) == []
    solved = [0.0, 50, 100, *[99.5 - 0.1 * i for i in range(12)]]  # certain, and of no account
    assert alarms(solved, RISING, noise=0.01) == []


def test_no_alarm_for_falls_that_pass():
    passing = [0.0, 50, *[100, 40] * 6, 100]
    assert alarms(passing, RISING) == []


def test_returns_are_compared_by_the_learned_reward_of_today():
    """What the reward model said of itself earlier, in another scale, counts for nothing."""
    alarm, rung = HackingAlarm(ITERATIONS), []
    for t, r in zip(FALLING, RISING, strict=True):
        seen = replace(evaluation(t, r), learned_return_mean=5.0)
        rung.append(alarm.check(seen, lambda observations, actions: np.full(len(observations), 6.0)))
    assert rung == [None] * len(FALLING), "today's reward liked the best one better"


def test_true_reward_has_nothing_to_hack():
    alarm = HackingAlarm(ITERATIONS)
    assert [alarm.check(evaluation(t, 0), None) for t in FALLING] == [None] * 15


def test_it_goes_on_from_what_was_saved():
    whole = alarms(FALLING, RISING)
    for at in range(1, 14):
        alarm, said = HackingAlarm(ITERATIONS), []
        for index, (t, r) in enumerate(zip(FALLING, RISING, strict=True)):
            if index == at:
                state, alarm = alarm.state(), HackingAlarm(ITERATIONS)
                alarm.restore(state)
            what = alarm.check(evaluation(t, r), reward)
            said += [] if what is None else [(index, what[1])]
        assert said == whole
