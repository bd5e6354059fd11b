"""`main.py --watch`: the window, which is one of memory here, and what has no picture."""

import re
import shutil
from pathlib import Path

import gymnasium
import pytest
from conftest import Finished, type_here
from stable_baselines3 import PPO

import workshop.program.watch
from workshop import CARTPOLE_ID
from workshop.environments.cartpole import FixedHorizonCartPoleEnv


def test_the_window_shows_the_runs_own_agent(tiny_run: Finished, monkeypatch: pytest.MonkeyPatch):
    """It says the very return that the saved agent gets in an episode with the run's seed."""
    monkeypatch.setattr(workshop.program.watch, "has_display", lambda: True)
    monkeypatch.setattr(workshop.program.watch, "why_another_fails", lambda spec, render_mode: "")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setitem(FixedHorizonCartPoleEnv.metadata, "render_fps", 100_000)
    watched = type_here("main.py", "--watch", str(tiny_run[1]))
    assert watched.returncode == 0, watched.stderr
    said = re.fullmatch(r"True return of this episode: (-?\d+\.\d)\n", watched.stderr)
    assert said, watched.stderr

    agent = PPO.load(tiny_run[1] / "agent.zip", device="cpu")
    env = gymnasium.make(CARTPOLE_ID)
    observation, _ = env.reset(seed=0)
    rewards = []
    for _ in range(200):
        observation, reward, *_ = env.step(agent.predict(observation, deterministic=True)[0])
        rewards.append(reward)
    assert float(said[1]) == pytest.approx(sum(rewards), abs=0.051)


def test_where_there_is_neither_a_window_nor_a_picture_it_says_so(
    tiny_run: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = shutil.copytree(tiny_run[1], tmp_path / "run")
    monkeypatch.setattr(workshop.program.watch, "has_display", lambda: False)
    monkeypatch.setattr(workshop.program.watch, "why_not_drawn", lambda spec: "it has no pictures")
    refused = type_here("main.py", "--watch", str(run))
    assert refused.returncode == 2
    assert "cannot be drawn here without one" in refused.stderr
    assert not (run / "videos" / "watch.gif").exists()
