"""Moving pictures of the agent, drawn by Gymnasium's own renderers without a window."""

import os
from collections.abc import Sequence
from pathlib import Path

import gymnasium
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workshop.evaluation import Episodes

FRAMES_PER_SECOND = 12.5
PANELS = 24  # at most so many iterations in one picture
COLUMNS = 6
PANEL_WIDTH = 200  # pixels, about


def can_be_drawn(env_id: str) -> bool:
    """Whether the environment's own renderer makes pictures without a window."""
    env = gymnasium.make(env_id)
    env.close()
    return "rgb_array" in env.metadata.get("render_modes", [])


def save_final_policy(env_id: str, episodes: Episodes, path: Path) -> None:
    """Write the first of the episodes as a moving picture."""
    clip = replay(env_id, episodes)
    _save_gif(_side_by_side([clip], [f"true return {episodes.true_returns[0]:.0f}"]), path)


def save_progress(env_id: str, evaluated: Sequence[Episodes], comparisons: Sequence[int], path: Path) -> None:
    """Write the agent after each iteration, side by side and in step, over the number of comparisons it had seen.

    If there are more than 24 iterations, evenly spaced ones are shown, the first and the last among them.
    """
    shown = np.unique(np.linspace(0, len(evaluated) - 1, PANELS).round().astype(int))
    clips = [[_shrink(picture) for picture in replay(env_id, evaluated[index])] for index in shown]
    captions = [f"{comparisons[index]} comparisons: return {evaluated[index].true_returns[0]:.0f}" for index in shown]
    _save_gif(_side_by_side(clips, captions), path)


def replay(env_id: str, episodes: Episodes) -> list[Image.Image]:
    """Pictures of the first episode, played again from its seed and actions: about 12 for a second of its time."""
    # Without this, SDL complains where there is no display; a window is opened in neither case.
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    env = gymnasium.make(env_id, render_mode="rgb_array")
    every = max(1, round(env.metadata.get("render_fps", 30) / FRAMES_PER_SECOND))
    env.reset(seed=episodes.seed)
    pictures = [Image.fromarray(env.render())]
    for step, action in enumerate(episodes.first_actions, start=1):
        env.step(action)
        if step % every == 0:
            pictures.append(Image.fromarray(env.render()))
    env.close()
    return pictures


def _shrink(picture: Image.Image) -> Image.Image:
    return picture.reduce(max(1, round(picture.width / PANEL_WIDTH)))


def _side_by_side(clips: Sequence[Sequence[Image.Image]], captions: Sequence[str]) -> list[Image.Image]:
    """The clips in a grid, a caption below each; one that ends early stays at its last picture."""
    columns = min(COLUMNS, len(clips))
    width, height = clips[0][0].size
    font = ImageFont.load_default(size=max(12, width // 20))
    row_height = height + int(font.size * 1.8)
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
    first.save(path, save_all=True, append_images=others, duration=round(1000 / FRAMES_PER_SECOND), loop=0)
