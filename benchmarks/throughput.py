"""How fast it all is: `python benchmarks/throughput.py --of NAME` prints one of these tables.

| name | what |
| --- | --- |
| loop | environment steps in a second, without those of evaluations: of the whole loop of `main.py` with its default \
settings (random rollouts, questions, answers written to disk, fits of the reward model, the agent's training and its \
evaluations; without the plots and pictures at the end), of plain SB3 PPO on the true reward, with the same settings \
and environments, and of SB3 as it comes, with 4 environments and PPO's defaults, on the same pole |
| stepping | random steps in a second by `--stepping in-process` and by `--stepping subprocesses`; one environment is \
as slow as one likes, so as to find from where on the processes pay: `SLOW` in `workshop/agent/vectors.py` |
| sweep | seconds of the same `sweep.py`, typed, one run after another and on several cores, each time from nothing |

What is compared is timed in turn, several times over, since the speed of a shared machine drifts.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments"))

import numpy as np
from gymnasium.envs.registration import EnvSpec, WrapperSpec
from many_runs import ROOT, print_table
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env as make_stock_vec_env

from main import Config, rlhf
from workshop import CARTPOLE_ID
from workshop.agent import Stepping, is_slow, make_ppo, make_vec_env, split_into_updates
from workshop.commands import read_flags, run_program
from workshop.data import Comparisons
from workshop.environments import EnvironmentConfig, environment_spec
from workshop.exercise import ChoiceModelConfig
from workshop.program import Run, plan_run, set_up_device
from workshop.records import RunDirectory
from workshop.reports import Report

STEPS, STOCK_STEPS = 60_000, 16_384  # of the loop and of plain PPO; of SB3 as it comes, which is slower
WAYS: tuple[Stepping, Stepping] = ("in-process", "subprocesses")
N_ENVS, STEPS_EACH = 16, 100  # that are stepped in parallel, so often in a round
STEPPED = ("Pendulum-v1", "HalfCheetah-v5", "HumanoidStandup-v5")
Measure = Callable[[int], float]  # of the number of the round


@dataclass(frozen=True)
class Options:
    """Time what is compared in one of the tables."""

    of: Literal["loop", "stepping", "sweep"] = "loop"
    """Which table."""
    rounds: int = 5
    """How many times each is timed."""
    runs: int = 20
    """With --of sweep: runs in each sweep, as many seeds of the default settings."""
    jobs: int = 2
    """With --of sweep: runs at once, to compare with one."""


def main() -> None:
    options = read_flags(Options, sys.argv[1:], lambda after: {"rounds": 2} if after("--of") == "sweep" else {})
    {"loop": compare_loop, "stepping": compare_stepping, "sweep": compare_sweeps}[options.of](options)


def compare_loop(options: Options) -> None:
    set_up_device("cpu")
    loop(5_000, seed=0)  # what happens once in a process, such as imports, is not timed
    ours: Measure = partial(loop, STEPS)
    contenders = {"the RLHF loop": ours, "plain PPO, same settings": plain, "SB3 as it comes": stock}
    speeds = in_turn(contenders, options.rounds)
    rows = ((name, f"{np.median(each):.0f}", spread(speeds["the RLHF loop"] / each)) for name, each in speeds.items())
    print_table(" | env steps/s, median | the loop's speed over it: median (least to most)", rows)


def loop(steps: int, seed: int) -> float:
    loss = ChoiceModelConfig(solution=True)
    with tempfile.TemporaryDirectory() as runs_dir:
        config = Config(choice_model=loss, seed=seed, total_timesteps=steps, runs_dir=Path(runs_dir))
        plan, started = plan_run(config), time.perf_counter()
        none = Comparisons.empty(config.preferences.fragment_length, *plan.spaces)
        with RunDirectory.make(config, []) as directory, Report(directory, plan.spec, steps, seed, started) as report:
            rlhf(config, Run(config, plan, "cpu", directory, report, none))
            return float(directory.rows[-1]["env_steps"] / (time.perf_counter() - started))


def plain(seed: int) -> float:
    config = Config(total_timesteps=STEPS)
    plan, n_envs = plan_run(config), config.agent.n_envs
    _, rollout_steps = split_into_updates(plan.per_iteration // n_envs, config.agent.rollout_steps)
    started = time.perf_counter()
    ppo = make_ppo(make_vec_env(plan.spec, n_envs, seed), config.agent, rollout_steps, seed, "cpu").learn(STEPS)
    return ppo.num_timesteps / (time.perf_counter() - started)


def stock(seed: int) -> float:
    started = time.perf_counter()
    venv = make_stock_vec_env(CARTPOLE_ID, n_envs=4, seed=seed)
    ppo = PPO("MlpPolicy", venv, device="cpu", seed=seed).learn(STOCK_STEPS)
    return ppo.num_timesteps / (time.perf_counter() - started)


def compare_stepping(options: Options) -> None:
    specs = {name: environment_spec(EnvironmentConfig(name))[0] for name in STEPPED}
    specs |= {f"Pendulum-v1, slowed by {extra} µs": slowed(extra * 1e-6) for extra in (100, 200, 500, 2000)}

    def row(name: str) -> list[str]:
        one, many = in_turn({way: partial(stepping, specs[name], way) for way in WAYS}, options.rounds).values()
        auto = WAYS[specs[name].vector_entry_point is None and is_slow(specs[name])]
        return [name, f"{np.median(one):.0f}", f"{np.median(many):.0f}", spread(many / one), auto]

    print(f"{N_ENVS} environments on {os.cpu_count()} cores; steps/s are medians, the ratio's least to most\n")
    columns = "environment | in-process, steps/s | subprocesses, steps/s | ratio (least to most) | auto takes"
    print_table(columns, map(row, specs))


def slowed(seconds: float) -> EnvSpec:
    """The pendulum, which computes for so much longer in each step."""
    spec, _ = environment_spec(EnvironmentConfig("Pendulum-v1"))
    slow = WrapperSpec("Slowed", "gymnasium.wrappers:TransformReward", {"func": partial(busy, seconds)})
    spec.additional_wrappers, spec.vector_entry_point = (*spec.additional_wrappers, slow), None
    return spec


def busy(seconds: float, reward: float) -> float:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass
    return reward


def stepping(spec: EnvSpec, way: Stepping, seed: int) -> float:
    venv = make_vec_env(spec, N_ENVS, seed, way)
    venv.reset()
    venv.action_space.seed(seed)
    actions = np.stack([venv.action_space.sample() for _ in range(N_ENVS)])
    venv.step(actions)
    started = time.perf_counter()
    for _ in range(STEPS_EACH):
        venv.step(actions)
    seconds = time.perf_counter() - started
    venv.close()
    return N_ENVS * STEPS_EACH / seconds


def compare_sweeps(options: Options) -> None:
    jobs = {"one after another": 1, f"{options.jobs} at once": options.jobs}
    contenders = {name: partial(sweep, options.runs, n) for name, n in jobs.items()}
    seconds = in_turn(contenders, options.rounds)
    print(f"{options.runs} runs\n")
    rows = ([f"{a:.0f} s", f"{b:.0f} s", f"{a / b:.2f}"] for a, b in zip(*seconds.values(), strict=True))
    print_table(f"{' | '.join(jobs)} | times as fast", rows)


def sweep(runs: int, jobs: int, _: int) -> float:
    with tempfile.TemporaryDirectory() as directory:
        flags = f"--seeds {runs} --jobs {jobs} --runs-dir {directory}/runs --plots-dir {directory} -- --solution"
        started = time.perf_counter()
        subprocess.run([sys.executable, "sweep.py", *flags.split()], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - started


def in_turn(contenders: Mapping[str, Measure], rounds: int) -> dict[str, np.ndarray]:
    """What each of them measures in each round."""
    measured = {name: np.empty(rounds) for name in contenders}
    for number in range(rounds):
        for name, measure in contenders.items():
            measured[name][number] = measure(number)
            print(f"round {number}: {name}: {measured[name][number]:.0f}", file=sys.stderr)
    return measured


def spread(ratios: np.ndarray) -> str:
    """The median of the rounds, the least and the most."""
    return f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"


if __name__ == "__main__":
    run_program(main, end=sys.exit)
