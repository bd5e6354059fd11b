"""Environments drawn by their own renderers, without a window."""

import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from PIL import Image

from workshop.environments.trial import checksum
from workshop.messages import RunError, shown
from workshop.processes import has_display

RESETS = 4  # at most so many in a row: when training begins, environments that have just been reset are so again
USUAL_FPS = 30.0
PATIENCE = 60  # seconds for another process to draw one picture
DRAWN_BY_PYGAME = ("workshop.", "gymnasium.envs.classic_control.", "gymnasium.envs.box2d.", "gymnasium.envs.toy_text.")

# Draws once, in a process of its own: OpenGL without a display to go with may take the process with it.
DRAW = """import gymnasium, sys
from gymnasium.envs.registration import EnvSpec
env = gymnasium.make(EnvSpec(sys.argv[4], sys.argv[1], kwargs=eval(sys.argv[2])), render_mode=sys.argv[3])
env.reset(seed=0)
env.render()
if sys.argv[3] == "human" and "pygame" in sys.modules:
    driver = sys.modules["pygame"].display.get_driver()
    assert driver not in ("dummy", "offscreen"), "no window is opened here"
"""

_found_out: dict[str, str] = {}  # why an environment cannot be drawn, by what it is made of


class Renderer:
    """An environment that draws itself without a window.

    | attribute | what |
    | --- | --- |
    | env | the environment |
    | frames_per_second | of its own time, > 0; 30 where it does not say |
    """

    def __init__(self, spec: EnvSpec):
        # Without this, SDL complains where there is no display; a window is opened in neither case.
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        self.env = gymnasium.make(spec, render_mode="rgb_array")
        self._id, self._compared = spec.id, spec.vector_entry_point is None
        self._size: tuple[int, int] | None = None
        said = self.env.metadata.get("render_fps")
        usable = isinstance(said, int | float | np.number) and math.isfinite(said) and said > 0
        self.frames_per_second = float(said) if said is not None and usable else USUAL_FPS
        _follow(self.env)

    def picture(self) -> np.ndarray:
        """What the environment looks like now, uint8 of shape (height, width, 3), always of the same size.

        Raises a RunError for what cannot be made one.
        """
        try:
            drawn = Image.fromarray(as_picture(self.env.render()))
        except Exception as problem:  # whatever its renderer raises
            raise RunError(f"{self._id} cannot be drawn: {' '.join(str(problem).split())}.") from problem
        self._size = self._size or drawn.size
        return np.asarray(drawn if drawn.size == self._size else drawn.resize(self._size))

    def replay(
        self,
        seed: int | None,
        actions: Sequence[np.ndarray] | np.ndarray,
        seen: Sequence[int] | np.ndarray,
        starts: Mapping[int, np.ndarray] = MappingProxyType({}),
    ) -> Iterator[None]:
        """Let the environment do the same again: yields before each action, and at the end, when it is as it was then.

        The first episode begins with this seed, later ones at the steps in `starts`, with the observations there.
        `seen` are the checksums of the observations that each action was taken after. Raises a RunError where one is
        another now; but not for the workshop's own pole, which many at once may compute with another rounding.
        """
        observation: Any = None
        for step, action in enumerate(actions):
            if step == 0 or step in starts:
                observation = self._reset(seed if step == 0 else None, starts.get(step))
            if self._compared and checksum(self._as_element(observation)) != seen[step]:
                raise self._not_the_same()
            yield
            observation, *_ = self.env.step(action)
        yield

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def _reset(self, seed: int | None, wanted: np.ndarray | None) -> Any:
        for _ in range(RESETS):
            observation, _ = self.env.reset(seed=seed)
            seed = None
            if wanted is None or np.array_equal(self._as_element(observation), wanted):
                return observation
        raise self._not_the_same()

    def _as_element(self, observation: Any) -> np.ndarray:
        return np.asarray(observation, self.env.observation_space.dtype)

    def _not_the_same(self) -> RunError:
        return RunError(
            f"{self._id} cannot be shown exactly: with the same seed and actions it does not do the same again."
        )


