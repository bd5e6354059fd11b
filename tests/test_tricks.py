"""The changes that benchmarks/tricks.py makes to the workshop for a run do what they say, and are gone afterwards."""

import sys

import numpy as np
import pytest
import torch
from conftest import ROOT
from gymnasium import spaces

import main
from preferences import Comparisons, Fragments, PreferencesConfig
from reward_model import RewardModel, RewardModelConfig
from workshop.additive import AdditiveEnsemble
from workshop.agent import Agent
from workshop.choice_models import ChoiceModelConfig, bradley_terry_loss, choice_model
from workshop.ensemble import EnsembleMLP
from workshop.plan import plan_run
from workshop.rollouts import Rollouts

sys.path.append(str(ROOT / "benchmarks"))
import tricks

ALIVE = (
    (Agent, "train"), (Agent, "random_rollouts"), (main, "sample_pairs"), (RewardModel, "fit"),
    (AdditiveEnsemble, "prepare"), (AdditiveEnsemble, "returns"), (AdditiveEnsemble, "_bumps"),
    (AdditiveEnsemble, "in_numpy"), (EnsembleMLP, "forward"), (EnsembleMLP, "in_numpy"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_stays_changed():
    before = [getattr(owner, name) for owner, name in ALIVE]
    yield
    assert [getattr(owner, name) for owner, name in ALIVE] == before


def additive(members: int = 3) -> AdditiveEnsemble:
    return AdditiveEnsemble(members, 2, 0.1, 0.5, torch.Generator().manual_seed(0))


@pytest.fixture
def agent(tmp_path):
    config = main.read_config(["--n-envs", "2", "--total-timesteps", "600", "--iterations", "2"])
    plan = plan_run(config)
    generator = np.random.default_rng(0)
    made = Agent(plan.spec, config.agent, plan.per_iteration, generator, "cpu", tmp_path, lambda _: None)
    yield made
    made.close()


def test_value_function_begins_anew_and_the_policy_goes_on(agent, monkeypatch):
    policy = agent._ppo.policy
    heads = {"value": policy.value_net.weight, "policy": policy.action_net.weight}
    with torch.no_grad():
        for weight in heads.values():
            weight.fill_(7.0)
    monkeypatch.setattr(Agent, "train", lambda self, reward: "trained")
    with tricks.value_function_reset():
        assert agent.train(None) == "trained"
    assert (heads["policy"] == 7.0).all()
    assert torch.linalg.vector_norm(heads["value"]).item() == pytest.approx(1, abs=1e-5)  # orthogonal, of gain 1


def test_cropped_fragments_of_equal_steps_have_the_return_of_the_whole():
    equal = torch.ones(5, 2, 8, 2) * torch.randn(5, 2, 1, 2)  # (n, a or b, L, d): in each fragment the same step
    rising = torch.linspace(-2, 2, 8).reshape(1, 1, 8, 1).expand(5, 2, 8, 2)
    ensemble = additive()
    for fragments, whole in ((equal, True), (rising, False)):
        expected = ensemble.returns(ensemble.prepare(fragments).expand(3, 5, 2, -1))
        with tricks.cropped_fragments():
            prepared = ensemble.prepare(fragments)
            cropped = ensemble.returns(prepared.expand(3, *prepared.shape))
        assert torch.allclose(cropped, expected, atol=1e-5) == whole


def test_pseudo_answers_are_what_the_model_is_sure_of_and_are_forgotten(monkeypatch):
    box = spaces.Box(-5, 5, (1,), np.float32)
    loss = choice_model(ChoiceModelConfig(), yours=bradley_terry_loss)
    model = RewardModel(
        box, spaces.Discrete(2), loss, RewardModelConfig(reward_network="additive"), np.random.default_rng(0)
    )
    generator = np.random.default_rng(0)
    steps = generator.uniform(-2, 2, size=(60, 2, 1)).astype(np.float32)
    rollouts = Rollouts(steps, np.zeros((60, 2), int), steps[..., 0], np.zeros((60, 2), bool))
    one = Fragments(steps[:3].transpose(1, 0, 2), np.zeros((2, 3), int), steps[:3, :, 0].T)
    comparisons = Comparisons(one, one, np.array([0.0, 1.0]))
    fitted = []
    monkeypatch.setattr(RewardModel, "fit", lambda self, comparisons: fitted.append(comparisons))
    probabilities = lambda self, a, b: np.tile(np.where(b.true_returns > a.true_returns, 0.99, 0.5), (5, 1))  # noqa: E731
    monkeypatch.setattr(RewardModel, "member_probabilities", probabilities)
    counts = model._counts
    with tricks.pseudo_answers():
        main.sample_pairs(rollouts, 2, comparisons, PreferencesConfig(fragment_length=3), model, generator)
        model.fit(comparisons)
    first, second = fitted
    assert first is comparisons
    added = second[2:]
    assert 0 < len(added) < tricks.PSEUDO * 2
    assert (added.preferences == 1).all()
    assert (added.fragments_b.true_returns > added.fragments_a.true_returns).all()
    assert model._counts is counts


def test_an_exploring_agent_is_rewarded_for_what_is_far_from_what_was_seen(agent, monkeypatch):
    rewards = []
    zeros = np.zeros((50, 2, 5), np.float32) + np.linspace(0, 0.1, 50, dtype=np.float32)[:, None, None]
    seen = Rollouts(zeros, np.zeros((50, 2), int), zeros[..., 0], np.zeros((50, 2), bool))
    monkeypatch.setattr(Agent, "train", lambda self, reward: rewards.append(reward) or seen)
    monkeypatch.setattr(Agent, "random_rollouts", lambda self, steps: seen)
    learned = lambda observations, actions: np.zeros(len(observations))  # noqa: E731
    with tricks.unsupervised_exploration():
        agent.random_rollouts(50)
        for _ in range(tricks.EXPLORING + 1):
            agent.train(learned)
    near, far = np.full((1, 5), 0.05, np.float32), np.full((1, 5), 3.0, np.float32)
    for novelty in rewards[: tricks.EXPLORING]:
        assert novelty(far, None)[0] > novelty(near, None)[0] + 1
    assert rewards[tricks.EXPLORING] is learned


def test_spectral_norm_bounds_how_fast_the_networks_change():
    networks = EnsembleMLP(2, (3, 16, 16, 1), torch.Generator().manual_seed(0))
    with torch.no_grad():
        for weight in networks.weights:
            weight.mul_(20)
    x, y = torch.randn(2, 500, 3)
    with tricks.spectral_norm():
        change = (networks(x) - networks(y)).abs() / (x - y).norm(dim=-1)
        assert change.max() <= 1 + 1e-5
        assert np.allclose(networks.in_numpy()(x.numpy()), networks(x).detach().numpy(), atol=1e-5)
        networks(x).sum().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in networks.parameters() if weight.shape[1] > 1)
    assert (networks(x) - networks(y)).abs().max() > 10


def test_waves_have_the_prior_variance_of_the_bumps_and_are_not_sums_of_functions_of_one_input():
    ensemble = AdditiveEnsemble(100, 2, 0.1, 0.5, torch.Generator().manual_seed(0))
    at_zero = torch.zeros(1, 2)
    variance = ensemble._bumps(at_zero).square().sum()
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    interaction = torch.tensor([1.0, -1.0, -1.0, 1.0])
    assert (ensemble(corners) @ interaction).abs().max() < 1e-5
    with tricks.joint_features(1.0):
        waves = ensemble._bumps(torch.randn(400, 2, generator=torch.Generator().manual_seed(1)))
        assert waves.square().sum(dim=-1).mean().item() == pytest.approx(variance.item(), rel=0.1)
        assert (ensemble(corners) @ interaction).abs().max() > 0.1
        assert np.allclose(ensemble.in_numpy()(corners.numpy()), ensemble(corners).detach().numpy(), atol=1e-5)
