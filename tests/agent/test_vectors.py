"""The adapter from Gymnasium's vector environments to SB3's, above all where episodes end."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3.common.vec_env import VecMonitor

from workshop import CARTPOLE_ID
from workshop.agent.vectors import GymnasiumVecEnv, make_vec_env


class Counter(gymnasium.Env):
    """Counts its steps, and ends after `length`: by termination or by truncation."""

    observation_space = spaces.Box(-1, 1000, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def __init__(self, length: int, terminates: bool):
        self.length, self.terminates = length, terminates

    def reset(self, *, seed: int | None = None, options: Any = None):
        super().reset(seed=seed)
        self.count = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: int):
        self.count += 1
        end = self.count == self.length
        observation = np.full(1, self.count, np.float32)
        return observation, 10.0 * self.count + action, end and self.terminates, end and not self.terminates, {}


def counters() -> GymnasiumVecEnv:
    """One that terminates after 2 steps and one that is truncated after 3."""
    makers = [lambda: Counter(2, terminates=True), lambda: Counter(3, terminates=False)]
    return GymnasiumVecEnv(lambda: SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP))


def test_episodes_end_and_begin_in_the_same_step():
    env = counters()
    np.testing.assert_array_equal(env.reset(), [[0], [0]])
    seen = [env.step(np.array([0, 1])) for _ in range(6)]
    observations = [[float(x) for x in step[0][:, 0]] for step in seen]
    rewards = [step[1].tolist() for step in seen]
    dones = [step[2].tolist() for step in seen]
    assert observations == [[1, 1], [0, 2], [1, 0], [0, 1], [1, 2], [0, 0]]
    assert rewards == [[10, 11], [20, 21], [10, 31], [20, 11], [10, 21], [20, 31]]
    assert dones == [[False, False], [True, False], [False, True], [True, False], [False, False], [True, True]]


def test_last_observation_and_kind_of_end_are_told():
    env = counters()
    env.reset()
    infos = [env.step(np.zeros(2, int))[3] for _ in range(3)]
    assert infos[0] == [{}, {}]
    np.testing.assert_array_equal(infos[1][0]["terminal_observation"], [2])
    assert infos[1][0]["TimeLimit.truncated"] is False
    assert infos[1][1] == {}
    np.testing.assert_array_equal(infos[2][1]["terminal_observation"], [3])
    assert infos[2][1]["TimeLimit.truncated"] is True


@pytest.mark.parametrize("env_id", [CARTPOLE_ID, "Pendulum-v1", "CartPole-v1"])
def test_any_id_takes_the_same_path(env_id: str):
    env = make_vec_env(gymnasium.spec(env_id), 3, seed=0)
    assert isinstance(env, VecMonitor), "the monitor is innermost, right around the adapter"
    assert isinstance(env.venv, GymnasiumVecEnv)
    env.action_space.seed(0)
    observations, returns, episode = env.reset(), np.zeros(3), []
    for _ in range(200):
        actions = np.stack([env.action_space.sample() for _ in range(3)])
        following, rewards, dones, infos = env.step(actions)
        returns += rewards
        for index in np.flatnonzero(dones):
            episode.append((infos[index]["episode"]["r"], returns[index]))
            returns[index] = 0
            assert not np.array_equal(infos[index]["terminal_observation"], following[index])
        assert following.shape == observations.shape
        assert env.observation_space.contains(following[0])
    assert len(episode) >= 3
    for monitored, added_up in episode:
        assert monitored == pytest.approx(added_up, rel=1e-4)


def test_seed_decides_the_first_and_all_later_episodes():
    def run(seed: int) -> np.ndarray:
        env = make_vec_env(gymnasium.spec(CARTPOLE_ID), 2, seed)
        return np.stack([env.reset()] + [env.step(np.array([0, 1]))[0] for _ in range(250)])

    np.testing.assert_array_equal(run(4), run(4))
    assert not np.array_equal(run(4), run(8))
