"""Fragments, the schedule of questions, and which pairs are asked about."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from preferences import PreferencesConfig, Questions, k_centre, sample_pairs, uncertainty
from workshop.data import Comparisons, Fragments, Rollouts, cut
from workshop.messages import UsageError


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


class Ensemble:
    """Two members: the one prefers the later fragment with certainty, the other the more surely the later it is."""

    def __init__(self):
        self.pools = []

    def member_probabilities(self, fragments_a: Fragments, fragments_b: Fragments) -> np.ndarray:
        self.pools.append((fragments_a, fragments_b))
        later = fragments_b.observations[:, 0, 0] - fragments_a.observations[:, 0, 0]
        return np.stack([np.heaviside(later, 0.5), 1 / (1 + np.exp(-later / 20))])

    def describe(self, fragments: Fragments) -> np.ndarray:
        return fragments.observations[:, 0]


def ask(rollouts: Rollouts, n: int, config: PreferencesConfig, seed: int = 0, ensemble: Ensemble | None = None):
    """Choose n pairs, the first to be asked about."""
    none = Comparisons.empty(config.fragment_length, spaces.Box(-1, 1, (2,)), spaces.Discrete(2))
    return sample_pairs(rollouts, n, none, config, ensemble or Ensemble(), np.random.default_rng(seed))


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
    pairs = ask(rollouts, 300, config)
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
    a, b = ask(rollouts, 50, config)
    assert (a.observations[:, 0, 0] != b.observations[:, 0, 0]).all()


def test_share_of_recent_fragments():
    rollouts = numbered_rollouts(steps=20)
    rollouts.add(numbered_rollouts(steps=30))
    for share in (0.0, 0.25, 1.0):
        config = PreferencesConfig(fragment_length=5, query="uniform", recent_fraction=share)
        a, b = ask(rollouts, 4000, config, seed=1)
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
    rollouts, newest = (many, one) if share == 1.0 else (one, many)
    rollouts.add(newest)
    config = PreferencesConfig(fragment_length=6, query="uniform", recent_fraction=share)
    a, b = ask(rollouts, 20, config)
    assert len(a) == len(b) == 20


def test_an_episode_may_span_two_rollouts_but_a_fragment_no_reset_between_them():
    later = numbered_rollouts(steps=10)
    later.episode_starts[0] = False
    spanning = numbered_rollouts(steps=10)
    spanning.add(later)
    assert [0, 0] in spanning.fragment_starts(20).tolist()
    reset_between = numbered_rollouts(steps=10)
    reset_between.add(numbered_rollouts(steps=10))
    assert len(reset_between.fragment_starts(11)) == 0


def test_too_long_fragments_are_refused_by_name():
    with pytest.raises(UsageError, match="--fragment-length 30"):
        ask(numbered_rollouts(steps=30, n_envs=1), 1, PreferencesConfig(fragment_length=30))


@pytest.mark.parametrize("query", ["disagreement", "entropy", "information-gain"])
def test_queries_choose_the_most_uncertain_pairs_of_the_pool(query: str):
    config = PreferencesConfig(fragment_length=2, query=query, pool_factor=10)
    ensemble = Ensemble()
    a, b = ask(numbered_rollouts(steps=50), 7, config, ensemble=ensemble)
    ((pool_a, pool_b),) = ensemble.pools
    assert len(pool_a) == 70
    in_pool = uncertainty(query, ensemble.member_probabilities(pool_a, pool_b))
    chosen = uncertainty(query, ensemble.member_probabilities(a, b))
    np.testing.assert_allclose(np.sort(chosen), np.sort(in_pool)[-7:])
    assert chosen.mean() > in_pool.mean()


def test_uncertainty_by_hand():
    """Pairs: all agree that it is clear; all agree that it is a toss-up; two members who contradict each other."""
    probabilities = np.array([[1.0, 0.5, 0.0], [1.0, 0.5, 1.0]])
    np.testing.assert_allclose(uncertainty("disagreement", probabilities), [0, 0, 0.5])
    np.testing.assert_allclose(uncertainty("entropy", probabilities), [0, np.log(2), np.log(2)])
    np.testing.assert_allclose(uncertainty("information-gain", probabilities), [0, 0, np.log(2)])
    # members at 3/4 and 1/4: their mean is a toss-up, each is unsure itself
    own = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    np.testing.assert_allclose(uncertainty("information-gain", np.array([[0.75], [0.25]])), [np.log(2) - own])


def test_uniform_asks_no_ensemble():
    ensemble = Ensemble()
    ask(numbered_rollouts(), 5, PreferencesConfig(fragment_length=2, query="uniform"), ensemble=ensemble)
    assert ensemble.pools == []


def test_k_centre_takes_the_farthest_pairs_by_hand():
    """On a line: 0 was asked; the farthest from it is 10, then 4 (4 away from 0, 6 from 10), then 7."""
    pool = np.array([[1.0], [4.0], [7.0], [10.0]]), np.zeros((4, 1))
    before = np.array([[0.0]]), np.zeros((1, 1))
    assert k_centre(pool, before, 3).tolist() == [3, 1, 2]
    nothing = np.empty((0, 1)), np.empty((0, 1))
    assert sorted(k_centre(pool, nothing, 4).tolist()) == [0, 1, 2, 3], "no pair twice"


def test_k_centre_takes_a_pair_for_the_same_whichever_of_its_fragments_comes_first():
    pool = np.array([[0.0], [3.0]]), np.array([[5.0], [5.0]])
    before = np.array([[5.0]]), np.array([[0.0]])  # the pool's first pair, turned round
    assert k_centre(pool, before, 1).tolist() == [1]


@pytest.mark.parametrize("query", ["uniform", "disagreement"])
def test_diversity_asks_about_pairs_farther_apart(query: str):
    def nearest_two(pairs: tuple[Fragments, Fragments]) -> float:
        points = np.concatenate([pairs[0].observations[:, 0], pairs[1].observations[:, 0]], axis=1)
        return float((np.linalg.norm(points[:, None] - points, axis=2) + 1e9 * np.eye(len(points))).min())

    rollouts = numbered_rollouts(steps=200)
    plain, diverse = (
        np.mean([nearest_two(ask(rollouts, 12, config, seed)) for seed in range(10)])
        for config in (PreferencesConfig(fragment_length=2, query=query, diversity=d) for d in ("none", "k-centre"))
    )
    assert diverse > 2 * plain


def test_diversity_keeps_to_the_more_uncertain_half_of_the_pool():
    config = PreferencesConfig(fragment_length=2, query="disagreement", diversity="k-centre", pool_factor=10)
    ensemble = Ensemble()
    a, b = ask(numbered_rollouts(steps=50), 6, config, ensemble=ensemble)
    ((pool_a, pool_b),) = ensemble.pools
    in_pool = uncertainty("disagreement", ensemble.member_probabilities(pool_a, pool_b))
    chosen = uncertainty("disagreement", ensemble.member_probabilities(a, b))
    assert (chosen >= np.median(in_pool)).all()


def test_cut_by_hand():
    fragments = cut(numbered_rollouts(), np.array([[3, 1], [0, 0]]), 2)
    np.testing.assert_array_equal(fragments.observations, [[[3, 1], [4, 1]], [[0, 0], [1, 0]]])
    np.testing.assert_array_equal(fragments.true_returns, [207, 1])


@pytest.mark.parametrize("comparisons", [1, 7, 40, 60, 1000])
@pytest.mark.parametrize("iterations", [1, 2, 20])
@pytest.mark.parametrize("pretrain", [True, False])
@pytest.mark.parametrize("schedule", ["constant", "frontloaded", "hyperbolic"])
def test_schedule_asks_all_questions_and_none_in_vain(comparisons: int, iterations: int, pretrain: bool, schedule: str):
    if iterations == 1 and not pretrain:
        return  # refused by main.py
    due = PreferencesConfig(comparisons=comparisons, pretrain=pretrain, schedule=schedule).due(iterations)
    assert len(due) == iterations + 1
    assert due[-1] == comparisons
    assert due[-2] == comparisons, "an answer after the last training would teach nobody"
    assert (np.diff(due) >= 0).all()
    assert (due[0] == 0) == (not pretrain)
    assert due[0 if pretrain else 1] >= 1, "the agent first trains on a reward model that was fitted"


def test_schedules_by_hand():
    frontloaded = PreferencesConfig(comparisons=16, frontload=5, schedule="frontloaded")  # 5, 1, 1, 1: two each
    assert frontloaded.due(4).tolist() == [10, 12, 14, 16, 16]
    assert PreferencesConfig(comparisons=8, schedule="constant").due(4).tolist() == [2, 4, 6, 8, 8]
    late = PreferencesConfig(comparisons=9, schedule="constant", pretrain=False)
    assert late.due(4).tolist() == [0, 3, 6, 9, 9]
    # after 0, 1/10 and 9/10 of the run the rate is 1, 1/2 and 1/10 of the first
    hyperbolic = np.diff(PreferencesConfig(comparisons=100_000, schedule="hyperbolic").due(10), prepend=0)
    np.testing.assert_allclose(hyperbolic[[1, 9]] / hyperbolic[0], [1 / 2, 1 / 10], rtol=1e-3)


def questions_about(iterations: int, **options: Any) -> Questions:
    """What a run of so many iterations asks, of rollouts that are there, with no answers of other runs."""
    config = PreferencesConfig(**options, fragment_length=2, query="uniform")
    comparisons, recorded = (Comparisons.questions(*ask(numbered_rollouts(), 0, config)) for _ in range(2))
    chooser = Ensemble(), np.random.default_rng(0)
    return Questions(config, iterations, numbered_rollouts(), comparisons, recorded, *chooser)


def answers(questions: Questions, iteration: int, skip_every: int | None = None) -> list[int]:
    """Ask and answer all of an iteration's questions; the sizes of the batches."""
    batches = []
    for pairs in questions.pairs(iteration):
        preferences = np.ones(len(pairs))
        if skip_every is not None:
            asked_before = sum(batches)
            preferences[[(asked_before + index) % skip_every == 0 for index in range(len(pairs))]] = np.nan
        questions._comparisons.add(replace(pairs, preferences=preferences))
        batches.append(len(pairs))
    return batches


