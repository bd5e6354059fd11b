"""Look at the agent of a finished run."""

import json
import os
import sys
from pathlib import Path

import gymnasium
import numpy as np
from stable_baselines3 import PPO

from workshop.evaluation import Evaluator
from workshop.messages import UsageError, say
from workshop.pictures import save_final_policy


def watch(run: Path) -> None:
    """Play an episode of the agent in a window, or write it to `videos/watch.gif` where there is no display.

    Raises a UsageError if `run` is not the directory of a finished run.
    """
    try:
        config = json.loads((run / "config.json").read_text(encoding="utf-8"))
        env_id, seed = config["env"], config["seed"]
        agent = PPO.load(run / "agent.zip", device="cpu")
    except FileNotFoundError as missing:
        raise UsageError(
            f"--watch {run}: {missing.filename} is missing. Give the directory of a finished run, such as runs/…."
        ) from None
    if has_display():
        _play_in_window(env_id, agent, seed)
        return
    file = run / "videos" / "watch.gif"
    evaluation = Evaluator(env_id, np.random.default_rng(seed)).evaluate(
        lambda observations: agent.predict(observations, deterministic=True)[0], reward=None
    )
    save_final_policy(env_id, evaluation.episodes, file)
    say(f"There is no display to play it on. Moving picture: {file}")


def has_display() -> bool:
    """Whether a window can be opened. Only Unix desktops tell; macOS and Windows have a display as a rule."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _play_in_window(env_id: str, agent: PPO, seed: int) -> None:
    env = gymnasium.make(env_id, render_mode="human")
    observation, _ = env.reset(seed=seed)
    true_return, done = 0.0, False
    while not done:
        action, _ = agent.predict(observation, deterministic=True)
        observation, reward, terminated, truncated, _ = env.step(action)
        true_return += float(reward)
        done = terminated or truncated
    env.close()
    say(f"True return of this episode: {true_return:.1f}")
