"""The reward model: its members, their fit, and what it reports."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces

from preferences import Comparisons, Fragments
from reward_model import EnsembleMLP, RewardModel, RewardModelConfig
from workshop.choice_models import bradley_terry_loss
from workshop.rollouts import Rollouts

OBSERVATIONS = spaces.Box(-np.inf, np.inf, (2,), np.float32)
ACTIONS = spaces.Discrete(2)


def random_fragments(n: int, length: int = 5, seed: int = 0) -> Fragments:
    """The true reward is the first number of the observation; the second, and the action, are noise."""
    generator = np.random.default_rng(seed)
    observations = generator.normal(size=(n, 1, 2)) + 0.3 * generator.normal(size=(n, length, 2))
    observations = observations.astype(np.float32)
    return Fragments(observations, generator.integers(0, 2, size=(n, length)), observations[..., 0])


def random_comparisons(n: int, seed: int = 0) -> Comparisons:
    a, b = random_fragments(n, seed=seed), random_fragments(n, seed=seed + 1)
    return Comparisons(a, b, (b.true_returns > a.true_returns).astype(np.float64))


def rollouts(seed: int = 0) -> Rollouts:
    fragments = random_fragments(400, seed=seed)
    return Rollouts(fragments.observations, fragments.actions, fragments.true_rewards, np.zeros((400, 5), bool))


def model(seed: int = 0, **options) -> RewardModel:
    config = RewardModelConfig(**{"hidden_sizes": (16,), **options})
    made = RewardModel(OBSERVATIONS, ACTIONS, config, np.random.default_rng(seed))
    made.observe(rollouts())
    return made


def test_batched_call_equals_member_by_member():
    networks = EnsembleMLP(3, (4, 8, 6, 1), torch.Generator().manual_seed(0))
    inputs = torch.randn(3, 10, 4)
    together = networks(inputs)
    for member in range(3):
        hidden = inputs[member]
        for layer in range(3):
            hidden = hidden @ networks.weights[layer][member] + networks.biases[layer][member]
            hidden = hidden.clamp(min=0) if layer < 2 else hidden
        torch.testing.assert_close(together[member], hidden[:, 0])
    torch.testing.assert_close(networks(inputs[0])[0], together[0])


def test_members_begin_differently_and_by_the_seed():
    first, again, other = (EnsembleMLP(3, (4, 8, 1), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    for weight, same, different in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(weight, same)
        assert not torch.equal(weight, different)
        for one, two in ((0, 1), (0, 2), (1, 2)):
            assert not torch.equal(weight[one], weight[two])


def test_rewards_are_those_of_the_networks_before_and_after_a_fit():
    ensemble = model(hidden_sizes=(16, 8))
    for _ in range(2):
        observations, actions = random_fragments(9, length=1).observations[:, 0], np.zeros(9, np.int64)
        inputs = torch.from_numpy(ensemble._inputs(observations, actions))
        with torch.no_grad():
            torch.testing.assert_close(
                torch.from_numpy(ensemble._member_rewards(observations, actions)), ensemble.networks(inputs)
            )
        ensemble.fit(random_comparisons(10), bradley_terry_loss)


def test_members_are_trained_separately():
    """Fitted together, each member becomes what it becomes when fitted alone on its own bootstrap."""
    comparisons = random_comparisons(12)
    ensemble = model(ensemble_size=3, reward_epochs=4, reward_batch_size=5)
    start = [parameter.detach().clone() for parameter in ensemble.networks.parameters()]
    orders = []
    shuffled = ensemble._shuffled_bootstraps
    ensemble._shuffled_bootstraps = lambda: orders.append(shuffled()) or orders[-1]
    ensemble.fit(comparisons, bradley_terry_loss)
    assert len(orders) == 4
    for member in range(3):
        alone = model(ensemble_size=1, reward_epochs=4, reward_batch_size=5)
        with torch.no_grad():
            for parameter, initial in zip(alone.networks.parameters(), start, strict=True):
                parameter.copy_(initial[member : member + 1])
        alone._shuffled_bootstraps = iter([order[member : member + 1] for order in orders]).__next__
        alone.fit(comparisons, bradley_terry_loss)
        for lone, joint in zip(alone.networks.parameters(), ensemble.networks.parameters(), strict=True):
            torch.testing.assert_close(lone[0], joint[member], rtol=1e-2, atol=2e-3)


def test_members_see_bootstraps_of_their_own_and_none_sees_what_it_left_out():
    ensemble = model(ensemble_size=4, reward_epochs=1)
    seen = []
    shuffled = ensemble._shuffled_bootstraps
    ensemble._shuffled_bootstraps = lambda: seen.append(shuffled()) or seen[-1]
    for n in (1, 2, 20, 40):  # as they arrive
        ensemble.fit(random_comparisons(n), bradley_terry_loss)
    bags = [set(np.concatenate([order[member].numpy() for order in seen])) for member in range(4)]
    assert len({frozenset(bag) for bag in bags}) == 4
    for member, bag in enumerate(bags):
        assert 10 < len(bag) < 40
        assert bag <= set(np.flatnonzero(ensemble._counts[member]))


def test_fit_learns_the_true_order():
    ensemble = model(seed=1, weight_decay=0.1)
    ensemble.fit(random_comparisons(60, seed=5), bradley_terry_loss)
    ensemble.standardise(rollouts())
    fresh = random_fragments(500, seed=77)
    learned = ensemble.reward(fresh.observations[:, 0], fresh.actions[:, 0])
    assert np.corrcoef(learned, fresh.true_rewards[:, 0])[0, 1] > 0.9


def test_disagreement_is_where_there_were_no_comparisons():
    ensemble = model(weight_decay=0.01, reward_epochs=60)
    ensemble.fit(random_comparisons(60), bradley_terry_loss)
    near_a, near_b = random_fragments(200, seed=50), random_fragments(200, seed=51)
    far_a, far_b = (Fragments(f.observations * [1, 8], f.actions, f.true_rewards) for f in (near_a, near_b))
    near, far = ensemble.disagreement(near_a, near_b), ensemble.disagreement(far_a, far_b)
    assert near.shape == (200,)
    assert (near >= 0).all()
    assert far.mean() > 1.5 * near.mean()


def test_disagreement_by_hand():
    ensemble = model(ensemble_size=2)
    ensemble.member_returns = lambda fragments: np.array([[0.0, 2.0], [0.0, 2.0]]) * len(fragments.actions[0])
    a, b = random_fragments(2, length=1), random_fragments(2, length=3)
    np.testing.assert_allclose(ensemble.disagreement(a, b), [0, 0], atol=1e-7)
    ensemble.member_returns = lambda f: np.array([[np.log(3)], [-np.log(3)]]) * (f.actions.shape[1] == 3)
    # probabilities 3/4 and 1/4: their standard deviation is 1/4
    np.testing.assert_allclose(ensemble.disagreement(a, b), [0.25], rtol=1e-6)


def test_one_member_never_disagrees():
    single = model(ensemble_size=1)
    np.testing.assert_array_equal(single.disagreement(random_fragments(5), random_fragments(5, seed=1)), np.zeros(5))


def test_learned_reward_is_standardised_and_the_sum_of_a_fragment_is_its_return():
    ensemble = model()
    ensemble.fit(random_comparisons(20), bradley_terry_loss)
    seen = rollouts(seed=3)
    ensemble.standardise(seen)
    members = ensemble._member_rewards(*seen.transitions())
    fragments = Fragments(seen.observations, seen.actions, seen.true_rewards)
    np.testing.assert_allclose(
        ensemble.member_returns(fragments), members.reshape(-1, 400, 5).sum(axis=2), rtol=1e-4, atol=1e-4
    )
    standardised = (members - members.mean(axis=1, keepdims=True)) / members.std(axis=1, keepdims=True)
    np.testing.assert_allclose(ensemble.reward(*seen.transitions()), standardised.mean(axis=0), rtol=1e-3, atol=1e-4)


def test_inputs_are_normalised_by_what_was_seen():
    ensemble = RewardModel(OBSERVATIONS, ACTIONS, RewardModelConfig(), np.random.default_rng(0))
    one, two = rollouts(seed=1), rollouts(seed=2)
    first = replace(one, observations=one.observations * [100, 0.01] + 50)
    second = replace(two, observations=two.observations * [200, 0.02] - 10)
    ensemble.observe(first)
    ensemble.observe(second)
    inputs = ensemble._inputs(*first.followed_by(second).transitions())
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-2)
    np.testing.assert_allclose(inputs.std(axis=0), 1, rtol=1e-2)


def test_held_out_report_uses_only_members_that_did_not_see_the_comparison():
    ensemble = model(ensemble_size=2)
    comparisons = random_comparisons(4)
    comparisons = Comparisons(comparisons.fragments_a, comparisons.fragments_b, np.array([1.0, 0.0, 1.0, 0.5]))
    ensemble._counts = np.array([[0, 2, 1, 0], [1, 0, 3, 0]])
    returns = iter([np.zeros((2, 4)), np.array([[1.0, 9, 9, 1], [9, 3, 9, 3]])])  # a, then b
    ensemble.member_returns = lambda fragments: next(returns)
    loss, accuracy = ensemble.held_out(comparisons, bradley_terry_loss)
    # judged: the first by member 0 (difference 1, right), the second by member 1 (difference 3, wrong),
    # the fourth, a tie, by both (difference 2); the third was seen by both
    expected = [np.log1p(np.exp(-1)), 3 + np.log1p(np.exp(-3)), 1 + np.log1p(np.exp(-2))]
    assert loss == pytest.approx(np.mean(expected), rel=1e-6)
    assert accuracy == 0.5


def test_held_out_report_is_empty_before_any_comparison():
    none = Comparisons.empty(5, OBSERVATIONS, ACTIONS)
    assert np.isnan(model().held_out(none, bradley_terry_loss)).all()


def test_any_right_way_to_write_the_loss_trains_the_same_model():
    def by_probabilities(returns_a, returns_b, preferences):
        log_p = torch.stack([returns_a, returns_b]).log_softmax(dim=0)
        return -((1 - preferences) * log_p[0] + preferences * log_p[1]).mean()

    def by_softplus(returns_a, returns_b, preferences):
        difference = returns_b - returns_a
        return (torch.nn.functional.softplus(difference) - preferences * difference).mean()

    models = [model(), model(), model()]
    for fitted, loss in zip(models, (bradley_terry_loss, by_probabilities, by_softplus), strict=True):
        for n in (10, 40):
            fitted.fit(random_comparisons(n), loss)
    reference, *others = (m.networks.state_dict() for m in models)
    for other in others:
        for name, weights in reference.items():
            assert torch.equal(weights, other[name]), name


def test_saved_file_holds_the_whole_model_without_pickled_code(tmp_path: Path):
    ensemble = model()
    ensemble.fit(random_comparisons(10), bradley_terry_loss)
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
    reward_model = RewardModel(observation_space, action_space, RewardModelConfig(), np.random.default_rng(0))
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
    ],
)
def test_bad_options_are_named(flag: str, options: dict[str, object]):
    with pytest.raises(ValueError, match=flag):
        RewardModelConfig(**options)