def test_questions_come_in_batches_until_the_budget_is_spent():
    questions = questions_about(4, comparisons=16, schedule="frontloaded", frontload=5, comparisons_per_fit=4)
    assert [answers(questions, iteration) for iteration in range(3)] == [[4, 4, 2], [2], [2]]
    assert questions.progress() == {"comparisons": 14, "skipped": 0, "stopped_asking": ""}
    assert [answers(questions, iteration) for iteration in (3, 4)] == [[2], []]
    assert questions.progress() == {"comparisons": 16, "skipped": 0, "stopped_asking": "budget"}


def test_skipped_questions_are_counted_and_asked_again():
    questions = questions_about(2, comparisons=8, schedule="constant", comparisons_per_fit=8)
    assert answers(questions, 0, skip_every=2) == [4, 2, 1, 1]  # two of four skipped, one of two, the next one
    assert (questions.answered, questions.skipped) == (4, 4)


def test_an_oracle_that_skips_everything_does_not_hold_up_the_run():
    questions = questions_about(2, comparisons=8, schedule="constant")
    assert sum(answers(questions, 0, skip_every=1)) == 40, "ten for each answer that was due"
    assert sum(answers(questions, 1)) == 8, "the missing ones are asked for later"
    assert questions.progress() == {"comparisons": 8, "skipped": 40, "stopped_asking": "budget"}


