"""Fragments, the schedule of questions, and which pairs are asked about."""

from itertools import pairwise

import numpy as np
import pytest

from preferences import Comparisons, Fragments, PreferencesConfig, cut, sample_pairs
from workshop.messages import UsageError
from workshop.rollouts import Rollouts


def numbered_rollouts(steps: int = 30, n_envs: int = 2, ends: tuple[tuple[int, int], ...] = ()) -> Rollouts:
    """Observations that tell their step and environment; `ends` are the steps and environments where others begin."""
    step, environment = np.meshgrid(np.arange(steps), np.arange(n_envs), indexing="ij")
    starts = np.zeros((steps, n_envs), dtype=bool)
    starts[0] = True
    for start in ends:
        starts[start] = True
    return Rollouts(
        observations=np.stack([step, environment], axis=-1).astype(np.float32),
        actions=(step % 2).astype(np.int64),
        true_rewards=(step + 100 * environment).astype(np.float32),
        episode_starts=starts,
    )


def no_disagreement(fragments_a: Fragments, fragments_b: Fragments) -> np.ndarray:
    return np.zeros(len(fragments_a))


def test_fragment_starts_are_exactly_those_that_cross_no_reset():
    rollouts = numbered_rollouts(steps=12, ends=((5, 0), (9, 0), (3, 1)))
    boundaries = {0: [0, 5, 9, 12], 1: [0, 3, 12]}
    for length in (1, 2, 4, 9, 12, 13):
        expected = {
            (step, env)
            for env, cuts in boundaries.items()
            for begin, end in pairwise(cuts)
            for step in range(begin, end - length + 1)
        }
        assert {tuple(start) for start in rollouts.fragment_starts(length).tolist()} == expected


def test_fragments_are_contiguous_pieces_of_one_episode():
    rollouts = numbered_rollouts(steps=40, n_envs=3, ends=((11, 0), (20, 1), (29, 2)))
    config = PreferencesConfig(fragment_length=6, query="uniform")
    pairs = sample_pairs(rollouts, 300, config, no_disagreement, np.random.default_rng(0))
    for fragments in pairs:
        steps, environments = fragments.observations[..., 0], fragments.observations[..., 1]
        assert fragments.observations.shape == (300, 6, 2)
        assert (np.diff(steps, axis=1) == 1).all()
        assert (environments == environments[:, :1]).all()
        np.testing.assert_array_equal(fragments.true_rewards, steps + 100 * environments)
        np.testing.assert_array_equal(fragments.actions, steps % 2)
        for environment, reset in ((0, 11), (1, 20), (2, 29)):
            first = steps[environments[:, 0] == environment, 0]
            assert not ((first < reset) & (first + 5 >= reset)).any()
            assert len(first) > 10


def test_the_two_fragments_of_a_pair_differ():
    rollouts = numbered_rollouts(steps=4, n_envs=1)
    config = PreferencesConfig(fragment_length=3, query="uniform")
    a, b = sample_pairs(rollouts, 50, config, no_disagreement, np.random.default_rng(0))
    assert (a.observations[:, 0, 0] != b.observations[:, 0, 0]).all()


def test_share_of_recent_fragments():
    old = numbered_rollouts(steps=20)
    rollouts = old.followed_by(numbered_rollouts(steps=30))
    for share in (0.0, 0.25, 1.0):
        config = PreferencesConfig(fragment_length=5, query="uniform", recent_fraction=share)
        a, b = sample_pairs(rollouts, 4000, config, no_disagreement, np.random.default_rng(1))
        # the last step of a fragment lies in the newest rollouts, where steps are numbered anew
        recent = [f.observations for f in (a, b)]
        starts = np.concatenate([r[:, 0, 0] for r in recent])
        # steps 16 to 25 begin fragments in the newer rollouts only, 0 to 15 in both
        seen = (starts >= 16).mean()
        assert seen == pytest.approx(share * 10 / 26, abs=0.02)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_single_fragment_of_the_wanted_kind_is_compared_with_another(share: float):
    """Whole episodes in one environment: the newest rollouts, or the older ones, may hold no more than one."""
    many, one = (numbered_rollouts(steps=steps, n_envs=1, ends=ends) for steps, ends in ((12, ((6, 0),)), (6, ())))
    rollouts = many.followed_by(one) if share == 1.0 else one.followed_by(many)
    config = PreferencesConfig(fragment_length=6, query="uniform", recent_fraction=share)
    a, b = sample_pairs(rollouts, 20, config, no_disagreement, np.random.default_rng(0))
    assert len(a) == len(b) == 20


