"""The wrapper that swaps the learned reward in for the true one."""

from collections.abc import Callable
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from workshop.agent.vectors import one_array
from workshop.data import Rollouts
from workshop.messages import RunError

# observations (n, *shape) and actions (n, *shape) in, one reward for each, shape (n,), out
RewardFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


class LearnedRewardVecEnv(VecEnvWrapper):
    """Gives the agent the learned reward in place of the true one, and keeps what happened.

    `reward_function` is the reward swapped in, from the state acted in and the action; None leaves the true one.
    `observations` are those that the environments gave last.
    The true reward is only ever recorded, and what is recorded is not handed out for PPO to change: at the end of a
    truncated episode PPO adds the value of the last state to the reward, in place.
    """

    def __init__(self, venv: VecEnv):
        super().__init__(venv)
        self.reward_function: RewardFunction | None = None
        self._steps: list[tuple[np.ndarray, ...]] = []

    def reset(self) -> np.ndarray:
        self.observations = one_array(self.venv.reset())
        self._episode_starts = np.ones(self.num_envs, dtype=bool)
        return self.observations

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions
        self.venv.step_async(actions)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        observations, true_rewards, dones, infos = self.venv.step_wait()
        self._steps.append((self.observations, self._actions, true_rewards, self._episode_starts))
        if self.reward_function is None:
            rewards = true_rewards.copy()
        else:
            rewards = self.reward_function(self.observations, self._actions)
        if not np.isfinite(rewards).all():
            whose, advice = ("environment's own", "It cannot be trained on.")
            if self.reward_function is not None:
                whose, advice = "learned", "Try a smaller --reward-learning-rate."
            raise RunError(f"Training has blown up: the {whose} reward is not finite. {advice}")
        self.observations, self._episode_starts = one_array(observations), dones
        return self.observations, rewards, dones, infos

    def take_rollouts(self) -> Rollouts:
        """The transitions since this was last called."""
        if not self._steps:
            return Rollouts.empty(self.num_envs, self.observation_space, self.action_space)
        rollouts = Rollouts(*(np.stack(column) for column in zip(*self._steps, strict=True)))
        self._steps = []
        return rollouts