def settle(losses: list[float], **options) -> list[int]:
    """The questions asked after each of these held-out losses."""
    options = {"comparisons": 100, "schedule": "constant", "comparisons_per_fit": 100, **options}
    questions = questions_about(100, **options)
    asked = []
    for iteration, loss in enumerate(losses):
        questions.judge(loss)
        asked.append(sum(answers(questions, iteration)))
    asked.append(questions.stopped)
    return asked


def test_asking_stops_when_the_held_out_loss_has_settled():
    falling, settled = [np.nan, 0.7, 0.6, 0.5], [0.499, 0.51, 0.6, 0.3]
    patient = {"stop_asking": "settled", "settle_patience": 3}
    assert settle(falling + settled, **patient) == [1, 1, 1, 1, 1, 1, 0, 0, "settled"]
    assert settle(falling + settled) == [1, 1, 1, 1, 1, 1, 1, 1, ""], "not unless it is asked for"
    assert settle([0.9 * 0.95**i for i in range(8)], **patient)[-1] == "", "it still falls"
    assert settle([np.nan] * 8, **patient)[-1] == "", "nothing is known"


def test_iterations_without_new_answers_settle_nothing():
    questions = questions_about(50, comparisons=3, schedule="constant", stop_asking="settled")
    answers(questions, 0)
    for _ in range(10):
        questions.judge(0.5)
    assert questions.stopped == ""


