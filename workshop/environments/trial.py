"""What can be known of an environment only by playing it, found out before a run begins."""

import zlib
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec

from workshop.messages import UsageError

EPISODES_TRIED = 3
STEPS_REPEATED = 200  # at most so many, to see whether they come out the same again
LARGEST = float(np.finfo(np.float32).max)  # the networks take no larger numbers


@dataclass(frozen=True)
class Trial:
    """What was found out.

    | field | what |
    | --- | --- |
    | early_end | after how many steps an episode of random actions ended before its limit; None if none did |
    | repeats | whether the same seed and actions give the same episode, in copies that have not been used before |
    | copies | whether more than one of it can be there at a time |
    """

    early_end: int | None = None
    repeats: bool = True
    copies: bool = True


def known_of_gymnasium(spec: EnvSpec) -> bool:
    """Whether it is the workshop's pole or of Gymnasium, and known to keep nothing over a reset, unlike Box2D's."""
    known = ("workshop.", "gymnasium.envs.classic_control.", "gymnasium.envs.mujoco.", "gymnasium.envs.toy_text.")
    return isinstance(spec.entry_point, str) and spec.entry_point.startswith(known)


def play_a_little(spec: EnvSpec, whole_episodes: bool) -> Trial:
    """Play a few episodes of random actions, to their ends if early ends matter.

    Raises a UsageError for whatever goes wrong in them, in one sentence that names the environment.
    """
    if known_of_gymnasium(spec) and not whole_episodes:
        return Trial()
    try:
        return _play_a_little(spec, whole_episodes)
    except UsageError:
        raise
    except Exception as problem:  # whatever the environment raises
        what = " ".join(str(problem).split())
        raise UsageError(f"--env {spec.id} cannot be played: {type(problem).__name__}: {what}") from problem


def _play_a_little(spec: EnvSpec, whole_episodes: bool) -> Trial:
    assert spec.max_episode_steps is not None, "environment_spec refuses those without a limit"
    limit, short = spec.max_episode_steps, min(spec.max_episode_steps, STEPS_REPEATED)
    with gymnasium.make(spec) as env:
        steps, n = (limit, EPISODES_TRIED) if whole_episodes else (short, 1)
        episodes = [_play(env, spec.id, seed, steps) for seed in range(n)]
        early = [len(episode) for episode in episodes if len(episode) < steps]
        early_end = early[0] if early and whole_episodes else None
        if known_of_gymnasium(spec):
            return Trial(early_end)
        copies = _can_have_another(spec)
    with gymnasium.make(spec) as fresh:
        again = _play(fresh, spec.id, 0, short)
    return Trial(early_end, again == episodes[0][:short], copies)


def _play(env: gymnasium.Env, env_id: str, seed: int, steps: int) -> list[int]:
    """What the first steps of an episode of random actions gave, a checksum each; fewer if it ends before."""
    env.action_space.seed(seed)
    observation, _ = env.reset(seed=seed)
    _refuse_observation(env, env_id, observation, 0)
    checksums = []
    for step in range(1, steps + 1):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        _refuse_observation(env, env_id, observation, step)
        if np.asarray(reward).shape != () or not np.isfinite(float(reward)):
            raise UsageError(f"--env {env_id}: the reward of step {step} is {reward!r}, where a finite number is due.")
        checksums.append(zlib.crc32(np.float64(reward).tobytes(), checksum(np.asarray(observation))))
        if terminated or truncated:
            break
    return checksums


def checksum(observation: np.ndarray) -> int:
    """A number that two observations have in common if, as good as surely, they are the same to the bit."""
    return zlib.crc32(np.ascontiguousarray(observation).tobytes())


def _refuse_observation(env: gymnasium.Env, env_id: str, observation: Any, step: int) -> None:
    """Raise a UsageError for an observation that is not one of its space's, or that no network takes."""
    space, seen = env.observation_space, np.asarray(observation)
    where = "after its reset" if step == 0 else f"after step {step}"
    if seen.shape != space.shape or (isinstance(space, spaces.Discrete) and not space.contains(observation)):
        shown = f"of the shape {seen.shape}" if seen.ndim else f"{observation!r}"
        raise UsageError(f"--env {env_id}: its observation {where} is {shown}, which its space {space} does not have.")
    if not_finite(seen):
        raise UsageError(f"--env {env_id}: its observation {where} is not finite (NaN, infinity, or so in float32).")


def not_finite(numbers: np.ndarray) -> bool:
    """Whether one of them is NaN or infinite, or becomes so in float32."""
    if numbers.dtype.kind != "f":
        return False
    return not (np.isfinite(numbers) if numbers.itemsize <= 4 else np.abs(numbers) <= LARGEST).all()


def _can_have_another(spec: EnvSpec) -> bool:
    """Whether a second one can be made, and begun, while there is a first."""
    try:
        with gymnasium.make(spec) as another:
            another.reset(seed=0)
    except Exception:  # a simulator that holds a licence or a port, say, raises what it likes
        return False
    return True
