"""When do processes of their own step environments faster than this one? `python benchmarks/stepping.py`.

Each environment is stepped with random actions by `--stepping in-process` and by `--stepping subprocesses` in turn,
several times over, since the speed of a shared machine drifts. To one environment that is as slow as one likes time is
added in each step, so as to find from where on the processes pay: `SLOW` in `workshop/environments/vectors.py`.
"""

import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsFloat

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec, WrapperSpec

from workshop.agent import Stepping, is_slow, make_vec_env
from workshop.commands import read_flags
from workshop.environments import EnvironmentConfig, environment_spec


@dataclass(frozen=True)
class Options:
    """Compare the two ways of stepping."""

    rounds: int = 5
    """How many times each is timed."""
    n_envs: int = 16
    """Environments in parallel."""
    steps: int = 100
    """Steps of each in a round."""


class Slowed(gymnasium.Wrapper):
    """Computes for so many microseconds in each step."""

    def __init__(self, env: gymnasium.Env, microseconds: int):
        super().__init__(env)
        self._seconds = microseconds * 1e-6

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        until = time.perf_counter() + self._seconds
        while time.perf_counter() < until:
            pass
        return self.env.step(action)


def slowed(microseconds: int) -> EnvSpec:
    spec = environment_spec(EnvironmentConfig("Pendulum-v1"))
    slow = WrapperSpec("Slowed", f"{__name__}:Slowed", {"microseconds": microseconds})
    spec.additional_wrappers = (*spec.additional_wrappers, slow)
    spec.vector_entry_point = None
    return spec


def steps_per_second(spec: EnvSpec, stepping: Stepping, options: Options, seed: int) -> float:
    venv = make_vec_env(spec, options.n_envs, seed, stepping)
    venv.reset()
    venv.action_space.seed(seed)
    actions = np.stack([venv.action_space.sample() for _ in range(options.n_envs)])
    venv.step(actions)
    started = time.perf_counter()
    for _ in range(options.steps):
        venv.step(actions)
    seconds = time.perf_counter() - started
    venv.close()
    return options.n_envs * options.steps / seconds


def main() -> None:
    options = read_flags(Options, sys.argv[1:])
    specs = {
        name: environment_spec(EnvironmentConfig(name))
        for name in ("Pendulum-v1", "HalfCheetah-v5", "HumanoidStandup-v5")
    }
    specs |= {f"Pendulum-v1, slowed by {extra} µs": slowed(extra) for extra in (100, 200, 500, 2000)}
    print(f"{options.n_envs} environments on {os.cpu_count()} cores; steps/s are medians, the ratio's least to most\n")
    print("| environment | in-process, steps/s | subprocesses, steps/s | ratio (least to most) | auto takes |")
    print("| --- | --- | --- | --- | --- |")
    for name, spec in specs.items():
        both = [
            [steps_per_second(spec, stepping, options, seed) for stepping in ("in-process", "subprocesses")]
            for seed in range(options.rounds)
        ]
        one, many = (statistics.median(column) for column in zip(*both, strict=True))
        ratios = sorted(b / a for a, b in both)
        chosen = "subprocesses" if spec.vector_entry_point is None and is_slow(spec) else "in-process"
        print(
            f"| {name} | {one:.0f} | {many:.0f} | {statistics.median(ratios):.2f} "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f}) | {chosen} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
