"""Look at the agent of a finished run."""

import json
from dataclasses import fields
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from stable_baselines3 import PPO

from workshop.environments import EnvironmentConfig, environment_spec
from workshop.evaluation import Evaluator
from workshop.messages import UsageError, say, shown
from workshop.pictures import can_be_drawn, has_display, save_final_policy


def watch(run: Path) -> None:
    """Play an episode of the agent in a window, or write it to `videos/watch.gif` where there is no display.

    Raises a UsageError if `run` is not the directory of a finished run.
    """
    try:
        config = json.loads((run / "config.json").read_text(encoding="utf-8"))
        options = {field.name: config[field.name] for field in fields(EnvironmentConfig) if field.name in config}
        spec, seed = environment_spec(EnvironmentConfig(**options)), config["seed"]
        agent = PPO.load(run / "agent.zip", device="cpu")
    except UsageError as problem:  # its environment is not installed here
        raise UsageError(f"--watch {run}: {problem}") from problem
    except FileNotFoundError as missing:
        raise UsageError(
            f"--watch {run}: {missing.filename} is missing. Give the directory of a finished run, such as runs/…."
        ) from None
    except Exception as problem:  # a file in a directory's place, or one that is damaged in whatever way
        raise UsageError(
            f"--watch {shown(run)}: there is no finished run that can be read ({shown(problem)}). Give the directory "
            "of one, such as runs/…."
        ) from problem
    if has_display():
        _play_in_window(spec, agent, seed)
        return
    if not can_be_drawn(spec.id):
        raise UsageError(f"--watch {run}: there is no display, and {spec.id} cannot be drawn here without one.")
    file = run / "videos" / "watch.gif"
    evaluation = Evaluator(spec, np.random.default_rng(seed)).evaluate(
        lambda observations: agent.predict(observations, deterministic=True)[0], reward=None
    )
    save_final_policy(spec, evaluation.episodes, file)
    say(f"There is no display to play it on. Moving picture: {file}")


def _play_in_window(spec: EnvSpec, agent: PPO, seed: int) -> None:
    env = gymnasium.make(spec, render_mode="human")
    observation, _ = env.reset(seed=seed)
    true_return, done = 0.0, False
    while not done:
        action, _ = agent.predict(observation, deterministic=True)
        observation, reward, terminated, truncated, _ = env.step(action)
        true_return += float(reward)
        done = terminated or truncated
    env.close()
    say(f"True return of this episode: {true_return:.1f}")
