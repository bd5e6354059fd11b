"""The agent, and the wrapper that swaps the reward."""

from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecMonitor

from workshop import CARTPOLE_ID
from workshop.agent.agent import Agent
from workshop.agent.learned_reward import LearnedRewardVecEnv
from workshop.agent.ppo import AgentConfig
from workshop.agent.vectors import make_vec_env
from workshop.reports.evaluation import Evaluator


def make_agent(tmp_path: Path, steps_per_iteration: int = 480, seed: int = 0, **options) -> Agent:
    config = AgentConfig(**{"n_envs": 4, "rollout_steps": 40, "agent_epochs": 2, **options})
    return Agent(
        gymnasium.spec(CARTPOLE_ID),
        config,
        steps_per_iteration,
        np.random.default_rng(seed),
        "cpu",
        lambda steps: None,
    )


def minus_seven(observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
    return np.full(len(observations), -7, np.float32)


def test_wrapper_hands_out_the_learned_reward_of_the_state_acted_in_and_records_the_true_one():
    env = LearnedRewardVecEnv(make_vec_env(gymnasium.spec(CARTPOLE_ID), 2, seed=0), CARTPOLE_ID)
    asked = []

    def learned(observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        asked.append((observations.copy(), actions.copy()))
        return 100 * observations[:, 3] + actions

    env.reward_function = learned
    seen = [env.reset()]
    rewards = []
    for actions in ([0, 1], [1, 1], [0, 0]):
        observations, reward, _, _ = env.step(np.array(actions))
        seen.append(observations)
        rewards.append(reward)
    rollouts = env.take_rollouts()
    np.testing.assert_array_equal(rollouts.observations, seen[:3])
    np.testing.assert_array_equal(rollouts.actions, [[0, 1], [1, 1], [0, 0]])
    np.testing.assert_array_equal(rewards, 100 * rollouts.observations[..., 3] + rollouts.actions)
    np.testing.assert_allclose(rollouts.true_rewards, np.cos(rollouts.observations[..., 2]), rtol=1e-6)
    np.testing.assert_array_equal(rollouts.episode_starts, [[True] * 2, [False] * 2, [False] * 2])
    assert len(asked) == 3
    assert len(env.take_rollouts()) == 0, "what was taken is not handed out again"


def test_true_reward_that_ppo_changes_is_not_the_one_recorded():
    env = LearnedRewardVecEnv(make_vec_env(gymnasium.spec(CARTPOLE_ID), 2, seed=0), CARTPOLE_ID)
    env.reset()
    rewards = env.step(np.array([0, 1]))[1]
    rewards += 1000  # PPO adds the value of the last state like this
    assert (env.take_rollouts().true_rewards <= 1).all()


def test_monitor_is_innermost_so_that_logged_returns_are_true(tmp_path: Path):
    agent = make_agent(tmp_path, steps_per_iteration=4 * 400)
    assert isinstance(agent._venv.venv, VecMonitor)
    rollouts = agent.train(minus_seven)
    logged = np.mean([episode["r"] for episode in agent._ppo.ep_info_buffer])
    whole_episodes = rollouts.true_rewards.reshape(2, 200, 4).sum(axis=1)
    assert logged == pytest.approx(whole_episodes.mean(), rel=1e-4)
    assert -200 < logged < 200, "the learned return would be -1400"


def test_ppo_is_given_the_learned_reward_and_bootstraps_where_time_runs_out(tmp_path: Path):
    agent = make_agent(tmp_path, steps_per_iteration=4 * 200, rollout_steps=200, gamma=0.5)
    agent.train(minus_seven)
    rewards = agent._ppo.rollout_buffer.rewards  # (200, 4)
    np.testing.assert_array_equal(rewards[:-1], -7)
    # in the last step of the episodes, half the value of the last state was added; all values differ a little
    assert (rewards[-1] != -7).all()


def test_rollouts_hold_every_step_and_episodes_go_on_between_iterations(tmp_path: Path):
    agent = make_agent(tmp_path, steps_per_iteration=4 * 120)
    counted = []
    agent._on_step = counted.append
    rollouts = agent.random_rollouts(200)
    assert rollouts.true_rewards.shape == (200, 4)
    assert 0.4 < rollouts.actions.mean() < 0.6
    for _ in range(5):
        rollouts.add(agent.train(None))
    assert len(rollouts) == 4 * (200 + 5 * 120) == sum(counted)
    assert agent._ppo.num_timesteps == 4 * 5 * 120
    starts = np.flatnonzero(rollouts.episode_starts.all(axis=1))
    np.testing.assert_array_equal(starts, [0, 200, 400, 600])
    np.testing.assert_array_equal(rollouts.episode_starts.sum(axis=0), 4)


@pytest.mark.parametrize(("budget", "rollout_steps"), [(480, 40), (500, 40), (480, 1000), (12, 5), (1000, 7)])
def test_an_iteration_fills_its_budget_with_whole_updates(tmp_path: Path, budget: int, rollout_steps: int):
    agent = make_agent(tmp_path, steps_per_iteration=budget, rollout_steps=rollout_steps)
    agent.train(None)
    taken = agent._ppo.num_timesteps
    assert taken <= budget
    assert taken % (4 * agent._ppo.n_steps) == 0
    assert taken > budget - 4 * (budget // 4 // agent._ppo.n_steps + 1)


def test_ppo_is_as_asked_for(tmp_path: Path):
    options = {
        "clip_range": 0.1, "value_coefficient": 0.6, "max_grad_norm": 0.8, "agent_hidden_sizes": (8,), "gamma": 0.7,
        "gae_lambda": 0.6, "agent_learning_rate": 0.03, "agent_epochs": 3, "agent_batch_size": 24, "entropy_bonus": 0.3,
    }  # fmt: skip
    agent = make_agent(tmp_path, orthogonal_init=False, **options)
    ppo = agent._ppo
    assert (ppo.clip_range(1.0), ppo.vf_coef, ppo.max_grad_norm, ppo.gamma) == (0.1, 0.6, 0.8, 0.7)
    assert (ppo.gae_lambda, ppo.learning_rate, ppo.n_epochs, ppo.batch_size, ppo.ent_coef) == (0.6, 0.03, 3, 24, 0.3)
    assert ppo.policy.mlp_extractor.policy_net[0].out_features == 8

    def spread(agent: Agent) -> float:
        return agent._ppo.policy.action_net.weight.detach().abs().max().item()

    assert spread(make_agent(tmp_path)) < 0.02 < 0.1 < spread(agent), "orthogonal ones have the gain 0.01 at the output"


def test_weight_decay_takes_its_share_of_the_weights_in_each_step(tmp_path: Path):
    """With a learning rate so small that nothing else changes them."""
    options = {"agent_learning_rate": 1e-6, "agent_epochs": 3, "agent_batch_size": 1000}
    plain, decaying = (make_agent(tmp_path, **options, agent_weight_decay=decay) for decay in (0.0, 1000.0))
    before = plain._ppo.policy.value_net.weight.detach().clone()
    for agent in (plain, decaying):
        agent.train(None)
    steps = decaying._ppo.policy.optimizer.state[decaying._ppo.policy.value_net.weight]["step"]
    expected = before * (1 - 1e-6 * 1000) ** float(steps)
    torch.testing.assert_close(decaying._ppo.policy.value_net.weight.detach(), expected, atol=2e-5, rtol=0)
    torch.testing.assert_close(plain._ppo.policy.value_net.weight.detach(), before, atol=2e-5, rtol=0)
    assert (before - expected).abs().max() > 1e-3


def test_no_random_rollouts_are_no_rollouts(tmp_path: Path):
    assert len(make_agent(tmp_path).random_rollouts(0)) == 0


def test_saved_agent_loads_with_ppo_and_acts_the_same(tmp_path: Path):
    agent = make_agent(tmp_path)
    agent.train(None)
    agent.save(tmp_path / "agent.zip")
    observations = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    loaded = PPO.load(tmp_path / "agent.zip")
    np.testing.assert_array_equal(agent.policy()(observations), loaded.predict(observations, deterministic=True)[0])


@pytest.mark.parametrize("env_id", ["Pendulum-v1", "FrozenLake-v1"])
def test_policy_is_ppos_for_other_spaces(tmp_path: Path, env_id: str):
    """Continuous actions beyond their bounds are clipped, and discrete observations are one-hot."""
    agent = Agent(
        gymnasium.spec(env_id),
        AgentConfig(n_envs=2, rollout_steps=20),
        80,
        np.random.default_rng(0),
        "cpu",
        lambda steps: None,
    )
    agent.train(None)
    agent._ppo.policy.action_net.weight.data *= 300
    space = agent.spaces[0]
    space.seed(0)
    observations = np.stack([space.sample() for _ in range(50)])
    actions = agent.policy()(observations)
    np.testing.assert_allclose(actions, agent._ppo.predict(observations, deterministic=True)[0], rtol=1e-4, atol=1e-4)
    assert len(np.unique(actions)) > 1


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_normalisation_is_inside_the_policy_and_the_saved_agent(tmp_path: Path, activation: str):
    """Both take observations as they come, and act as PPO does on normalised ones; PPO itself goes on unchanged."""
    config = AgentConfig(n_envs=2, rollout_steps=50, normalise=True, agent_activation=activation, initial_log_std=-1.0)
    spec = gymnasium.spec("Pendulum-v1")
    agent = Agent(spec, config, 400, np.random.default_rng(0), "cpu", lambda steps: None)
    assert agent._ppo.policy.log_std.item() == -1.0
    agent.train(None)
    agent._ppo.policy.action_net.weight.data *= 10  # so that the actions differ
    observations = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32) * [1, 1, 8]
    normalised = agent._normalised.normalize_obs(observations)
    assert np.abs(normalised - observations).max() > 1
    expected = agent._ppo.predict(normalised, deterministic=True)[0]
    assert len(np.unique(expected)) > 20
    np.testing.assert_allclose(agent.policy()(observations), expected, rtol=1e-3, atol=1e-3)
    agent.save(tmp_path / "agent.zip")
    loaded = PPO.load(tmp_path / "agent.zip").predict(observations, deterministic=True)[0]
    np.testing.assert_allclose(loaded, expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(agent._ppo.predict(normalised, deterministic=True)[0], expected)


def test_normalised_rewards_are_the_learned_ones_and_the_recorded_ones_the_true_ones(tmp_path: Path):
    """PPO gets the learned reward over a running standard deviation of its discounted return."""
    config = AgentConfig(n_envs=2, rollout_steps=50, normalise=True)
    agent = Agent(gymnasium.spec("Pendulum-v1"), config, 400, np.random.default_rng(0), "cpu", lambda _: None)
    rollouts = agent.train(lambda observations, actions: np.full(len(observations), 1000.0))
    assert (rollouts.true_rewards <= 0).all(), "Pendulum's rewards are costs"
    given = agent._ppo.rollout_buffer.rewards
    assert (given > 0).all()
    assert given.max() < 100


def test_same_generator_same_rollouts(tmp_path: Path):
    first, again, other = (make_agent(tmp_path, seed=seed).train(None) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.observations, again.observations)
    np.testing.assert_array_equal(first.actions, again.actions)
    assert not np.array_equal(first.observations, other.observations)


def test_evaluation_adds_up_whole_episodes_by_hand():
    def always_right(observations: np.ndarray) -> np.ndarray:
        return np.ones(len(observations), np.int64)

    def true_reward_of_right_half(observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        return np.cos(observations[:, 2]) * 2 + 5

    evaluator = Evaluator(gymnasium.spec(CARTPOLE_ID), np.random.default_rng(0))
    evaluation = evaluator.evaluate(always_right, true_reward_of_right_half)
    episodes = evaluation.episodes
    assert episodes.true_returns.shape == (20,)
    assert len(episodes.true_rewards) == 20 * 200
    assert episodes.first_actions.shape == (200,)
    env = make_vec_env(gymnasium.spec(CARTPOLE_ID), 1, episodes.seed)
    env.reset()
    again = sum(env.step(np.array([action]))[1][0] for action in episodes.first_actions)
    assert episodes.true_returns[0] == pytest.approx(again, rel=1e-5)
    assert evaluation.learned_return_mean == pytest.approx(2 * episodes.true_returns.mean() + 1000, rel=1e-5)
    assert evaluation.reward_correlation == pytest.approx(1, abs=1e-6)
    fresh = evaluator.evaluate(always_right, None)
    assert fresh.episodes.seed != episodes.seed
    assert np.isnan(fresh.learned_return_mean)
    assert np.isnan(fresh.reward_correlation)


def test_evaluation_stops_counting_where_an_episode_ends():
    evaluation = Evaluator(gymnasium.spec("CartPole-v1"), np.random.default_rng(0)).evaluate(
        lambda observations: (observations[:, 2] > 0).astype(np.int64), None
    )
    lengths = evaluation.episodes.true_returns  # one point a step
    assert 8 <= lengths.min() < lengths.max() <= 500
    assert len(evaluation.episodes.true_rewards) == lengths.sum()
    assert len(evaluation.episodes.first_actions) == lengths[0]


@pytest.mark.parametrize(
    ("flag", "options"),
    [
        ("--n-envs", {"n_envs": 0}),
        ("--rollout-steps", {"rollout_steps": 0}),
        ("--agent-learning-rate", {"agent_learning_rate": -1.0}),
        ("--agent-epochs", {"agent_epochs": 0}),
        ("--agent-batch-size", {"agent_batch_size": 1}),
        ("--agent-hidden-sizes", {"agent_hidden_sizes": (0,)}),
        ("--entropy-bonus", {"entropy_bonus": -0.1}),
        ("--clip-range", {"clip_range": 0.0}),
        ("--initial-log-std", {"initial_log_std": float("inf")}),
        ("--value-coefficient", {"value_coefficient": -0.1}),
        ("--max-grad-norm", {"max_grad_norm": 0.0}),
        ("--gamma", {"gamma": 1.1}),
        ("--gae-lambda", {"gae_lambda": float("nan")}),
    ],
)
def test_bad_options_are_named(flag: str, options: dict[str, object]):
    with pytest.raises(ValueError, match=flag):
        AgentConfig(**options)
