"""The synthetic oracle answers as its model says: each teacher's frequencies against its formula."""

import numpy as np
import pytest
from gymnasium import spaces
from scipy.stats import binomtest

from oracle import OracleConfig, SyntheticOracle
from workshop.data import Comparisons, Fragments, Rollouts

N = 4000
SPACES = spaces.Box(-1, 1, (1,), np.float32), spaces.Discrete(2)


class Recorder:
    """In place of a run's directory: keeps what is recorded, in order."""

    def __init__(self) -> None:
        self.recorded: list[float] = []

    def record(self, labeller: str, questions: Comparisons) -> "Recorder":
        assert (labeller, np.isnan(questions.preferences).all()) == ("synthetic", True)
        return self

    def answers(self, preferences: np.ndarray) -> None:
        self.recorded += preferences.tolist()


def fragments(returns: list[float], length: int = 4) -> Fragments:
    """Fragments with these true returns, not spread evenly over their steps."""
    rewards = np.zeros((len(returns), length), np.float32)
    rewards[:, 0] = returns
    rewards[:, 1], rewards[:, 2] = 7, -7
    return Fragments(np.zeros((len(returns), length, 1)), np.zeros((len(returns), length)), rewards)


def oracle(temperature: float = 1.0, seed: int = 0, **options) -> SyntheticOracle:
    """An oracle in raw units, unless `options` say otherwise."""
    config = OracleConfig(**{"oracle_temperature": temperature, "oracle_unit": "raw", **options})
    return SyntheticOracle(config, Rollouts.empty(1, *SPACES), Recorder(), np.random.default_rng(seed))


def share(answers: np.ndarray, answer: float, expected: float) -> float:
    """The p-value of seeing `answer` as often as it was seen, if its probability is `expected`."""
    return binomtest(int((answers == answer).sum()), len(answers), expected).pvalue


def test_probabilities_by_hand():
    a, b = fragments([0, 0, 3, 1]), fragments([0, np.log(3), 0, 1000])
    np.testing.assert_allclose(oracle(1).probabilities(a, b), [0.5, 0.75, 1 / (1 + np.exp(3)), 1], rtol=1e-6)
    np.testing.assert_allclose(oracle(3).probabilities(a, b)[2], 1 / (1 + np.e), rtol=1e-6)
    # one answer in five turned round: 0.8 * 0.75 + 0.2 * 0.25
    np.testing.assert_allclose(oracle(1, oracle_mistakes=0.2).probabilities(a, b)[1], 0.65, rtol=1e-6)


@pytest.mark.parametrize(("temperature", "difference"), [(1.0, 1.0), (1.0, -0.5), (4.0, 2.0), (0.5, 0.1)])
def test_stochastic_teacher(temperature: float, difference: float):
    answers = oracle(temperature, seed=11).answers(fragments([0.0] * N), fragments([difference] * N))
    assert set(np.unique(answers)) == {0.0, 1.0}
    assert share(answers, 1.0, 1 / (1 + np.exp(-difference / temperature))) > 0.001


@pytest.mark.parametrize("mistakes", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("temperature", [0.0, 2.0])
def test_mistaken_teacher(mistakes: float, temperature: float):
    answers = oracle(temperature, seed=2, oracle_mistakes=mistakes).answers(fragments([0.0] * N), fragments([3.0] * N))
    right = 1.0 if temperature == 0 else 1 / (1 + np.exp(-3 / 2))
    assert share(answers, 1.0, (1 - mistakes) * right + mistakes * (1 - right)) > 0.001


def test_equal_teacher_by_hand():
    teacher = oracle(0, oracle_equal=2.0)
    a, b = fragments([0, 0, 0, 5, 5]), fragments([1.9, 2.1, -2.1, 5, 3.5])
    np.testing.assert_array_equal(teacher.answers(a, b), [0.5, 1, 0, 0.5, 0.5])


def test_skipping_teacher_by_hand():
    """Only where neither is any good; one good fragment is enough for an answer."""
    teacher = oracle(0, oracle_skip=-1.0)
    a, b = fragments([-2, -2, 0, -1.5]), fragments([-3, 0, -3, -1.0])
    np.testing.assert_array_equal(teacher.answers(a, b), [np.nan, 1, 0, 1])


def test_myopic_teacher_by_hand():
    """With a discount of 1/2 the four steps count 1/8, 1/4, 1/2 and 1."""
    early = Fragments(np.zeros((1, 4, 1)), np.zeros((1, 4)), np.array([[8.0, 0, 0, 0]], np.float32))
    late = Fragments(np.zeros((1, 4, 1)), np.zeros((1, 4)), np.array([[0.0, 0, 1, 1]], np.float32))
    assert oracle(0).answers(early, late) == [0.0], "8 against 2"
    np.testing.assert_allclose(oracle(0, oracle_discount=0.5).values(early), [1.0])
    np.testing.assert_allclose(oracle(0, oracle_discount=0.5).values(late), [1.5])
    assert oracle(0, oracle_discount=0.5).answers(early, late) == [1.0]


def test_teachers_combine_and_each_threshold_is_applied_once():
    """Skipped comes before equal, equal is never mistaken, and what is left is mistaken as often as it should be."""
    teacher = oracle(0, seed=5, oracle_skip=0.0, oracle_equal=1.0, oracle_mistakes=0.3)
    pairs = np.repeat([[-1.0, -1.2], [5.0, 5.5], [5.0, 8.0]], N, axis=0)
    answers = teacher.answers(fragments(list(pairs[:, 0])), fragments(list(pairs[:, 1])))
    assert np.isnan(answers[:N]).all(), "close, but neither is any good"
    assert (answers[N : 2 * N] == 0.5).all()
    assert share(answers[2 * N :], 0.0, 0.3) > 0.001


def rollouts(scale: float, offset: float = 0.0) -> Rollouts:
    """Two environments whose fragments of three steps have returns of mean 3 * offset and a known spread."""
    rewards = scale * np.random.default_rng(0).normal(size=(600, 2)).astype(np.float32) + offset
    return Rollouts(np.zeros((600, 2, 1)), np.zeros((600, 2)), rewards, np.arange(600)[:, None] % 50 == [0, 0])


def values_of_all(scale: float, offset: float) -> np.ndarray:
    """The returns of all fragments of three steps within the episodes, added up one by one."""
    rewards = rollouts(scale, offset).true_rewards
    return np.array([rewards[t : t + 3, e].sum() for t in range(598) for e in range(2) if t % 50 <= 47])


@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0])
def test_spread_is_the_unit(scale: float):
    """The same answers whatever the unit of the reward; one unit is a standard deviation of the fragments' returns."""
    teacher = oracle(1.0, seed=3, oracle_unit="spread")
    teacher.observe(rollouts(scale, offset=7 * scale), fragment_length=3)
    spread, mean = values_of_all(scale, 7 * scale).std(), values_of_all(scale, 7 * scale).mean()
    np.testing.assert_allclose(teacher.values(fragments([mean, mean + 2 * spread])), [0, 2], atol=1e-3, rtol=1e-3)
    answers = teacher.answers(fragments([mean] * N), fragments([mean + spread] * N))
    assert share(answers, 1.0, 1 / (1 + np.exp(-1))) > 0.001


