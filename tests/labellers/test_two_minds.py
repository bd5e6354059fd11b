"""The mixture of two rewards that `experiments/two_minds.py` fits to answers of labellers who are not told apart."""

import sys

import numpy as np
import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def two_minds():
    sys.path.insert(0, str(ROOT / "experiments"))
    import two_minds

    yield two_minds
    sys.path.remove(str(ROOT / "experiments"))


def planted(two_minds, share: float, each: int, seed: int):
    """Of 60 labellers this share, about, prefers less of the one thing that there is, the others more of it."""
    rng = np.random.default_rng(seed)
    group = (rng.random(60) < share).astype(int)
    differences = rng.normal(scale=100, size=(60, each, 1))  # for weights of about the prior's spread
    return two_minds.Answers(differences, ((differences[..., 0] > 0) != group[:, np.newaxis]).astype(float), group)


def test_the_likelihood_by_hand(two_minds):
    mixture = two_minds.Mixture(np.array([[1.0], [-1.0]]), np.array([0.5, 0.5]))
    one_each = two_minds.Answers(np.array([[[3.0]]]), np.array([[1.0]]), np.zeros(1))
    assert mixture.log_likelihood(one_each) == pytest.approx(np.log(0.5))  # what one wants, the other does not
    assert mixture.groups(one_each)[0, 0] == pytest.approx(1 / (1 + np.exp(-3)))
    two_each = two_minds.Answers(np.array([[[3.0], [3.0]]]), np.array([[1.0, 1.0]]), np.zeros(1))
    both = 0.5 / (1 + np.exp(-3)) ** 2 + 0.5 / (1 + np.exp(3)) ** 2  # one labeller wants the same in both
    assert mixture.log_likelihood(two_each) == pytest.approx(np.log(both) / 2)


@pytest.mark.parametrize(("share", "better"), [(0.0, False), (0.3, True)])
def test_it_finds_two_where_there_are_two_and_no_more(two_minds, share: float, better: bool):
    learned, held_out = (planted(two_minds, share, 5, seed) for seed in (0, 1))
    one, two = (two_minds.fit(learned, groups, np.random.default_rng(0)) for groups in (1, 2))
    gain = two.log_likelihood(held_out) - one.log_likelihood(held_out)
    assert gain > 0.2 if better else gain < 0.02
    if better:
        found = two.groups(learned).argmax(axis=1)
        assert max((found == learned.group).mean(), (found != learned.group).mean()) == 1
        assert sorted(two.shares) == pytest.approx(sorted([learned.group.mean(), 1 - learned.group.mean()]), abs=0.01)