def as_picture(frame: Any) -> np.ndarray:
    """A frame as uint8 of shape (height, width, 3), whatever an environment makes of pictures.

    Grey frames, those with transparency (shown on white), of floats (from 0 to 1, or to 255) and of other whole numbers
    are taken. Raises a ValueError for anything else.
    """
    array = np.asarray(frame)
    if frame is None or array.dtype.kind not in "buif" or array.ndim not in (2, 3) or 0 in array.shape:
        what = type(frame).__name__ if array.ndim == 0 else f"{array.dtype} of shape {array.shape}"
        raise ValueError(f"render() gave {what}, where a picture is due")
    if array.dtype.kind == "f":
        array = np.nan_to_num(array)
        array = array * 255 if array.max() <= 1 else array
    elif array.dtype.kind == "b":
        array = array.astype(np.uint8) * 255
    if array.dtype != np.uint8:
        array = np.clip(np.rint(array), 0, 255).astype(np.uint8)
    if array.ndim == 3 and array.shape[2] not in (1, 3, 4) and array.shape[0] in (1, 3, 4):
        array = np.moveaxis(array, 0, 2)
    if array.ndim == 2 or array.shape[2] == 1:
        return np.repeat(array.reshape(*array.shape[:2], 1), 3, axis=2)
    if array.shape[2] == 4:
        picture = Image.fromarray(np.ascontiguousarray(array), "RGBA")
        return np.asarray(Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB"))
    if array.shape[2] != 3:
        raise ValueError(f"render() gave an array of shape {array.shape}, where a picture is due")
    return np.ascontiguousarray(array)


def why_not_drawn(spec: EnvSpec) -> str:
    """Why the environment's own renderer makes no pictures here, without a window; "" if it does.

    One picture is drawn, the first time that this is asked. What may need OpenGL, MuJoCo's and foreign environments, is
    drawn in a process of its own before. On Linux, unless `MUJOCO_GL` says which, the display, if there is one, EGL (a
    GPU) and OSMesa (software) are tried for MuJoCo's.
    """
    made_of = repr(spec)
    if made_of not in _found_out:
        _found_out[made_of] = _why_not_drawn(spec)
    return _found_out[made_of]


def _why_not_drawn(spec: EnvSpec) -> str:
    try:
        with gymnasium.make(spec) as env:
            modes = env.metadata.get("render_modes") or []
            is_mujoco = any(kind.__name__ == "MujocoEnv" for kind in type(env.unwrapped).__mro__)
    except Exception as problem:  # whatever the environment raises
        return " ".join(str(problem).split())
    if "rgb_array" not in modes:
        return "it draws no pictures (rgb_array is not among its render_modes)"
    named = isinstance(spec.entry_point, str)
    if named and not str(spec.entry_point).startswith(DRAWN_BY_PYGAME) and (why := _why_not_elsewhere(spec, is_mujoco)):
        return why
    try:
        renderer = Renderer(spec)
        renderer.env.reset(seed=0)
        as_picture(renderer.env.render())
        renderer.close()
    except Exception as problem:  # whatever the environment raises
        return " ".join(str(problem).split()).rstrip(".")
    return ""


def _why_not_elsewhere(spec: EnvSpec, is_mujoco: bool) -> str:
    """Why no other process can draw it; "" if one can, and if so in some way only, that is this one's from now on."""
    given = os.environ.get("MUJOCO_GL")
    ways = [None] if given or not is_mujoco else [*([None] if has_display() else []), "egl", "osmesa"]
    why = ""
    for way in ways:
        variables = {"MUJOCO_GL": way} if way else {}
        without_window = {"SDL_VIDEODRIVER": os.environ.get("SDL_VIDEODRIVER", "dummy")}
        why = why_another_fails(spec, "rgb_array", variables | without_window)
        if not why:
            os.environ.update(variables)
            break
    return why


def why_another_fails(spec: EnvSpec, render_mode: str, variables: Mapping[str, str] = MappingProxyType({})) -> str:
    """Why a process with these environment variables does not draw the environment once; "" if it does.

    `render_mode` is "rgb_array", or "human" for a window.
    """
    path = {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}  # which the environment is imported from
    arguments = [str(spec.entry_point), repr(spec.kwargs), render_mode, spec.id]
    try:
        tried = subprocess.run(
            [sys.executable, "-c", DRAW, *arguments],
            env={**os.environ, **path, **variables}, capture_output=True, timeout=PATIENCE,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"another process did not draw it ({type(problem).__name__})"
    said = tried.stderr.decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(said) if line.strip()), f"exit code {tried.returncode}")
    return "" if tried.returncode == 0 else shown(last).rstrip(".")


def _follow(env: gymnasium.Env) -> None:
    """Let MuJoCo's camera go along, where the model has one that does: a cheetah is soon out of sight."""
    renderer = getattr(env.unwrapped, "mujoco_renderer", None)
    if renderer is not None:
        cameras = [renderer.model.camera(index).name for index in range(renderer.model.ncam)]
        renderer.camera_id = cameras.index("track") if "track" in cameras else renderer.camera_id
