"""Moving pictures of the agent, drawn by Gymnasium's own renderers without a window."""

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from PIL import Image, ImageDraw, ImageFont

from workshop.reports.evaluation import Episodes
from workshop.safe_files import write_safely

FRAMES_PER_SECOND = 12.5
PANELS = 12  # at most so many iterations in one picture
COLUMNS = 6
PANEL_WIDTH = 200  # pixels, about
CLIP = 51  # pictures at most in each panel: four seconds
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


def has_display() -> bool:
    """Whether a window can be opened. Only Unix desktops tell; macOS and Windows have a display as a rule."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def save_final_policy(spec: EnvSpec, episodes: Episodes, path: Path) -> None:
    """Write the first of the episodes as a moving picture."""
    clip = replay(spec, episodes, at_most=3 * CLIP)
    _save_gif(_side_by_side([clip], [f"true return {episodes.true_returns[0]:.0f}"]), path)


def save_progress(spec: EnvSpec, evaluated: Sequence[Episodes], comparisons: Sequence[int], path: Path) -> None:
    """Write the agent after its iterations, side by side and in step, over the number of comparisons it had seen.

    If there are more than 12 iterations, evenly spaced ones are shown, the first and the last among them.
    """
    shown = np.unique(np.linspace(0, len(evaluated) - 1, PANELS).round().astype(int))
    clips = [[_shrink(picture) for picture in replay(spec, evaluated[index], at_most=CLIP)] for index in shown]
    captions = [f"{comparisons[index]} comparisons: return {evaluated[index].true_returns[0]:.0f}" for index in shown]
    _save_gif(_side_by_side(clips, captions), path)


def replay(spec: EnvSpec, episodes: Episodes, at_most: int | None = None) -> list[Image.Image]:
    """Pictures of the first episode, played again from its seed and actions: about 12 for a second of its time.

    They stop after `at_most` of them.
    """
    env = make_renderer(spec)
    every = max(1, round(env.metadata.get("render_fps", 30) / FRAMES_PER_SECOND))
    env.reset(seed=episodes.seed)
    pictures = [_picture(env)]
    last = len(episodes.first_actions) if at_most is None else every * (at_most - 1)
    for step, action in enumerate(episodes.first_actions[:last], start=1):
        env.step(action)
        if step % every == 0:
            pictures.append(_picture(env))
    env.close()
    return pictures


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


def _picture(env: gymnasium.Env) -> Image.Image:
    """What an environment of `make_renderer` looks like now."""
    frame = env.render()
    assert isinstance(frame, np.ndarray)
    return Image.fromarray(frame)


def _shrink(picture: Image.Image) -> Image.Image:
    return picture.reduce(max(1, round(picture.width / PANEL_WIDTH)))


def _side_by_side(clips: Sequence[Sequence[Image.Image]], captions: Sequence[str]) -> list[Image.Image]:
    """The clips in a grid, a caption below each; one that ends early stays at its last picture."""
    columns = min(COLUMNS, len(clips))
    width, height = clips[0][0].size
    size = max(12, width // 20)
    font = ImageFont.load_default(size)
    row_height = height + int(size * 1.8)
    corners = [(index % columns * width, index // columns * row_height) for index in range(len(clips))]
    background = Image.new("RGB", (columns * width, corners[-1][1] + row_height), "white")
    draw = ImageDraw.Draw(background)
    for (left, top), caption in zip(corners, captions, strict=True):
        middle = (left + width / 2, top + (height + row_height) / 2)
        draw.text(middle, caption, fill="black", font=font, anchor="mm")
    frames = []
    for time in range(max(len(clip) for clip in clips)):
        frame = background.copy()
        for (left, top), clip in zip(corners, clips, strict=True):
            frame.paste(clip[min(time, len(clip) - 1)], (left, top))
            ImageDraw.Draw(frame).rectangle((left, top, left + width - 1, top + height - 1), outline="lightgrey")
        frames.append(frame)
    return frames


def _save_gif(frames: Sequence[Image.Image], path: Path) -> None:
    """Write an endless GIF: browsers, mail programs and README pages all show it."""
    palette = frames[0].quantize(64)
    first, *others = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    duration = round(1000 / FRAMES_PER_SECOND)
    options: dict[str, Any] = {"save_all": True, "append_images": others, "duration": duration, "loop": 0}
    write_safely(path, partial(first.save, format="GIF", **options))
