"""The networks of a reward model's members: together they give what each gives alone."""

import numpy as np
import pytest
import torch
from made_up_comparisons import model

from workshop.networks.additive import AdditiveEnsemble
from workshop.networks.joint import EnsembleMLP


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


def test_members_begin_differently_and_by_the_seed():
    first, again, other = (EnsembleMLP(3, (4, 8, 1), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    for weight, same, different in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(weight, same)
        assert not torch.equal(weight, different)
        for one, two in ((0, 1), (0, 2), (1, 2)):
            assert not torch.equal(weight[one], weight[two])


def test_networks_are_as_many_and_as_large_as_asked_for():
    networks = model(ensemble_size=3, hidden_sizes=(7, 6)).networks
    assert [tuple(weight.shape) for weight in networks.weights] == [(3, 4, 7), (3, 7, 6), (3, 6, 1)]
