"""The reward model: its members, their fit, and what it reports."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces
from made_up_comparisons import (
    ACTIONS,
    BRADLEY_TERRY,
    OBSERVATIONS,
    model,
    random_comparisons,
    random_fragments,
    rollouts,
)

from preferences import uncertainty
from reward_model import RewardModel, RewardModelConfig
from workshop.data import Comparisons, Fragments
from workshop.messages import RunError
from workshop.networks.joint import EnsembleMLP


@pytest.mark.parametrize("reward_network", ["joint", "additive"])
def test_an_additive_reward_changes_with_one_input_alike_whatever_the_others_are(reward_network: str):
    ensemble = model(reward_network=reward_network, hidden_sizes=(16, 8))
    ensemble.fit(random_comparisons(20))
    ensemble.standardise(rollouts())
    rng = np.random.default_rng(0)
    first, second = rng.uniform(-1, 1, (2, 50, 2))
    of_first, of_second = np.stack([second[:, 0], first[:, 1]], 1), np.stack([first[:, 0], second[:, 1]], 1)
    actions = np.zeros(50, np.int64)
    at_first, at_second, exchanged, back = (
        ensemble.reward(observations, actions).astype(float) for observations in (first, second, of_first, of_second)
    )
    interaction = np.abs(at_first + at_second - exchanged - back).max()
    assert interaction < 1e-4 if reward_network == "additive" else interaction > 0.1
    other_action = ensemble.reward(first, actions + 1) - at_first
    assert (np.ptp(other_action) < 1e-4) == (reward_network == "additive")


def test_pessimism_takes_so_many_standard_deviations_of_the_members_off_their_mean():
    doubtful, trusting = (model(pessimism=pessimism) for pessimism in (0.5, 0))
    for ensemble in (doubtful, trusting):
        ensemble.fit(random_comparisons(10))
        ensemble.standardise(rollouts())
    observations, actions = rollouts(seed=1).transitions()
    members = doubtful._member_rewards(observations, actions)
    before = doubtful._member_rewards(*rollouts().transitions(at_most=2000))
    standardised = (members - before.mean(axis=1, keepdims=True)) / before.std(axis=1, keepdims=True)
    expected = standardised.mean(axis=0) - 0.5 * standardised.std(axis=0)
    np.testing.assert_allclose(doubtful.reward(observations, actions), expected, atol=1e-4)
    np.testing.assert_allclose(trusting.reward(observations, actions), standardised.mean(axis=0), atol=1e-4)


def test_a_reward_of_observations_alone_is_the_same_whatever_is_done():
    alone, both = (model(reward_inputs=inputs) for inputs in ("observations", "both"))
    observations = random_fragments(30, length=1).observations[:, 0]
    nothing, something = np.zeros(30, np.int64), np.ones(30, np.int64)
    np.testing.assert_array_equal(alone.reward(observations, nothing), alone.reward(observations, something))
    assert (both.reward(observations, nothing) != both.reward(observations, something)).any()
    assert np.ptp(alone.reward(observations, nothing)) > 0


@pytest.mark.parametrize("reward_network", ["joint", "additive"])
def test_rewards_are_those_of_the_networks_before_and_after_a_fit(reward_network: str):
    ensemble = model(hidden_sizes=(16, 8), reward_network=reward_network)
    for _ in range(2):
        observations, actions = random_fragments(9, length=1).observations[:, 0], np.zeros(9, np.int64)
        inputs = torch.from_numpy(ensemble._inputs(observations, actions))
        with torch.no_grad():
            torch.testing.assert_close(
                torch.from_numpy(ensemble._member_rewards(observations, actions)), ensemble.networks(inputs)
            )
        ensemble.fit(random_comparisons(10))


def test_disagreement_is_where_there_were_no_comparisons():
    ensemble = model(weight_decay=0.01, reward_epochs=60)
    ensemble.fit(random_comparisons(60))
    near_a, near_b = random_fragments(200, seed=50), random_fragments(200, seed=51)
    far_a, far_b = (Fragments(f.observations * [1, 8], f.actions, f.true_rewards) for f in (near_a, near_b))
    near, far = (
        uncertainty("disagreement", ensemble.member_probabilities(a, b)) for a, b in ((near_a, near_b), (far_a, far_b))
    )
    assert near.shape == (200,)
    assert (near >= 0).all()
    assert far.mean() > 1.5 * near.mean()


def test_probabilities_of_members_by_hand():
    ensemble = model(ensemble_size=2)
    ensemble.member_returns = lambda f: np.array([[np.log(3)], [-np.log(3)]]) * (f.actions.shape[1] == 3)
    probabilities = ensemble.member_probabilities(random_fragments(1, length=1), random_fragments(1, length=3))
    np.testing.assert_allclose(probabilities, [[0.75], [0.25]], rtol=1e-6)


def test_learned_reward_is_standardised_and_the_sum_of_a_fragment_is_its_return():
    ensemble = model()
    ensemble.fit(random_comparisons(20))
    seen = rollouts(seed=3)
    ensemble.standardise(seen)
    members = ensemble._member_rewards(*seen.transitions())
    fragments = Fragments(seen.observations, seen.actions, seen.true_rewards)
    np.testing.assert_allclose(
        ensemble.member_returns(fragments), members.reshape(-1, 400, 5).sum(axis=2), rtol=1e-4, atol=1e-4
    )
    standardised = (members - members.mean(axis=1, keepdims=True)) / members.std(axis=1, keepdims=True)
    np.testing.assert_allclose(ensemble.reward(*seen.transitions()), standardised.mean(axis=0), rtol=1e-3, atol=1e-4)


def test_a_reward_too_large_to_be_standardised_is_told_and_not_taken_for_0():
    ensemble = model()
    rewards = np.full((5, 2000), 1e30, np.float32)  # the squares have no float32
    rewards[:, ::2] *= -1
    ensemble._member_rewards = lambda *_: rewards
    with pytest.raises(RunError, match=r"blown up.*--reward-learning-rate"):
        ensemble.standardise(rollouts())


def test_inputs_are_normalised_by_what_was_seen():
    ensemble = RewardModel(OBSERVATIONS, ACTIONS, BRADLEY_TERRY, RewardModelConfig(), np.random.default_rng(0))
    one, two = rollouts(seed=1), rollouts(seed=2)
    first = replace(one, observations=one.observations * [100, 0.01] + 50)
    second = replace(two, observations=two.observations * [200, 0.02] - 10)
    ensemble.observe(first)
    ensemble.observe(second)
    first.add(second)
    inputs = ensemble._inputs(*first.transitions())
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-2)
    np.testing.assert_allclose(inputs.std(axis=0), 1, rtol=1e-2)


def test_a_fragment_is_described_by_the_mean_of_its_normalised_inputs():
    ensemble = model()
    fragments = random_fragments(6)
    steps = [ensemble._inputs(fragments.observations[:, step], fragments.actions[:, step]) for step in range(5)]
    np.testing.assert_allclose(ensemble.describe(fragments), np.mean(steps, axis=0), rtol=1e-5, atol=1e-6)
    none = Comparisons.empty(5, OBSERVATIONS, spaces.Box(-1, 1, (2,), np.float32)).fragments_a
    other = RewardModel(
        OBSERVATIONS, spaces.Box(-1, 1, (2,)), BRADLEY_TERRY, RewardModelConfig(), np.random.default_rng(0)
    )
    assert other.describe(none).shape == (0, 4)


def test_held_out_report_uses_only_members_that_did_not_see_the_comparison():
    ensemble = model(ensemble_size=2)
    comparisons = random_comparisons(4)
    comparisons = Comparisons(comparisons.fragments_a, comparisons.fragments_b, np.array([1.0, 0.0, 1.0, 0.5]))
    ensemble._bootstraps.counts = np.array([[0, 2, 1, 0], [1, 0, 3, 0]])
    returns = iter([np.zeros((2, 4)), np.array([[1.0, 9, 9, 1], [9, 3, 9, 3]])])  # a, then b
    ensemble.member_returns = lambda fragments: next(returns)
    held_out = ensemble.held_out(comparisons)
    # judged: the first by member 0 (difference 1, right), the second by member 1 (difference 3, wrong),
    # the fourth, a tie, by both (difference 2); the third was seen by both
    expected = [np.log1p(np.exp(-1)), 3 + np.log1p(np.exp(-3)), 1 + np.log1p(np.exp(-2))]
    assert held_out.loss == pytest.approx(np.mean(expected), rel=1e-6)
    assert held_out.accuracy == 0.5
    np.testing.assert_allclose(held_out.differences, [1, 3, 2])
    np.testing.assert_array_equal(held_out.preferences, [1, 0, 0.5])


def test_held_out_report_is_empty_before_any_comparison():
    none = Comparisons.empty(5, OBSERVATIONS, ACTIONS)
    held_out = model().held_out(none)
    assert np.isnan([held_out.loss, held_out.accuracy]).all()
    assert len(held_out.differences) == len(held_out.preferences) == 0


def test_saved_file_holds_the_whole_model_without_pickled_code(tmp_path: Path):
    ensemble = model()
    ensemble.fit(random_comparisons(10))
    ensemble.standardise(rollouts())
    ensemble.save(tmp_path / "reward_model.pt")
    saved = torch.load(tmp_path / "reward_model.pt", weights_only=True)
    sizes = (4, *saved["config"]["hidden_sizes"], 1)
    networks = EnsembleMLP(saved["config"]["ensemble_size"], sizes, torch.Generator())
    networks.load_state_dict(saved["networks"])
    observation, action = np.array([0.4, -1.0]), 1
    inputs = (torch.tensor([0.4, -1.0, 0.0, 1.0]) - saved["input_mean"]) / saved["input_std"]
    rewards = (networks(inputs[None])[:, 0] - saved["output_mean"]) / saved["output_std"]
    assert rewards.mean().item() == pytest.approx(ensemble.reward(observation[None], np.array([action]))[0], rel=1e-3)


@pytest.mark.parametrize("action_space", [spaces.Discrete(3, start=1), spaces.Box(-1, 1, (2,), np.float32)])
@pytest.mark.parametrize("observation_space", [spaces.Discrete(5), spaces.Box(-1, 1, (2, 3), np.float32)])
def test_other_spaces(observation_space: spaces.Space, action_space: spaces.Space):
    reward_model = RewardModel(
        observation_space, action_space, BRADLEY_TERRY, RewardModelConfig(), np.random.default_rng(0)
    )
    observations = np.stack([observation_space.sample() for _ in range(7)])
    actions = np.stack([action_space.sample() for _ in range(7)])
    assert reward_model.reward(observations, actions).shape == (7,)
    if isinstance(observation_space, spaces.Discrete):
        same = reward_model._inputs(np.array([2, 2, 3]), np.repeat(actions[:1], 3, axis=0))
        assert np.array_equal(same[0], same[1])
        assert not np.array_equal(same[0], same[2])


@pytest.mark.parametrize(
    ("flag", "options"),
    [
        ("--ensemble-size", {"ensemble_size": 0}),
        ("--hidden-sizes", {"hidden_sizes": ()}),
        ("--hidden-sizes", {"hidden_sizes": (32, 0)}),
        ("--reward-epochs", {"reward_epochs": 0}),
        ("--reward-batch-size", {"reward_batch_size": 0}),
        ("--reward-learning-rate", {"reward_learning_rate": 0.0}),
        ("--weight-decay", {"weight_decay": -1.0}),
        ("--fit-patience", {"fit_patience": 0}),
        ("--dropout", {"dropout": 1.0}),
        ("--adaptive-weight-decay .*--weight-decay", {"adaptive_weight_decay": True, "weight_decay": 0.0}),
    ],
)
def test_bad_options_are_named(flag: str, options: dict[str, object]):
    with pytest.raises(ValueError, match=flag):
        RewardModelConfig(**options)
