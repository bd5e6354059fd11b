"""How fast the RLHF loop is, against plain PPO: `python benchmarks/throughput.py`.

All three are timed in turn, several times over, in one process, since the speed of a shared machine drifts:

- the whole loop of `main.py` with its default settings: random rollouts, questions, answers written to disk, fits
  of the reward model, the agent's training and its evaluations; without the plots and pictures at the end;
- plain SB3 PPO on the true reward, with the same settings and environments;
- SB3 as it comes: `make_vec_env` with 4 environments and PPO's defaults, on the same pole.

What is compared are environment steps in a second, evaluation steps not counted.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env as make_stock_vec_env

from main import Config, rlhf
from workshop import CARTPOLE_ID
from workshop.agent import make_ppo, make_vec_env, split_into_updates
from workshop.exercise import ChoiceModelConfig
from workshop.program import plan_run, read_flags, set_up_device
from workshop.records import RunDirectory
from workshop.reports import Report


@dataclass(frozen=True)
class Options:
    """Time the RLHF loop against plain PPO."""

    rounds: int = 5
    """How many times each is timed."""
    steps: int = 60_000
    """Environment steps of the loop and of plain PPO."""
    stock_steps: int = 16_384
    """Environment steps of SB3 as it comes, which is slower."""


def main() -> None:
    options = read_flags(Options, sys.argv[1:])
    set_up_device("cpu")
    contenders: dict[str, Callable[[int], float]] = {
        "the RLHF loop": lambda seed: time_loop(options.steps, seed),
        "plain PPO, same settings": lambda seed: time_plain(options.steps, seed),
        "SB3 as it comes": lambda seed: time_stock(options.stock_steps, seed),
    }
    time_loop(steps=5_000, seed=0)  # what happens once in a process, such as imports, is not timed
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for seed in range(options.rounds):
        for name, timed in contenders.items():
            speeds[name].append(timed(seed))
            print(f"round {seed}: {name}: {speeds[name][-1]:.0f} steps/s", file=sys.stderr)
    loop = speeds["the RLHF loop"]
    print("| | env steps/s, median | the loop's speed over it: median (least to most) |\n| --- | --- | --- |")
    for name, values in speeds.items():
        ratios = [mine / other for mine, other in zip(loop, values, strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"| {name} | {statistics.median(values):.0f} | {spread} |")


def time_loop(steps: int, seed: int) -> float:
    config = Config(choice_model=ChoiceModelConfig(solution=True), seed=seed, total_timesteps=steps)
    plan = plan_run(config)
    with tempfile.TemporaryDirectory() as directory:
        started = time.perf_counter()
        run = RunDirectory.make(replace(config, runs_dir=Path(directory)), [])
        report = Report(run, plan.spec, steps, config.seed, started)
        rlhf(config, plan, "cpu", run, report)
        return float(run.rows[-1]["env_steps"] / (time.perf_counter() - started))


def time_plain(steps: int, seed: int) -> float:
    config = Config(total_timesteps=steps)
    plan = plan_run(config)
    steps_each = plan.per_iteration // config.agent.n_envs
    _, rollout_steps = split_into_updates(steps_each, config.agent.rollout_steps)
    started = time.perf_counter()
    venv = make_vec_env(plan.spec, config.agent.n_envs, seed)
    ppo = make_ppo(venv, config.agent, rollout_steps, seed, "cpu").learn(steps)
    return ppo.num_timesteps / (time.perf_counter() - started)


def time_stock(steps: int, seed: int) -> float:
    started = time.perf_counter()
    ppo = PPO("MlpPolicy", make_stock_vec_env(CARTPOLE_ID, n_envs=4, seed=seed), device="cpu", seed=seed).learn(steps)
    return ppo.num_timesteps / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
