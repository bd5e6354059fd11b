"""The wrapper that swaps the learned reward in for the true one."""

from collections.abc import Callable
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from workshop.agent.vectors import one_array
from workshop.data import Rollouts
from workshop.environments import not_finite
from workshop.messages import RunError

# observations (n, *shape) and actions (n, *shape) in, one reward for each, shape (n,), out
RewardFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


class LearnedRewardVecEnv(VecEnvWrapper):
    """Gives the agent the learned reward in place of the true one, and keeps what happened.

    `reward_function` is the reward swapped in, from the state acted in and the action; None leaves the true one.
    `observations` are those that the environments gave last.
    The true reward is only ever recorded, and what is recorded is not handed out for PPO to change: at the end of a
    truncated episode PPO adds the value of the last state to the reward, in place. Raises a RunError, which names the
    environment `env_id` and the step, if one of its numbers is not finite.
    """

    def __init__(self, venv: VecEnv, env_id: str):
        super().__init__(venv)
        self.reward_function: RewardFunction | None = None
        self._env_id, self._taken = env_id, 0
        self._steps: list[tuple[np.ndarray, ...]] = []

    def reset(self) -> np.ndarray:
        self.observations = one_array(self.venv.reset())
        self._require_finite("an observation", self.observations)
        self._episode_starts = np.ones(self.num_envs, dtype=bool)
        return self.observations

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions
        self.venv.step_async(actions)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        observations, true_rewards, dones, infos = self.venv.step_wait()
        self._taken += 1
        self._require_finite("the reward", true_rewards)
        self._require_finite("an observation", one_array(observations))
        self._steps.append((self.observations, self._actions, true_rewards, self._episode_starts))
        if self.reward_function is None:
            rewards = true_rewards.copy()
        else:
            rewards = self.reward_function(self.observations, self._actions)
        if not np.isfinite(rewards).all():
            raise RunError(
                "Training has blown up: the learned reward is not finite. Try a smaller --reward-learning-rate."
            )
        self.observations, self._episode_starts = one_array(observations), dones
        return self.observations, rewards, dones, infos

    def _require_finite(self, what: str, numbers: np.ndarray) -> None:
        if not_finite(numbers):
            raise RunError(
                f"{self._env_id} cannot be learned from: after step {self._taken} in each of its copies {what} is not "
                "finite (NaN, infinity, or too large for float32). That is the environment's, not the learner's."
            )

    def take_rollouts(self) -> Rollouts:
        """The transitions since this was last called."""
        if not self._steps:
            return Rollouts.empty(self.num_envs, self.observation_space, self.action_space)
        rollouts = Rollouts(*(np.stack(column) for column in zip(*self._steps, strict=True)))
        self._steps = []
        return rollouts
