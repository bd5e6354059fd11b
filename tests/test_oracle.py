"""The synthetic oracle answers as its model says."""

import numpy as np
import pytest
from scipy.stats import binomtest

from oracle import OracleConfig, SyntheticOracle
from preferences import Fragments


def fragments(returns: list[float], length: int = 4) -> Fragments:
    """Fragments with these true returns, not spread evenly over their steps."""
    rewards = np.zeros((len(returns), length), np.float32)
    rewards[:, 0] = returns
    rewards[:, 1], rewards[:, 2] = 7, -7
    return Fragments(np.zeros((len(returns), length, 1)), np.zeros((len(returns), length)), rewards)


def oracle(temperature: float, seed: int = 0) -> SyntheticOracle:
    return SyntheticOracle(OracleConfig(temperature), np.random.default_rng(seed))


def test_probabilities_by_hand():
    a, b = fragments([0, 0, 3, 1]), fragments([0, np.log(3), 0, 1000])
    np.testing.assert_allclose(oracle(1).probabilities(a, b), [0.5, 0.75, 1 / (1 + np.exp(3)), 1], rtol=1e-6)
    np.testing.assert_allclose(oracle(3).probabilities(a, b)[2], 1 / (1 + np.e), rtol=1e-6)


@pytest.mark.parametrize(("temperature", "difference"), [(1.0, 1.0), (1.0, -0.5), (4.0, 2.0), (0.5, 0.1)])
def test_frequencies_are_the_probabilities(temperature: float, difference: float):
    n = 4000
    answers = oracle(temperature, seed=11).compare(fragments([0.0] * n), fragments([difference] * n))
    assert set(np.unique(answers)) == {0.0, 1.0}
    expected = 1 / (1 + np.exp(-difference / temperature))
    assert binomtest(int(answers.sum()), n, expected).pvalue > 0.001


def test_zero_temperature_always_prefers_the_better_one():
    answers = oracle(0).compare(fragments([1, 2, 5]), fragments([2, 1, 5]))
    np.testing.assert_array_equal(answers, [1, 0, 0.5])


@pytest.mark.parametrize("temperature", [0.0, 1e-300, 1.0, 100.0])
def test_exact_ties_are_ties_and_go_to_neither_side(temperature: float):
    same = fragments([1.25, -3, 0])
    np.testing.assert_array_equal(oracle(temperature).compare(same, same), [0.5, 0.5, 0.5])


def test_same_generator_same_answers():
    a, b = fragments([0.0] * 50), fragments([0.1] * 50)
    np.testing.assert_array_equal(oracle(1, seed=3).compare(a, b), oracle(1, seed=3).compare(a, b))
    assert not np.array_equal(oracle(1, seed=3).compare(a, b), oracle(1, seed=4).compare(a, b))


@pytest.mark.parametrize("temperature", [-1.0, float("nan"), float("inf")])
def test_bad_temperature_is_refused_by_name(temperature: float):
    with pytest.raises(ValueError, match="--oracle-temperature"):
        OracleConfig(temperature)
