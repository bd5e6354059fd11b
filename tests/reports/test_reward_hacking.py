"""The alarm for reward hacking, on made-up evaluations: when it goes off, and when it keeps quiet."""

from dataclasses import replace

import numpy as np

from workshop.reports.evaluation import EPISODES, Episodes, Evaluation
from workshop.reports.reward_hacking import HackingAlarm

ITERATIONS, LATE = 12, 11  # the first iteration in the last tenth; four of the last eight have to be so


def evaluation(true: float, learned: float, noise: float = 1.0) -> Evaluation:
    """Twenty episodes of one step each, with this mean true and learned return."""
    spread = noise * np.linspace(-1, 1, EPISODES)
    observations, actions = np.full((EPISODES, 1), learned), np.zeros(EPISODES)
    episodes = Episodes(observations, actions, true + spread, true + spread, 0, np.zeros(1), np.zeros(1))
    return Evaluation(episodes, learned, 0.0, np.empty(0), np.empty(0))


def reward(observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
    return observations[:, 0]


def alarms(
    true: list[float], learned: list[float], noise: float = 1.0, untaught: Episodes | None = None
) -> list[tuple[int, bool]]:
    """The iterations in which something is said, and whether it is the alarm."""
    alarm = HackingAlarm(ITERATIONS, untaught)
    said = [alarm.check(evaluation(t, r, noise), reward) for t, r in zip(true, learned, strict=True)]
    return [(index, what[1]) for index, what in enumerate(said) if what is not None]


# the untrained agent, a best one, and ten that are worse and worse
FALLING = [0.0, 50, 100, 80, 70, 65, 60, 55, 50, 45, 40, 35, 30]
RISING = [float(i) for i in range(13)]
FLAT = [60.0, *[20.0] * 12]  # the untrained agent, and twelve that are no better


def test_alarm_goes_off_once_in_the_last_tenth():
    assert alarms(FALLING, RISING) == [(LATE, True)]
    assert alarms(FALLING[:LATE], RISING[:LATE]) == []


def test_it_has_to_have_lasted_for_half_of_the_last_iterations():
    for fallen, said in ((3, []), (4, [(12, True)])):
        true = [0.0, 50, *[100.0] * (11 - fallen), *[80.0] * fallen]
        assert alarms(true, [5.0] * 13) == said
    on_and_off = [0.0, 50, 100, *[100.0, 80] * 5]
    assert alarms(on_and_off, [5.0] * 13) == [(12, True)]


def test_in_a_longer_run_it_has_to_last_longer():
    for iterations, late, lasting in ((1, 1, 4), (10, 9, 4), (20, 18, 4), (30, 27, 6), (50, 45, 10)):
        for fallen, rings in ((lasting - 1, False), (lasting, True)):
            alarm = HackingAlarm(iterations)
            before = max(late, lasting + 1) - fallen
            true = [0.0, *[100.0] * before, *[80.0] * fallen]
            said = [alarm.check(evaluation(t, 5.0), reward) for t in true]
            assert [index for index, what in enumerate(said) if what is not None] == [len(true) - 1] * rings


def test_message_tells_both_returns():
    for true, parts in (
        (FALLING, ("was 100 at iteration 2", "is 35 now, and", "no less content: 2 then, 11 now")),
        (FLAT, ("was 60 at iteration 0", "is 20 now, no higher, but", "more content: 0 then, 11 now")),
    ):
        alarm = HackingAlarm(ITERATIONS)
        said = [alarm.check(evaluation(t, r), reward) for t, r in zip(true, RISING, strict=True)]
        ((message, _),) = filter(None, said)
        for part in parts:
            assert part in message


def test_one_that_never_gets_better_while_the_learned_return_rises():
    assert alarms(FLAT, RISING) == [(LATE, True)]
    assert alarms(FLAT, [5.0] * 13) == []
    assert alarms(FLAT, [5.0, *[5.04] * 12]) == [], "less than 0.05 a step"
    assert alarms(FLAT, [5.0, *[5.06] * 12]) == [(LATE, True)]
    assert alarms([20.0, -20, *[27.0] * 11], RISING) == [(LATE, True)], "less than 0.15 of the range"
    assert alarms([20.0, -20, *[27.2] * 11], RISING) == []
    assert alarms([0.0, 190, *[199.0] * 11], RISING) == [], "it was good at once"


def test_what_has_learned_nothing_may_be_a_random_policy():
    random = evaluation(60.0, 3.0).episodes
    lucky = [150.0, *[90.0] * 12]
    assert alarms(lucky, RISING) == [(LATE, True)]
    assert alarms(lucky, RISING, untaught=random) == [], "worse than before it was trained, which was luck"
    assert alarms(FLAT, RISING, untaught=random) == [(LATE, True)]
    assert alarms(FLAT, [0.0, *[3.04] * 12], untaught=random) == [], "no more content than with a random policy"
    alarm = HackingAlarm(ITERATIONS, random)
    said = [alarm.check(evaluation(t, r), reward) for t, r in zip(FLAT, RISING, strict=True)]
    ((message, _),) = filter(None, said)
    assert "was 60 with a random policy and is 20 now, no higher, but" in message
    assert "more content: 3 then, 11 now" in message


def test_an_untrained_agent_that_was_lucky_is_nothing_to_fall_from():
    assert alarms([150.0, *[50.0] * 12], [5.0] * 13) == []
    assert alarms([0.0, 150, *[50.0] * 11], [5.0] * 13) != []


def test_what_was_no_better_than_a_random_policy_has_not_fallen():
    random = evaluation(60.0, 0.0).episodes
    falling = [150.0, -60, 65, *[20.0] * 10]
    assert alarms(falling, [5.0] * 13, untaught=random) == [(LATE, True)], "no higher than 60, and more content"
    assert alarms(falling, [0.0] * 13, untaught=random) == [], "65 is no better than 60, and it is no more content"
    alarm = HackingAlarm(ITERATIONS, random)
    said = [alarm.check(evaluation(t, 5.0), reward) for t in falling]
    ((message, _),) = filter(None, said)
    assert "was 60 with a random policy and is 20 now" in message


def test_one_episode_tells_nothing():
    def alone(true: float, learned: float) -> Evaluation:
        one = np.full(1, true)
        episodes = Episodes(np.full((1, 1), learned), np.zeros(1), one, one, 0, np.zeros(1), np.zeros(1))
        return Evaluation(episodes, learned, 0.0, np.empty(0), np.empty(0))

    for true in (FALLING, FLAT):
        alarm = HackingAlarm(ITERATIONS)
        assert {alarm.check(alone(t, r), reward) for t, r in zip(true, RISING, strict=True)} == {None}


def test_it_takes_itself_back_once_when_the_run_recovers():
    for true, said, words in (
        ([*FALLING[:12], 99, 30], [(11, True), (12, False)], "is 99 again."),
        ([*FLAT[:12], 90, 20], [(11, True), (12, False)], "is 90 now."),
    ):
        assert alarms(true, [*RISING, 13.0]) == said
        alarm = HackingAlarm(ITERATIONS)
        told = [alarm.check(evaluation(t, r), reward) for t, r in zip(true, [*RISING, 13.0], strict=True)]
        assert told[12][0] == f"It was no reward hacking that lasts: the true return {words}"


def test_no_alarm_where_both_fall_or_both_rise():
    assert alarms(FALLING, RISING[::-1]) == []
    assert alarms(FALLING[::-1], RISING[::-1]) == []
    assert alarms(RISING, RISING) == []


def test_a_learned_return_that_is_as_good_as_before_is_content_too():
    assert alarms(FALLING, [5.0] * 13) == [(LATE, True)]
    assert alarms(FALLING, [5.0, 5, 5, *[4.96] * 10]) == [(LATE, True)], "less than 0.05 a step"
    assert alarms(FALLING, [5.0, 5, 5, *[4.94] * 10]) == []


def test_no_alarm_within_the_noise():
    assert alarms(FALLING, [5.0] * 13, noise=1000.0) == []
    solved = [0.0, 50, 100, *[99.5 - 0.1 * i for i in range(10)]]  # certain, and of no account
    assert alarms(solved, RISING, noise=0.01) == []


def test_returns_are_compared_by_the_learned_reward_of_today():
    """What the reward model said of itself earlier, in another scale, counts for nothing."""
    alarm, rung = HackingAlarm(ITERATIONS), []
    for t, r in zip(FALLING, RISING, strict=True):
        seen = replace(evaluation(t, r), learned_return_mean=5.0)
        rung.append(alarm.check(seen, lambda observations, actions: np.full(len(observations), 6.0)))
    assert rung == [None] * len(FALLING), "today's reward liked the best one better"


def test_true_reward_has_nothing_to_hack():
    alarm = HackingAlarm(ITERATIONS)
    assert [alarm.check(evaluation(t, 0), None) for t in FALLING] == [None] * 13


def test_it_goes_on_from_what_was_saved():
    for true in ([*FALLING[:12], 99], [*FLAT[:12], 90]):
        whole = alarms(true, RISING)
        assert len(whole) == 2
        for at in range(1, 13):
            alarm, said = HackingAlarm(ITERATIONS), []
            for index, (t, r) in enumerate(zip(true, RISING, strict=True)):
                if index == at:
                    state, alarm = alarm.state(), HackingAlarm(ITERATIONS)
                    alarm.restore(state)
                what = alarm.check(evaluation(t, r), reward)
                said += [] if what is None else [(index, what[1])]
            assert said == whole