def test_raw_unit_takes_no_notice_of_the_rollouts():
    teacher = oracle(1.0)
    teacher.observe(rollouts(300.0), fragment_length=3)
    np.testing.assert_allclose(teacher.values(fragments([2.0])), [2.0])


def test_rollouts_without_a_whole_fragment_or_without_spread_leave_a_usable_unit():
    teacher = oracle(1.0, oracle_unit="spread")
    teacher.observe(rollouts(1.0), fragment_length=51)
    np.testing.assert_allclose(teacher.values(fragments([2.0])), [2.0])
    teacher.observe(rollouts(0.0, offset=1.0), fragment_length=3)
    np.testing.assert_allclose(teacher.values(fragments([3.0, 4.0])), [0, 1], atol=1e-6)


def test_zero_temperature_always_prefers_the_better_one():
    answers = oracle(0).answers(fragments([1, 2, 5]), fragments([2, 1, 5]))
    np.testing.assert_array_equal(answers, [1, 0, 0.5])


@pytest.mark.parametrize("temperature", [0.0, 1e-300, 1.0, 100.0])
def test_exact_ties_are_ties_and_go_to_neither_side(temperature: float):
    same = fragments([1.25, -3, 0])
    np.testing.assert_array_equal(oracle(temperature, oracle_mistakes=0.5).answers(same, same), [0.5, 0.5, 0.5])


def test_same_generator_same_answers():
    a, b = fragments([0.0] * 50), fragments([0.1] * 50)
    np.testing.assert_array_equal(oracle(1, seed=3).answers(a, b), oracle(1, seed=3).answers(a, b))
    assert not np.array_equal(oracle(1, seed=3).answers(a, b), oracle(1, seed=4).answers(a, b))


@pytest.mark.parametrize(
    ("flag", "options"),
    [
        ("--oracle-temperature", {"oracle_temperature": -1.0}),
        ("--oracle-temperature", {"oracle_temperature": float("nan")}),
        ("--oracle-temperature", {"oracle_temperature": float("inf")}),
        ("--oracle-mistakes", {"oracle_mistakes": 1.1}),
        ("--oracle-skip", {"oracle_skip": float("nan")}),
        ("--oracle-equal", {"oracle_equal": -0.1}),
        ("--oracle-discount", {"oracle_discount": 0.0}),
        ("--oracle-discount", {"oracle_discount": 1.1}),
    ],
)
def test_bad_options_are_refused_by_name(flag: str, options: dict[str, float]):
    with pytest.raises(ValueError, match=flag):
        OracleConfig(**options)


def test_answers_are_on_record_before_they_are_learned_from_and_are_asked_for_once():
    better = oracle(0)
    pairs = Comparisons.questions(fragments([0, 5, 1]), fragments([1, 2, 1]))
    compared = better.compare(pairs)
    np.testing.assert_array_equal(compared.preferences, [1, 0, 0.5])
    assert better._directory.recorded == [1, 0, 0.5]
    assert compared.fragments_a is pairs.fragments_a
    assert better.compare(compared) is compared, "other runs' answers come back as they are"
    shown = pairs[:2]
    better.show(shown)  # before the agent trains: it takes its time
    assert better._directory.recorded == [1, 0, 0.5]
    np.testing.assert_array_equal(better.compare(shown).preferences, [1, 0])
    assert better._directory.recorded == [1, 0, 0.5, 1, 0]
    better.compare(shown)
    assert len(better._directory.recorded) == 7, "the same pair is asked about again if it is asked about again"
