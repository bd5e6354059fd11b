"""From Gymnasium's vector environments to Stable-Baselines3's.

SB3 expects that an episode's last step is followed by a reset within the same step, with the last observation of the
old episode in `info["terminal_observation"]`, so that PPO can bootstrap from it.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, VectorEnv
from stable_baselines3.common.vec_env import VecEnv, VecMonitor
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs

from workshop.environments import WithoutInfo
from workshop.processes import children_stopped_by_the_program

Stepping = Literal["auto", "in-process", "subprocesses"]
Indices = int | Iterable[int] | None  # of environments; None for all
# seconds a step; `benchmarks/throughput.py --of stepping` measures from where on processes of their own pay
SLOW = 2e-4
STEPS_TIMED = 30


class GymnasiumVecEnv(VecEnv):
    """A Gymnasium vector environment, which resets in the step that ends an episode (`SAME_STEP`), as an SB3 one.

    `open_env` makes it. Once closed, it is made anew by the next `reset`. What else environments tell goes no further.
    """

    def __init__(self, open_env: Callable[[], VectorEnv]):
        self._open = open_env
        self.env = open_env()
        self._closed = False
        super().__init__(self.env.num_envs, self.env.single_observation_space, self.env.single_action_space)

    def reset(self) -> np.ndarray:
        if self._closed:
            self.env, self._closed = self._open(), False
        seeds = None if all(seed is None for seed in self._seeds) else list(self._seeds)
        observations: np.ndarray
        # Gymnasium's vectors take a seed for each environment, though their base class does not say so
        observations, _ = self.env.reset(seed=seeds)  # type: ignore[arg-type]
        self._reset_seeds()
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        observations, rewards, terminated, truncated, infos = self.env.step(self._actions)
        dones = terminated | truncated
        told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for index in np.flatnonzero(dones):
            told[index]["terminal_observation"] = np.array(infos["final_obs"][index])
            told[index]["TimeLimit.truncated"] = bool(truncated[index] and not terminated[index])
        return observations, rewards.astype(np.float32), dones, told

    def close(self) -> None:
        if not self._closed:
            self.env.close()
        self._closed = True

    def get_attr(self, attr_name: str, indices: Indices = None) -> list[Any]:
        return [getattr(self.env, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Indices = None) -> None:
        raise NotImplementedError("the environments of a vector share their attributes: set them on .env")

    def env_method(self, method_name: str, *args: Any, indices: Indices = None, **kwargs: Any) -> list[Any]:
        raise NotImplementedError("the environments of a vector share their methods: call them on .env")

    def env_is_wrapped(self, wrapper_class: type, indices: Indices = None) -> list[bool]:
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[np.ndarray | None]:
        pictures = self.env.render() or ()
        return [picture if isinstance(picture, np.ndarray) else None for picture in pictures]


def one_array(observations: VecEnvObs) -> np.ndarray:
    """What SB3 calls observations, which may be dicts and tuples elsewhere; here they never are."""
    assert isinstance(observations, np.ndarray)
    return observations


def make_vec_env(spec: EnvSpec, n_envs: int, seed: int, stepping: Stepping = "in-process") -> VecMonitor:
    """Make `n_envs` copies of an environment, stepped together in NumPy where the environment can be.

    Others are stepped one after another in this process, or each in a process of its own, as `stepping` says, with
    the same results. The copies are seeded `seed`, `seed + 1`, … at the first reset. The monitor is innermost, so that
    what SB3 logs as `rollout/ep_rew_mean` is the environment's own, true return, whatever wrapper changes the reward
    outside.
    """
    venv = VecMonitor(GymnasiumVecEnv(partial(_make_vector, spec, n_envs, stepping)))
    venv.seed(seed)
    return venv


def _make_vector(spec: EnvSpec, n_envs: int, stepping: Stepping) -> VectorEnv:
    if spec.vector_entry_point is not None:
        env = gymnasium.make_vec(spec, n_envs)
        if env.metadata.get("autoreset_mode") == AutoresetMode.SAME_STEP:
            return env
        env.close()
    subprocesses = stepping == "subprocesses" or (stepping == "auto" and n_envs > 1 and is_slow(spec))
    with children_stopped_by_the_program():
        # kept by its name, in case of Ctrl-C: should it be dropped, its processes would find their pipes closed
        env = gymnasium.make_vec(
            spec,
            n_envs,
            vectorization_mode="async" if subprocesses else "sync",
            vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
            wrappers=[WithoutInfo],
        )
    return env  # noqa: RET504


def is_slow(spec: EnvSpec) -> bool:
    """Whether a step takes so long that to send its action and result between processes is little beside it."""
    if (os.cpu_count() or 1) == 1:
        return False
    seconds = []
    with gymnasium.make(spec) as env:
        env.reset(seed=0)
        env.action_space.seed(0)
        for _ in range(STEPS_TIMED):
            action = env.action_space.sample()
            started = time.perf_counter()
            _, _, terminated, truncated, _ = env.step(action)
            seconds.append(time.perf_counter() - started)
            if terminated or truncated:
                env.reset()
    return float(np.median(seconds)) > SLOW
