"""How much memory a run is going to need, foretold before it begins."""

from typing import Any

import numpy as np
import psutil
from gymnasium.envs.registration import EnvSpec

from workshop.data import Space, shape_of
from workshop.environments import encoded_size, episode_steps
from workshop.messages import UsageError
from workshop.records import LARGEST_FRAGMENTS

GIGABYTE = 1e9
PROGRAM = 1.0 * GIGABYTE  # PyTorch and all else, whatever the environment


def refuse_too_much(config: Any, spec: EnvSpec, spaces: tuple[Space, Space], steps: int) -> None:
    """Raise a UsageError if a run of so many steps has more to keep than the machine, or the record, takes.

    What counts is observations, where they are pictures: fragments are drawn from all transitions, so all are kept.
    """
    observation, action = (int(np.prod(shape_of(space))) * np.dtype(space.dtype).itemsize for space in spaces)
    transition = observation + action + 5  # the true reward, and whether an episode starts
    updates = 8 * config.agent.n_envs * config.agent.rollout_steps * encoded_size(spaces[0], None)  # float32, twice
    evaluated = 4 * config.evaluation_episodes * episode_steps(spec) * transition
    needed = steps * transition + updates + evaluated + PROGRAM
    there = psutil.virtual_memory().total
    if needed > there:
        raise UsageError(
            f"--env {spec.id} with these flags needs about {needed / GIGABYTE:.0f} GB of memory, and this machine has "
            f"{there / GIGABYTE:.0f}: {transition} bytes are kept of each of {steps} steps (--total-timesteps), and of "
            f"{config.evaluation_episodes} episodes (--evaluation-episodes) of {episode_steps(spec)}; take fewer, or "
            "an environment with smaller observations."
        )
    if config.reward == "true":
        return
    fragments = 2 * config.preferences.comparisons * config.preferences.fragment_length * transition
    if fragments > LARGEST_FRAGMENTS:
        raise UsageError(
            f"--comparisons {config.preferences.comparisons} of --fragment-length {config.preferences.fragment_length} "
            f"in --env {spec.id} would fill {fragments / GIGABYTE:.1f} GB; a run's record may have "
            f"{LARGEST_FRAGMENTS / GIGABYTE:g}. Ask for fewer, or for shorter ones."
        )