def test_skipped_comparisons_are_not_learned_from():
    fragments = cut(numbered_rollouts(), np.array([[0, 0], [1, 0], [2, 0]]), 2)
    answered = Comparisons(fragments, fragments, np.array([1.0, np.nan, 0.0])).answered
    np.testing.assert_array_equal(answered.preferences, [1, 0])
    np.testing.assert_array_equal(answered.fragments_a.observations[:, 0, 0], [0, 2])


def test_rollouts_grow_in_place_and_leave_those_they_were_made_of():
    pieces = [numbered_rollouts(steps=steps) for steps in (3, 1, 20, 2)]
    rollouts = replace(pieces[0])
    for piece in pieces[1:]:
        newest = len(rollouts.true_rewards)
        rollouts.add(piece)
        np.testing.assert_array_equal(rollouts.new.observations, piece.observations)
    assert (len(pieces[0].true_rewards), rollouts.newest) == (3, newest)
    for name, array in rollouts.arrays().items():
        np.testing.assert_array_equal(array, np.concatenate([getattr(piece, name) for piece in pieces]))


def test_comparisons_are_kept_in_order():
    fragments = cut(numbered_rollouts(), np.array([[0, 0], [1, 0], [2, 0]]), 2)
    one = Comparisons(fragments[:1], fragments[1:2], np.array([0.0]))
    two = Comparisons(fragments[1:], fragments[:2], np.array([1.0, 0.5]))
    both = one[:]
    both.add(two)
    np.testing.assert_array_equal(both.preferences, [0, 1, 0.5])
    np.testing.assert_array_equal(both.fragments_a.observations[:, 0, 0], [0, 1, 2])
    np.testing.assert_array_equal(both.fragments_b.observations[:, 0, 0], [1, 0, 1])


@pytest.mark.parametrize(
    ("flag", "options"),
    [
        ("--comparisons", {"comparisons": -1}),
        ("--fragment-length", {"fragment_length": 0}),
        ("--pool-factor", {"pool_factor": 0}),
        ("--comparisons-per-fit", {"comparisons_per_fit": 0}),
        ("--frontload", {"frontload": 0.0}),
        ("--frontload", {"frontload": float("nan")}),
        ("--recent-fraction", {"recent_fraction": 1.5}),
        ("--settle-patience", {"settle_patience": 0}),
        ("--query entropy", {"query": "entropy", "pool_factor": 1}),
        ("--diversity k-centre", {"query": "uniform", "diversity": "k-centre", "pool_factor": 1}),
    ],
)
def test_bad_options_are_named(flag: str, options: dict[str, float]):
    with pytest.raises(ValueError, match=flag):
        PreferencesConfig(**options)
