"""Clips: what a person is shown of a fragment, and the files that it becomes."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from PIL import Image

from workshop.safe_files import write_safely

MOST_PIXELS = 16_000_000  # of a sheet: more is scaled down, since phones refuse to show larger pictures
LOOP_SECONDS = 2.5  # a loop lasts at least so long, for a person to judge by
SLOWEST = 64
NO_FRAMES = np.empty((0, 1, 1, 3), np.uint8)  # of a clip for terminals only


@dataclass(frozen=True, eq=False)
class Clip:
    """Pictures of a fragment, one a step.

    | field | what |
    | --- | --- |
    | frames | uint8 of shape (N, height, width, 3), red, green and blue; N may be 0 if there is `text` |
    | frames_per_second | of the environment's own time, > 0 |
    | text | the same N steps drawn in characters, each some lines of equal width: for terminals; may be empty |
    """

    frames: np.ndarray
    frames_per_second: float
    text: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.frames.dtype != np.uint8 or self.frames.ndim != 4 or self.frames.shape[3] != 3:
            raise ValueError(f"frames must be uint8 of shape (N, H, W, 3), not {self.frames.dtype} {self.frames.shape}")
        if not (math.isfinite(self.frames_per_second) and self.frames_per_second > 0):
            raise ValueError(f"frames_per_second must be above 0, not {self.frames_per_second}")
        if max(len(self.frames), len(self.text)) == 0:
            raise ValueError("a clip needs at least one frame")

    def __len__(self) -> int:
        return max(len(self.frames), len(self.text))

    @property
    def seconds(self) -> float:
        """How long the clip lasts in the environment's own time."""
        return len(self) / self.frames_per_second

    @property
    def speed(self) -> float:
        """How fast to show it so that a loop lasts 2.5 s or more: 1 (its own time), 1/2, 1/4, … 1/64."""
        halvings = math.ceil(math.log2(LOOP_SECONDS / self.seconds))
        return max(1 / SLOWEST, 0.5 ** max(0, halvings))

    @property
    def columns(self) -> int:
        """How many frames stand side by side in the sheet, which is about as wide as high."""
        count, height, width, _ = self.frames.shape
        return int(max(1, min(count, round(math.sqrt(count * height / width)))))

    @cached_property
    def sheet(self) -> bytes:
        """All frames in one PNG, row by row, so that a page can draw any of them at any time. It is made but once."""
        count, height, width, _ = self.frames.shape
        rows = math.ceil(count / self.columns)
        scale = min(1, math.sqrt(MOST_PIXELS / (rows * self.columns * height * width)))
        size = (max(1, int(width * scale)), max(1, int(height * scale)))
        sheet = Image.new("RGB", (self.columns * size[0], rows * size[1]))
        for index, frame in enumerate(self.frames):
            row, column = divmod(index, self.columns)
            picture = Image.fromarray(frame)
            sheet.paste(picture if scale == 1 else picture.resize(size), (column * size[0], row * size[1]))
        file = io.BytesIO()
        sheet.save(file, format="PNG", compress_level=1)  # six times faster than the default, hardly larger
        return file.getvalue()

    def packed(self) -> "Clip":
        """The same for a page, which needs but its sheet: the frames, eighty times as large in memory, are blank."""
        blank = replace(self, frames=np.broadcast_to(np.uint8(255), self.frames.shape))
        vars(blank)["sheet"] = self.sheet
        return blank

    def save_gif(self, path: Path) -> None:
        """Write an endless moving picture at `speed`, its last frame held for a second so that the end is seen."""
        first, *others = (Image.fromarray(frame).quantize(64) for frame in self.frames)
        # Viewers take a frame of less than 20 ms for a mistake, and show it for 100 ms.
        duration = max(20, round(1000 / (self.frames_per_second * self.speed)))
        durations = [duration] * len(others) + [duration + 1000]
        save = partial(first.save, format="GIF", save_all=True, append_images=others, duration=durations, loop=0)
        write_safely(path, save)


def speed_in_words(speed: float) -> str:
    """How to say a clip's speed: "normal speed", "1/8 speed"."""
    return "normal speed" if speed == 1 else f"1/{round(1 / speed)} speed"
