"""Moving pictures of the agent."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from gymnasium.envs.registration import EnvSpec
from PIL import Image, ImageDraw, ImageFont

from workshop.environments import Renderer, what_moves
from workshop.reports.evaluation import Episodes
from workshop.safe_files import write_safely

FRAMES_PER_SECOND = 12.5
PANELS = 12  # at most so many iterations in one picture
ACROSS = 4  # panels
PANEL_WIDTH = 240  # pixels
CLIP = 51  # pictures at most in each panel: four seconds
FONT_SIZES = range(15, 8, -1)  # the largest with which a caption fits


def save_final_policy(spec: EnvSpec, episodes: Episodes, caption: str, path: Path) -> None:
    """Write the first of the episodes as a moving picture, over this caption."""
    clip = first_episode(spec, episodes, at_most=3 * CLIP)
    _save_gif(_side_by_side(_cropped([clip], clip[0].width), [caption]), path)


def save_progress(spec: EnvSpec, evaluated: Sequence[Episodes], captions: Sequence[str], path: Path) -> None:
    """Write the agent after its iterations, side by side and in step, each over its caption.

    If there are more than 12 iterations, evenly spaced ones are shown, the first and the last among them.
    """
    shown = np.unique(np.linspace(0, len(evaluated) - 1, PANELS).round().astype(int))
    clips = [first_episode(spec, evaluated[index], at_most=CLIP) for index in shown]
    _save_gif(_side_by_side(_cropped(clips, PANEL_WIDTH), [captions[index] for index in shown]), path)


def first_episode(spec: EnvSpec, episodes: Episodes, at_most: int) -> list[Image.Image]:
    """Pictures of the first of these episodes, about 12 for a second of its time, `at_most` so many."""
    renderer = Renderer(spec)
    every = max(1, round(renderer.frames_per_second / FRAMES_PER_SECOND))
    actions = episodes.first_actions[: every * (at_most - 1)]
    states = renderer.replay(episodes.seed, actions, episodes.first_seen)
    pictures = [Image.fromarray(renderer.picture()) for step, _ in enumerate(states) if step % every == 0]
    renderer.close()
    return pictures


def _cropped(clips: Sequence[Sequence[Image.Image]], width: int) -> list[list[Image.Image]]:
    """The clips, all cropped alike to what moves, at most so many pixels wide."""
    box = what_moves(clips)
    across, high = box[2] - box[0], box[3] - box[1]
    scale = min(1.0, width / across)
    size = max(1, round(across * scale)), max(1, round(high * scale))
    smaller = [[picture.reduce(int(1 / scale), box) for picture in clip] for clip in clips]  # faster than to resize
    return [[each if each.size == size else each.resize(size) for each in clip] for clip in smaller]


def _side_by_side(clips: Sequence[Sequence[Image.Image]], captions: Sequence[str]) -> list[Image.Image]:
    """The clips in a grid, a caption below each; one that ends early stays at its last picture."""
    columns = min(ACROSS, len(clips))
    width, height = clips[0][0].size
    size = _fitting(captions, width)
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


def _fitting(captions: Sequence[str], width: int) -> int:
    """The largest size of the font with which every caption fits into so many pixels, or the smallest to be read."""
    fonts = {size: ImageFont.load_default(size) for size in FONT_SIZES}
    fit = (size for size, font in fonts.items() if max(map(font.getlength, captions)) <= width - size)
    return next(fit, FONT_SIZES[-1])


def _save_gif(frames: Sequence[Image.Image], path: Path) -> None:
    """Write an endless GIF: browsers, mail programs and README pages all show it."""
    palette = _together([frames[0], frames[len(frames) // 2], frames[-1]]).quantize(64)
    first, *others = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    duration = round(1000 / FRAMES_PER_SECOND)
    save = partial(first.save, format="GIF", save_all=True, append_images=others, duration=duration, loop=0)
    write_safely(path, save)


def _together(pictures: Sequence[Image.Image]) -> Image.Image:
    """One above the other: what is seen at some time only has its colours, too."""
    return Image.fromarray(np.concatenate([np.asarray(picture) for picture in pictures]))
