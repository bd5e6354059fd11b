"""What is put around an environment, so that what Stable-Baselines3 and the reward model take is what it has."""

from typing import Any, SupportsFloat

import gymnasium
from gymnasium import spaces


class FixedHorizon(gymnasium.Wrapper):
    """Episodes of exactly `steps` steps: after an early end the last observation stays, with a true reward of 0.

    So an episode's return is what it was, and its length tells nothing (the "absorbing state" of the seals suite,
    Gleave et al. 2020).
    """

    def __init__(self, env: gymnasium.Env, steps: int):
        super().__init__(env)
        self._horizon = steps

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        self._steps, self._ended = 0, False
        self._observation, info = self.env.reset(seed=seed, options=options)
        return self._observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a step or, after the end, let one pass."""
        self._steps += 1
        reward: SupportsFloat = 0.0
        info: dict[str, Any] = {}
        if not self._ended:
            self._observation, reward, terminated, truncated, info = self.env.step(action)
            self._ended = terminated or truncated
        return self._observation, float(reward), False, self._steps >= self._horizon, info


class ActionsFromZero(gymnasium.ActionWrapper):
    """Actions `Discrete(n, start=k)` as 0 to n - 1, which is what Stable-Baselines3's policies choose among."""

    def __init__(self, env: gymnasium.Env):
        super().__init__(env)
        assert isinstance(env.action_space, spaces.Discrete)
        self._start = int(env.action_space.start)
        self.action_space = spaces.Discrete(int(env.action_space.n))

    def action(self, action: Any) -> int:
        """What the environment calls this action."""
        return int(action) + self._start


class WithoutInfo(gymnasium.Wrapper):
    """Drops what an environment tells beside observation and reward, which nobody here reads.

    It may be anything, and Gymnasium's vectors cannot put all of it together.
    """

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        return self.env.reset(seed=seed, options=options)[0], {}

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Take a step."""
        return (*self.env.step(action)[:4], {})
