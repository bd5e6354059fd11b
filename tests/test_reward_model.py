"""The reward model: its members, their fit, and what it reports."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces
from scipy.optimize import minimize

from preferences import Comparisons, Fragments, uncertainty
from reward_model import RewardModel, RewardModelConfig
from workshop.data.rollouts import Rollouts
from workshop.exercise.choice_models import ChoiceModelConfig, PreferenceLoss, bradley_terry_loss, choice_model
from workshop.messages import RunError
from workshop.networks.additive import AdditiveEnsemble
from workshop.networks.joint import EnsembleMLP

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


BRADLEY_TERRY = choice_model(ChoiceModelConfig(), yours=bradley_terry_loss)


def model(seed: int = 0, loss: PreferenceLoss = bradley_terry_loss, **options) -> RewardModel:
    config = RewardModelConfig(**{"hidden_sizes": (16,), **options})
    choice = choice_model(ChoiceModelConfig(), yours=loss)
    made = RewardModel(OBSERVATIONS, ACTIONS, choice, config, np.random.default_rng(seed))
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


def test_additive_members_are_weighted_bumps_of_each_input():
    networks = AdditiveEnsemble(3, 2, prior_std=0.5, width=1.5, generator=torch.Generator().manual_seed(0))
    torch.nn.init.normal_(networks.fitted)
    inputs = 3 * torch.randn(3, 10, 2)
    together = networks(inputs)
    weights = (networks.drawn + networks.fitted).detach().reshape(3, 2, 5)
    together = together.detach()
    for member, row in np.ndindex(3, 10):
        total = 0.0
        for column in range(2):
            x = min(3.0, max(-3.0, float(inputs[member, row, column])))  # beyond, a function goes on as it is there
            for bump, centre in enumerate((-3, -1.5, 0, 1.5, 3)):
                total += float(weights[member, column, bump]) * np.exp(-0.5 * ((x - centre) / 1.5) ** 2)
        assert float(together[member, row]) == pytest.approx(total, abs=1e-5)
    torch.testing.assert_close(networks(inputs[0])[0], together[0])


def test_functions_drawn_from_the_prior_have_its_spread_and_add_up_to_nothing():
    networks = AdditiveEnsemble(8, 50, prior_std=0.3, width=0.1, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(networks.drawn.sum(dim=0), torch.zeros(50 * 61), atol=1e-5, rtol=0)
    assert float(networks.drawn.std()) == pytest.approx(0.3, rel=0.02)  # of 24,400 numbers
    assert AdditiveEnsemble(1, 2, 0.3, 1, torch.Generator().manual_seed(0)).drawn.count_nonzero() == 0


@pytest.mark.parametrize("reward_network", ["joint", "additive"])
def test_returns_are_the_sums_of_the_outputs(reward_network: str):
    networks = model(reward_network=reward_network, ensemble_size=3).networks
    fragments = torch.randn(3, 6, 2, 7, 4)  # members, pairs, two fragments, steps, inputs
    returns = networks.returns(networks.prepare(fragments))
    expected = torch.stack([networks(fragments[:, pair, side]).sum(dim=1) for pair in range(6) for side in range(2)])
    torch.testing.assert_close(returns, expected.T.reshape(3, 6, 2), atol=1e-5, rtol=1e-4)


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


def test_additive_members_are_fitted_to_what_is_most_likely_under_their_prior():
    """Against an independent search, for each member, with the comparisons that it does not leave out."""
    comparisons = random_comparisons(12)
    ensemble = model(
        reward_network="additive", ensemble_size=3, prior_std=0.5, bump_width=1.5,
        reward_epochs=2000, reward_batch_size=1000, reward_learning_rate=0.01, weight_decay=0,
    )  # fmt: skip
    ensemble.fit(comparisons)
    assert (ensemble._counts.sum(axis=0) == 2).all()  # each is left out by one of the three
    networks = ensemble.networks
    inputs = [
        torch.from_numpy(ensemble._inputs(fragments.observations, fragments.actions))
        for fragments in (comparisons.fragments_a, comparisons.fragments_b)
    ]
    a, b = (networks.prepare(fragments).double().numpy() for fragments in inputs)
    for member in range(3):
        learned = np.flatnonzero(ensemble._counts[member])
        drawn = networks.drawn[member].double().numpy()

        def cost(fitted: np.ndarray, drawn: np.ndarray = drawn, learned: np.ndarray = learned) -> float:
            difference = (b - a) @ (drawn + fitted)
            signs = np.where(comparisons.preferences == 1, 1, -1)
            losses = np.logaddexp(0, -signs * difference)
            return 12 * losses[learned].mean() + (fitted**2).sum() / (2 * 0.5**2)

        best = minimize(cost, np.zeros(len(drawn)))
        found = networks.fitted[member].detach().double().numpy()
        nothing = cost(np.zeros(len(drawn)))
        # a batch is as large as all comparisons, so that some are in it twice, in each pass others
        assert cost(found) - best.fun < 0.05 * (nothing - best.fun)


def test_members_begin_differently_and_by_the_seed():
    first, again, other = (EnsembleMLP(3, (4, 8, 1), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    for weight, same, different in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(weight, same)
        assert not torch.equal(weight, different)
        for one, two in ((0, 1), (0, 2), (1, 2)):
            assert not torch.equal(weight[one], weight[two])


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


def test_members_are_trained_separately():
    """Fitted together, each member becomes what it becomes when fitted alone on its own bootstrap."""
    comparisons = random_comparisons(12)
    ensemble = model(ensemble_size=3, reward_epochs=4, reward_batch_size=5)
    start = [parameter.detach().clone() for parameter in ensemble.networks.parameters()]
    orders = []
    shuffled = ensemble._shuffled_bootstraps
    ensemble._shuffled_bootstraps = lambda: orders.append(shuffled()) or orders[-1]
    ensemble.fit(comparisons)
    assert len(orders) == 4
    for member in range(3):
        alone = model(ensemble_size=1, reward_epochs=4, reward_batch_size=5)
        with torch.no_grad():
            for parameter, initial in zip(alone.networks.parameters(), start, strict=True):
                parameter.copy_(initial[member : member + 1])
        alone._shuffled_bootstraps = iter([order[member : member + 1] for order in orders]).__next__
        alone.fit(comparisons)
        for lone, joint in zip(alone.networks.parameters(), ensemble.networks.parameters(), strict=True):
            torch.testing.assert_close(lone[0], joint[member], rtol=1e-2, atol=2e-3)


def test_members_see_bootstraps_of_their_own_and_none_sees_what_it_left_out():
    ensemble = model(ensemble_size=4, reward_epochs=1)
    seen = []
    shuffled = ensemble._shuffled_bootstraps
    ensemble._shuffled_bootstraps = lambda: seen.append(shuffled()) or seen[-1]
    for n in (1, 2, 20, 40):  # as they arrive
        ensemble.fit(random_comparisons(n))
    bags = [set(np.concatenate([order[member].numpy() for order in seen])) for member in range(4)]
    assert len({frozenset(bag) for bag in bags}) == 4
    for member, bag in enumerate(bags):
        assert 10 < len(bag) < 40
        assert bag <= set(np.flatnonzero(ensemble._counts[member]))


def test_fit_learns_the_true_order():
    ensemble = model(seed=1, weight_decay=0.1)
    ensemble.fit(random_comparisons(60, seed=5))
    ensemble.standardise(rollouts())
    fresh = random_fragments(500, seed=77)
    learned = ensemble.reward(fresh.observations[:, 0], fresh.actions[:, 0])
    assert np.corrcoef(learned, fresh.true_rewards[:, 0])[0, 1] > 0.9


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
    ensemble._counts = np.array([[0, 2, 1, 0], [1, 0, 3, 0]])
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


def test_any_right_way_to_write_the_loss_trains_the_same_model():
    def by_probabilities(returns_a, returns_b, preferences):
        log_p = torch.stack([returns_a, returns_b]).log_softmax(dim=0)
        return -((1 - preferences) * log_p[0] + preferences * log_p[1]).mean()

    def by_softplus(returns_a, returns_b, preferences):
        difference = returns_b - returns_a
        return (torch.nn.functional.softplus(difference) - preferences * difference).mean()

    models = [model(loss=loss) for loss in (bradley_terry_loss, by_probabilities, by_softplus)]
    for fitted in models:
        for n in (10, 40):
            fitted.fit(random_comparisons(n))
    reference, *others = (m.networks.state_dict() for m in models)
    for other in others:
        for name, weights in reference.items():
            assert torch.equal(weights, other[name]), name


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


def test_dropout_leaves_out_its_share_of_hidden_units_while_fitting_only():
    """With all weights one, an output is the sum of the hidden units: how many were kept, scaled up."""
    networks = EnsembleMLP(2, (1, 1000, 1), torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in networks.parameters():
            parameter.fill_(float(parameter.shape[1] > 1 or parameter.shape[2] > 1))
        inputs = torch.ones(2, 50, 1)
        whole = networks(inputs)
        thinned = networks(inputs, dropout=0.4, generator=torch.Generator().manual_seed(0))
    assert len(thinned.unique()) > 10, "for each input anew"
    assert thinned.mean().item() == pytest.approx(whole.mean().item(), rel=0.01)
    kept = thinned / whole * (1 - 0.4)
    assert 0.5 < kept.min() < 0.6 < kept.max() < 0.7
    fitted = model(dropout=0.4)
    fitted.fit(random_comparisons(20))
    fragments = random_fragments(10)
    np.testing.assert_array_equal(fitted.member_returns(fragments), fitted.member_returns(fragments))


def test_dropout_changes_the_fit_and_is_seeded():
    def weights(**options) -> torch.Tensor:
        fitted = model(**options)
        fitted.fit(random_comparisons(20))
        return fitted.networks.weights[0].detach()

    assert torch.equal(weights(dropout=0.3), weights(dropout=0.3))
    assert not torch.equal(weights(dropout=0.3), weights(dropout=0.3, seed=1))
    assert not torch.equal(weights(dropout=0.3), weights())


def test_epochs_and_batches_make_gradient_steps():
    for epochs, batch_size, steps in ((1, 20, 1), (4, 5, 12), (2, 12, 2), (3, 1, 36)):
        fitted = model(reward_epochs=epochs, reward_batch_size=batch_size)
        fitted.fit(random_comparisons(12))
        assert fitted.gradient_steps == steps


def test_weight_decay_makes_weights_smaller_and_learning_rate_moves_them_more():
    def weights(**options) -> list[torch.Tensor]:
        fitted = model(reward_epochs=20, **options)
        before = [weight.detach().clone() for weight in fitted.networks.weights]
        fitted.fit(random_comparisons(20))
        size = sum(weight.square().sum() for weight in fitted.networks.weights)
        moved = sum((w - b).square().sum() for w, b in zip(fitted.networks.weights, before, strict=True))
        return [size.item(), moved.item()]

    assert weights(weight_decay=20.0)[0] < 0.8 * weights(weight_decay=1.0)[0]
    assert (
        weights(reward_learning_rate=1e-2, weight_decay=0)[1]
        > 4 * weights(reward_learning_rate=1e-3, weight_decay=0)[1]
    )


def test_networks_are_as_many_and_as_large_as_asked_for():
    networks = model(ensemble_size=3, hidden_sizes=(7, 6)).networks
    assert [tuple(weight.shape) for weight in networks.weights] == [(3, 4, 7), (3, 7, 6), (3, 6, 1)]


def noisy_comparisons(n: int, seed: int = 0) -> Comparisons:
    """A third of the answers are turned round, so that there is much to fit that should not be."""
    comparisons = random_comparisons(n, seed)
    wrong = np.random.default_rng(seed).random(n) < 1 / 3
    return replace(comparisons, preferences=np.where(wrong, 1 - comparisons.preferences, comparisons.preferences))


def member_losses(fitted: RewardModel, comparisons: Comparisons) -> tuple[float, float]:
    """Training and held-out loss of the members, one by one, in NumPy."""
    a, b = fitted.member_returns(comparisons.fragments_a), fitted.member_returns(comparisons.fragments_b)
    answers = comparisons.preferences
    each = np.logaddexp(0, b - a) - answers * (b - a)
    counts = fitted._counts
    training = [np.average(loss, weights=count) for loss, count in zip(each, counts, strict=True)]
    return float(np.mean(training)), float(np.mean([x[c == 0].mean() for x, c in zip(each, counts, strict=True)]))


OVERFITTED = {"weight_decay": 0.0, "hidden_sizes": (64,), "reward_learning_rate": 1e-2, "reward_batch_size": 10}


def test_converged_fit_takes_fewer_steps_to_no_higher_held_out_loss():
    comparisons = noisy_comparisons(80)
    fixed = model(reward_epochs=60, **OVERFITTED)
    fixed.fit(comparisons)
    stopped = model(reward_epochs=60, fit_until="converged", **OVERFITTED)
    stopped.fit(comparisons)
    assert fixed.gradient_steps == 60 * 8
    assert stopped.gradient_steps < fixed.gradient_steps / 4
    assert member_losses(stopped, comparisons)[1] < member_losses(fixed, comparisons)[1]


def test_converged_fit_goes_back_to_the_lowest_held_out_loss():
    comparisons = noisy_comparisons(80)
    fitted = model(reward_epochs=60, fit_until="converged", fit_patience=3, **OVERFITTED)
    seen = []
    losses = fitted._losses
    fitted._losses = lambda *arguments: seen.append(losses(*arguments)) or seen[-1]
    fitted.fit(comparisons)
    held_out = [loss for _, loss in seen]
    assert len(held_out) < 61
    assert int(np.argmin(held_out)) == len(held_out) - 1 - 3, "three epochs after the lowest"
    assert member_losses(fitted, comparisons) == pytest.approx(seen[int(np.argmin(held_out))], rel=1e-4)


def test_converged_fit_without_anything_held_out_takes_all_its_epochs():
    fitted = model(reward_epochs=7, fit_until="converged")
    fitted._extend_bootstraps = lambda n: setattr(fitted, "_counts", np.ones((5, n), int))
    fitted.fit(random_comparisons(10))
    assert fitted.gradient_steps == 7


def test_adaptive_weight_decay_moves_towards_the_wanted_overfitting():
    """It rises while the held-out loss is more than 1.5 times the training loss, falls below 1.1, and stays between."""
    fitted = model(adaptive_weight_decay=True, weight_decay=2.0)
    now = fitted.progress(fitted.held_out(random_comparisons(0)))["weight_decay"]
    assert now == 2.0
    for training, held_out, factor in ((1.0, 1.6, 1.2), (1.0, 1.05, 1 / 1.2), (1.0, 1.3, 1.0), (1.0, np.nan, 1.0)):
        before = fitted._optimizer.param_groups[0]["weight_decay"]
        fitted._adapt_weight_decay(training, held_out)
        assert fitted._optimizer.param_groups[0]["weight_decay"] == pytest.approx(factor * before)


def test_adaptive_weight_decay_reins_in_an_overfitting_model():
    """Where a fixed decay leaves the held-out loss at twice the training loss, it comes to lie between 1.1 and 1.5."""
    options = {**OVERFITTED, "weight_decay": 0.1, "reward_epochs": 10}
    comparisons = noisy_comparisons(80)
    fixed, adaptive = model(**options), model(adaptive_weight_decay=True, **options)
    for _ in range(25):
        fixed.fit(comparisons)
        adaptive.fit(comparisons)
    overfitting = [np.divide(*member_losses(fitted, comparisons)[::-1]) for fitted in (fixed, adaptive)]
    assert overfitting[0] > 2
    assert 1.1 < overfitting[1] < 1.5
    assert adaptive.progress(adaptive.held_out(comparisons))["weight_decay"] > 0.3


def test_nothing_is_fitted_to_no_comparisons():
    fitted = model()
    fitted.fit(random_comparisons(0))
    assert fitted.gradient_steps == 0


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