def test_an_episode_may_span_two_rollouts_but_a_fragment_no_reset_between_them():
    later = numbered_rollouts(steps=10)
    later.episode_starts[0] = False
    spanning = numbered_rollouts(steps=10).followed_by(later)
    assert [0, 0] in spanning.fragment_starts(20).tolist()
    reset_between = numbered_rollouts(steps=10).followed_by(numbered_rollouts(steps=10))
    assert len(reset_between.fragment_starts(11)) == 0


def test_too_long_fragments_are_refused_by_name():
    with pytest.raises(UsageError, match="--fragment-length 30"):
        sample_pairs(
            numbered_rollouts(steps=30, n_envs=1),
            1,
            PreferencesConfig(fragment_length=30),
            no_disagreement,
            np.random.default_rng(0),
        )


def test_disagreement_chooses_the_pairs_of_the_pool_with_most_of_it():
    rollouts = numbered_rollouts(steps=50)
    config = PreferencesConfig(fragment_length=2, query="disagreement", pool_factor=10)
    pools = []

    def disagreement(fragments_a: Fragments, fragments_b: Fragments) -> np.ndarray:
        score = np.abs(fragments_a.observations[:, 0, 0] - fragments_b.observations[:, 0, 0])
        pools.append(score)
        return score

    a, b = sample_pairs(rollouts, 7, config, disagreement, np.random.default_rng(0))
    chosen = np.abs(a.observations[:, 0, 0] - b.observations[:, 0, 0])
    assert len(pools) == 1
    assert len(pools[0]) == 70
    np.testing.assert_array_equal(np.sort(chosen), np.sort(pools[0])[-7:])


def test_cut_by_hand():
    fragments = cut(numbered_rollouts(), np.array([[3, 1], [0, 0]]), 2)
    np.testing.assert_array_equal(fragments.observations, [[[3, 1], [4, 1]], [[0, 0], [1, 0]]])
    np.testing.assert_array_equal(fragments.true_returns, [207, 1])


@pytest.mark.parametrize("comparisons", [1, 7, 40, 60, 1000])
@pytest.mark.parametrize("iterations", [1, 2, 20])
@pytest.mark.parametrize("pretrain", [True, False])
def test_schedule_asks_all_questions_and_none_in_vain(comparisons: int, iterations: int, pretrain: bool):
    if iterations == 1 and not pretrain:
        return  # refused by main.py
    config = PreferencesConfig(comparisons=comparisons, pretrain=pretrain, comparisons_per_fit=3)
    schedule = config.schedule(iterations)
    assert len(schedule) == iterations + 1
    assert sum(map(sum, schedule)) == comparisons
    assert schedule[-1] == [], "an answer after the last training would teach nobody"
    assert (schedule[0] == []) == (not pretrain)
    assert sum(schedule[0 if pretrain else 1]) >= 1, "the agent first trains on a reward model that was fitted"
    assert all(1 <= batch <= 3 for batches in schedule for batch in batches)


def test_schedule_by_hand():
    config = PreferencesConfig(comparisons=16, frontload=5, comparisons_per_fit=4)
    assert config.schedule(4) == [[4, 4, 2], [2], [2], [2], []]  # weights 5, 1, 1, 1: two questions each
    assert PreferencesConfig(comparisons=8, frontload=1, comparisons_per_fit=4).schedule(4) == [[2], [2], [2], [2], []]
    late = PreferencesConfig(comparisons=9, frontload=1, comparisons_per_fit=9, pretrain=False)
    assert late.schedule(4) == [[], [3], [3], [3], []]


def test_comparisons_are_kept_in_order():
    fragments = cut(numbered_rollouts(), np.array([[0, 0], [1, 0], [2, 0]]), 2)
    one = Comparisons(fragments[:1], fragments[1:2], np.array([0.0]))
    two = Comparisons(fragments[1:], fragments[:2], np.array([1.0, 0.5]))
    both = one.followed_by(two)
    np.testing.assert_array_equal(both.preferences, [0, 1, 0.5])
    np.testing.assert_array_equal(both.fragments_a.observations[:, 0, 0], [0, 1, 2])
    np.testing.assert_array_equal(both.fragments_b.observations[:, 0, 0], [1, 0, 1])


@pytest.mark.parametrize(
    ("flag", "options"),
    [
        ("--comparisons", {"comparisons": 0}),
        ("--fragment-length", {"fragment_length": 0}),
        ("--pool-factor", {"pool_factor": 0}),
        ("--comparisons-per-fit", {"comparisons_per_fit": 0}),
        ("--frontload", {"frontload": 0.0}),
        ("--frontload", {"frontload": float("nan")}),
        ("--recent-fraction", {"recent_fraction": 1.5}),
    ],
)
def test_bad_options_are_named(flag: str, options: dict[str, float]):
    with pytest.raises(ValueError, match=flag):
        PreferencesConfig(**options)
