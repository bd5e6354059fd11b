"""Look at the agent of a finished run."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from stable_baselines3.common.policies import ActorCriticPolicy

from workshop.agent import AgentConfig, load_policy
from workshop.environments import EnvironmentConfig, environment_spec, spaces_of, why_another_fails, why_not_drawn
from workshop.flags import as_json, from_json
from workshop.messages import RunError, UsageError, say, shown
from workshop.processes import has_display
from workshop.records import CONFIG, read_config, refuse_import, refuse_links_and_code
from workshop.reports import About, Evaluator, save_final_policy

Options = TypeVar("Options", EnvironmentConfig, AgentConfig)


def watch(run: Path, env: str | None = None) -> None:
    """Play an episode of the agent in a window, or write it to `videos/watch.gif` where there is no display.

    `env` is the run's environment if the user has named it, which one that is a module's takes: see `refuse_import`.
    Raises a UsageError if `run` is not the directory of a finished run, and a RunError if what it holds is broken.
    """
    for file in (run / CONFIG, run / "agent.zip"):
        if not os.path.isfile(file):  # noqa: PTH113 (Path.is_file raises for a name that is too long)
            raise UsageError(
                f"--watch {shown(run)}: {shown(file)} is missing. Give the directory of a finished run, such as runs/…."
            )
    refuse_links_and_code(run)
    config = read_config(run)
    refuse_import("--watch", run, config.get("env"), env)
    try:
        seed = int(config["seed"])
        spec, _ = environment_spec(_options(EnvironmentConfig, config))
        agent_config = _options(AgentConfig, config)
    except UsageError as problem:  # its environment is not installed here
        raise UsageError(f"--watch {run}: {problem}") from problem
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise RunError(f"--watch {run}: {CONFIG} does not hold a run's options.") from problem
    agent = load_policy(run / "agent.zip", spaces_of(spec), agent_config)
    if has_display() and not why_another_fails(spec, "human"):  # a display may be named and not answer
        _play_in_window(spec, agent, seed)
        return
    if why := why_not_drawn(spec):
        raise UsageError(f"--watch {run}: there is no display, and {spec.id} cannot be drawn here without one: {why}.")
    file = run / "videos" / "watch.gif"
    evaluation = Evaluator(spec, np.random.default_rng(seed)).evaluate(
        lambda observations: agent.predict(observations, deterministic=True)[0], reward=None
    )
    caption = About(spec, seed).achieved(float(evaluation.episodes.true_returns[0]), np.nan)
    save_final_policy(spec, evaluation.episodes, caption, file)
    say(f"There is no display to play it on. Moving picture: {file}")


def _options(kind: type[Options], content: Mapping[str, Any]) -> Options:
    """Those of a run's options that are this dataclass's."""
    own = as_json(kind())
    return from_json(kind, {name: value for name, value in content.items() if name in own})


def _play_in_window(spec: EnvSpec, agent: ActorCriticPolicy, seed: int) -> None:
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
