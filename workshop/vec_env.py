"""From Gymnasium's vector environments to Stable-Baselines3's.

The two differ in when an episode's last step is followed by a reset: Gymnasium's environments do it in the next
step by default, SB3 expects it within the same step, with the last observation of the old episode in
`info["terminal_observation"]` so that PPO can bootstrap from it.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from stable_baselines3.common.vec_env import VecEnv, VecMonitor


class GymnasiumVecEnv(VecEnv):
    """A Gymnasium vector environment as an SB3 one.

    Any autoreset mode will do. The environments made by `gymnasium.make_vec` in "sync" or "async" mode can be
    reset one by one. Another environment that resets in the next step cannot, so all its episodes must end
    together; it is refused with a ValueError at the first step where only some do, since the others would
    have to take a step that nobody chose.
    """

    def __init__(self, env: VectorEnv):
        self.env = env
        self.autoreset_mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self._actions: np.ndarray | None = None
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> np.ndarray:
        seeds = None if all(seed is None for seed in self._seeds) else list(self._seeds)
        observations, infos = self.env.reset(seed=seeds)
        self.reset_infos = self._split(infos)
        self._reset_seeds()
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        observations, rewards, terminated, truncated, infos = self.env.step(self._actions)
        dones = terminated | truncated
        split = self._split(infos) if infos else [{} for _ in range(self.num_envs)]
        if dones.any():
            if self.autoreset_mode == AutoresetMode.SAME_STEP:
                final = infos["final_obs"]
            else:
                final = observations
                observations = self._reset_ended(dones)
            for index in np.flatnonzero(dones):
                split[index]["terminal_observation"] = np.array(final[index])
                split[index]["TimeLimit.truncated"] = bool(truncated[index] and not terminated[index])
        return observations, rewards.astype(np.float32), dones, split

    def _reset_ended(self, dones: np.ndarray) -> np.ndarray:
        """Reset the ended episodes of an environment that does not do so itself in the same step."""
        disabled = self.autoreset_mode == AutoresetMode.DISABLED
        if disabled or isinstance(self.env.unwrapped, SyncVectorEnv | AsyncVectorEnv):
            return self.env.reset(options={"reset_mask": dones.copy()})[0]
        if dones.all():
            return self.env.step(self._actions)[0]  # the step that resets; it ignores the actions
        raise ValueError(
            f"{self.env} resets in the next step and only some of its episodes ended: make it with "
            'gymnasium.make_vec(..., vectorization_mode="sync")'
        )

    def _split(self, infos: dict[str, Any]) -> list[dict[str, Any]]:
        """Give each environment its own part of Gymnasium's dict of arrays, as SB3 has it."""
        split: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for key, values in infos.items():
            if key.startswith("_") or key in ("final_obs", "final_info"):
                continue
            present = infos.get(f"_{key}", np.ones(self.num_envs, dtype=bool))
            for index in np.flatnonzero(present):
                split[index][key] = _pick(values, index)
        return split

    def close(self) -> None:
        self.env.close()

    def get_attr(self, attr_name: str, indices: int | Sequence[int] | None = None) -> list[Any]:
        value = getattr(self.env, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: int | Sequence[int] | None = None) -> None:
        raise NotImplementedError("the environments of a vector share their attributes: set them on .env")

    def env_method(self, method_name: str, *args, indices: int | Sequence[int] | None = None, **kwargs) -> list[Any]:
        raise NotImplementedError("the environments of a vector share their methods: call them on .env")

    def env_is_wrapped(self, wrapper_class: type, indices: int | Sequence[int] | None = None) -> list[bool]:
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[np.ndarray]:
        return self.env.render()


def _pick(values: Any, index: int) -> Any:
    """Environment `index`'s part of a vector info, which may be a dict of arrays itself."""
    if isinstance(values, dict):
        return {key: _pick(value, index) for key, value in values.items() if not key.startswith("_")}
    return values[index]


def make_vec_env(env_id: str, n_envs: int, seed: int) -> VecMonitor:
    """Make `n_envs` copies of an environment, stepped together in NumPy where the environment can be.

    The copies are seeded `seed`, `seed + 1`, … at the first reset. The monitor is innermost, so that what SB3 logs
    as `rollout/ep_rew_mean` is the environment's own, true return, whatever wrapper changes the reward outside.
    """
    env = gymnasium.make_vec(env_id, n_envs)  # the environment's own vector version, if it has one
    if env.metadata.get("autoreset_mode") != AutoresetMode.SAME_STEP:
        env.close()
        same_step = {"autoreset_mode": AutoresetMode.SAME_STEP}
        env = gymnasium.make_vec(env_id, n_envs, vectorization_mode="sync", vector_kwargs=same_step)
    venv = VecMonitor(GymnasiumVecEnv(env))
    venv.seed(seed)
    return venv
