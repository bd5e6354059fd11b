"""Environments drawn by Gymnasium's own renderers, without a window."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from workshop.messages import RunError
from workshop.processes import has_display

RESETS = 4  # at most so many in a row: when training begins, environments that have just been reset are so again

DRAW = """import gymnasium, sys
env = gymnasium.make(sys.argv[1], render_mode="rgb_array")
env.reset()
env.render()"""


@cache
def can_be_drawn(env_id: str) -> bool:
    """Whether the environment's own renderer makes pictures here without a window.

    MuJoCo's needs OpenGL. On Linux without a display, unless `MUJOCO_GL` says which, EGL (a GPU) and OSMesa (software)
    are tried, each in a process of its own, since one that fails may take the process with it.
    """
    try:
        env = gymnasium.make(env_id)
    except gymnasium.error.Error:
        return False
    env.close()
    if "rgb_array" not in env.metadata.get("render_modes", []):
        return False
    if "mujoco" not in str(gymnasium.spec(env_id).entry_point):
        return True
    backends = [os.environ.get("MUJOCO_GL")]
    if backends == [None] and not has_display():
        backends = ["egl", "osmesa"]
    for backend in backends:
        environment = os.environ | ({"MUJOCO_GL": backend} if backend else {})
        if subprocess.run([sys.executable, "-c", DRAW, env_id], env=environment, capture_output=True).returncode == 0:
            os.environ.update(environment)
            return True
    return False


def make_renderer(spec: EnvSpec) -> gymnasium.Env:
    """Make an environment that draws itself without a window."""
    # Without this, SDL complains where there is no display; a window is opened in neither case.
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    env = gymnasium.make(spec, render_mode="rgb_array")
    _follow(env)
    return env


def _follow(env: gymnasium.Env) -> None:
    """Let MuJoCo's camera go along, where the model has one that does: a cheetah is soon out of sight."""
    renderer = getattr(env.unwrapped, "mujoco_renderer", None)
    if renderer is not None:
        cameras = [renderer.model.camera(index).name for index in range(renderer.model.ncam)]
        renderer.camera_id = cameras.index("track") if "track" in cameras else renderer.camera_id


def draw(env: gymnasium.Env) -> np.ndarray:
    """What an environment of `make_renderer` looks like now, uint8 of shape (height, width, 3)."""
    frame = env.render()
    assert isinstance(frame, np.ndarray)
    return frame


def replay(
    env: gymnasium.Env,
    seed: int | None,
    actions: Sequence[np.ndarray] | np.ndarray,
    starts: Mapping[int, np.ndarray] = MappingProxyType({}),
) -> Iterator[None]:
    """Let the environment do the same again: yields before each action, and at the end, when it is as it was then.

    The first episode begins with this seed, later ones at the steps in `starts`, with the observations there. Raises a
    RunError if one begins otherwise.
    """
    for step, action in enumerate(actions):
        if step == 0 or step in starts:
            _reset(env, seed if step == 0 else None, starts.get(step))
        yield
        env.step(action)
    yield


def _reset(env: gymnasium.Env, seed: int | None, wanted: np.ndarray | None) -> None:
    for _ in range(RESETS):
        observation, _ = env.reset(seed=seed)
        seed = None
        if wanted is None or np.array_equal(np.asarray(observation, wanted.dtype), wanted):
            return
    assert env.spec is not None, "it was made by Gymnasium"
    raise RunError(f"{env.spec.id} does not begin the same episode again, so its clips cannot be shown.")
