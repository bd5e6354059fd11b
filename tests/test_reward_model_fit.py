"""The fit of a reward model: who learns what, for how long, and what reins it in."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_up_comparisons import model, random_comparisons, random_fragments, rollouts
from scipy.optimize import minimize

from reward_model import RewardModel
from workshop.data import Comparisons
from workshop.exercise.solution import bradley_terry_loss
from workshop.networks import adapt_weight_decay
from workshop.networks.joint import EnsembleMLP


def test_additive_members_are_fitted_to_what_is_most_likely_under_their_prior():
    """Against an independent search, for each member, with the comparisons that it does not leave out."""
    comparisons = random_comparisons(12)
    ensemble = model(
        reward_network="additive", ensemble_size=3, prior_std=0.5, bump_width=1.5,
        reward_epochs=2000, reward_batch_size=1000, reward_learning_rate=0.01, weight_decay=0,
    )  # fmt: skip
    ensemble.fit(comparisons)
    assert (ensemble._bootstraps.counts.sum(axis=0) == 2).all()  # each is left out by one of the three
    networks = ensemble.networks
    inputs = [
        torch.from_numpy(ensemble._inputs(fragments.observations, fragments.actions))
        for fragments in (comparisons.fragments_a, comparisons.fragments_b)
    ]
    a, b = (networks.prepare(fragments).double().numpy() for fragments in inputs)
    for member in range(3):
        learned = np.flatnonzero(ensemble._bootstraps.counts[member])
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


def test_members_are_trained_separately():
    """Fitted together, each member becomes what it becomes when fitted alone on its own bootstrap."""
    comparisons = random_comparisons(12)
    ensemble = model(ensemble_size=3, reward_epochs=4, reward_batch_size=5)
    start = [parameter.detach().clone() for parameter in ensemble.networks.parameters()]
    orders = []
    shuffled = ensemble._bootstraps.shuffled
    ensemble._bootstraps.shuffled = lambda: orders.append(shuffled()) or orders[-1]
    ensemble.fit(comparisons)
    assert len(orders) == 4
    for member in range(3):
        alone = model(ensemble_size=1, reward_epochs=4, reward_batch_size=5)
        with torch.no_grad():
            for parameter, initial in zip(alone.networks.parameters(), start, strict=True):
                parameter.copy_(initial[member : member + 1])
        alone._bootstraps.shuffled = iter([order[member : member + 1] for order in orders]).__next__
        alone.fit(comparisons)
        for lone, joint in zip(alone.networks.parameters(), ensemble.networks.parameters(), strict=True):
            torch.testing.assert_close(lone[0], joint[member], rtol=1e-2, atol=2e-3)


def test_members_see_bootstraps_of_their_own_and_none_sees_what_it_left_out():
    ensemble = model(ensemble_size=4, reward_epochs=1)
    seen = []
    shuffled = ensemble._bootstraps.shuffled
    ensemble._bootstraps.shuffled = lambda: seen.append(shuffled()) or seen[-1]
    for n in (1, 2, 20, 40):  # as they arrive
        ensemble.fit(random_comparisons(n))
    bags = [set(np.concatenate([order[member] for order in seen])) for member in range(4)]
    assert len({frozenset(bag) for bag in bags}) == 4
    for member, bag in enumerate(bags):
        assert 10 < len(bag) < 40
        assert bag <= set(np.flatnonzero(ensemble._bootstraps.counts[member]))


def test_fit_learns_the_true_order():
    ensemble = model(seed=1, weight_decay=0.1)
    ensemble.fit(random_comparisons(60, seed=5))
    ensemble.standardise(rollouts())
    fresh = random_fragments(500, seed=77)
    learned = ensemble.reward(fresh.observations[:, 0], fresh.actions[:, 0])
    assert np.corrcoef(learned, fresh.true_rewards[:, 0])[0, 1] > 0.9


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
    counts = fitted._bootstraps.counts
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
    fitted._bootstraps.extend = lambda n: setattr(fitted._bootstraps, "counts", np.ones((5, n), int))
    fitted.fit(random_comparisons(10))
    assert fitted.gradient_steps == 7


def test_adaptive_weight_decay_moves_towards_the_wanted_overfitting():
    """It rises while the held-out loss is more than 1.5 times the training loss, falls below 1.1, and stays between."""
    fitted = model(adaptive_weight_decay=True, weight_decay=2.0)
    now = fitted.progress(fitted.held_out(random_comparisons(0)))["weight_decay"]
    assert now == 2.0
    for training, held_out, factor in ((1.0, 1.6, 1.2), (1.0, 1.05, 1 / 1.2), (1.0, 1.3, 1.0), (1.0, np.nan, 1.0)):
        before = fitted._optimizer.param_groups[0]["weight_decay"]
        adapt_weight_decay(fitted._optimizer, training, held_out)
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


@pytest.mark.parametrize("kind", [{}, {"reward_network": "additive", "weight_decay": 0.0}])
def test_an_answer_that_was_taken_back_is_unlearned(kind: dict):
    """As if it had never been given: it is the model that learned the others alone, fit by fit."""
    comparisons = random_comparisons(6)
    regretful, never = model(**kind), model(**kind)
    regretful.fit(comparisons[:4])
    regretful.fit(comparisons[:5])
    comparisons.preferences[2] = 1 - comparisons.preferences[2]
    regretful.fit(comparisons)
    for n in (4, 5, 6):
        never.fit(comparisons[:n])
    fragments = random_fragments(30, seed=9)
    np.testing.assert_array_equal(regretful.member_returns(fragments), never.member_returns(fragments))


def test_an_answer_that_became_none_is_unlearned_too():
    comparisons = random_comparisons(6)
    regretful, never = model(), model()
    regretful.fit(comparisons[:4])
    comparisons.preferences[2] = np.nan
    regretful.fit(comparisons)
    never.fit(comparisons[:4].answered)
    never.fit(comparisons.answered)
    fragments = random_fragments(30, seed=9)
    np.testing.assert_array_equal(regretful.member_returns(fragments), never.member_returns(fragments))
    assert len(regretful.held_out(comparisons).preferences) <= 5
