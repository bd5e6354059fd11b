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
PANEL_WIDTH = 180
BLACK, WHITE = "black", "white"


def save_final_policy(env_id: str, episodes: Episodes, path: Path) -> None:
    """Write the first of the episodes as a moving picture."""
    text = f"true return {episodes.true_returns[0]:.0f}"
    _save_gif([_caption(picture, text) for picture in replay(env_id, episodes)], path)


def save_progress(env_id: str, evaluated: Sequence[Episodes], comparisons: Sequence[int], path: Path) -> None:
    """Write the agent after each iteration, side by side and in step, under the number of comparisons it had seen.

    If there are more than 24 iterations, evenly spaced ones are shown, the first and the last among them.
    """
    shown = np.unique(np.linspace(0, len(evaluated) - 1, PANELS).round().astype(int))
    clips = []
    for index in shown:
        text = f"{comparisons[index]} comparisons: return {evaluated[index].true_returns[0]:.0f}"
        clips.append([_caption(_shrink(picture), text) for picture in replay(env_id, evaluated[index])])
    _save_gif(_side_by_side(clips), path)


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
    height = round(picture.height * PANEL_WIDTH / picture.width)
    return picture.resize((PANEL_WIDTH, height), Image.Resampling.BOX, reducing_gap=2)


def _caption(picture: Image.Image, text: str) -> Image.Image:
    """The picture, framed, with a line of text below it."""
    font = ImageFont.load_default(size=max(12, picture.width // 20))
    height = int(font.size * 1.8)
    result = Image.new("RGB", (picture.width, picture.height + height), WHITE)
    result.paste(picture)
    draw = ImageDraw.Draw(result)
    draw.rectangle((0, 0, picture.width - 1, picture.height - 1), outline="lightgrey")
    draw.text((picture.width / 2, picture.height + height / 2), text, fill=BLACK, font=font, anchor="mm")
    return result


def _side_by_side(clips: Sequence[Sequence[Image.Image]]) -> list[Image.Image]:
    """The clips in a grid; one that ends early stays at its last picture."""
    columns = min(COLUMNS, len(clips))
    rows = -(-len(clips) // columns)
    width, height = clips[0][0].size
    frames = []
    for time in range(max(len(clip) for clip in clips)):
        frame = Image.new("RGB", (columns * width, rows * height), WHITE)
        for index, clip in enumerate(clips):
            picture = clip[min(time, len(clip) - 1)]
            frame.paste(picture, (index % columns * width, index // columns * height))
        frames.append(frame)
    return frames


def _save_gif(frames: Sequence[Image.Image], path: Path) -> None:
    """Write an endless GIF: browsers, mail programs and README pages all show it."""
    palette = frames[0].quantize(64)
    first, *others = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    first.save(path, save_all=True, append_images=others, duration=round(1000 / FRAMES_PER_SECOND), loop=0)
