"""The part of pictures that is worth showing."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops

CHANGED = 24  # of 255: a pixel that differs by more shows something else
MARGIN = 0.04  # of the picture's width, around what moves
LEAST = 0.4  # of its width and its height, that are shown in any case


def what_moves(clips: Sequence[Sequence[Image.Image]]) -> tuple[int, int, int, int]:
    """The left, top, right and bottom of the part of these pictures, all of one size, in which anything changes.

    It holds whatever changes within any of the clips, with a margin, and is never less than 0.4 of the width or the
    height; where nothing changes it is the whole picture.
    """
    width, height = clips[0][0].size
    boxes = [box for clip in clips for picture in clip[1:] if (box := _changed(clip[0], picture)) is not None]
    if not boxes:
        return 0, 0, width, height
    ends = np.array(boxes)
    margin = MARGIN * width
    left, right = _at_least(LEAST, width, ends[:, 0].min() - margin, ends[:, 2].max() + margin)
    top, bottom = _at_least(LEAST, height, ends[:, 1].min() - margin, ends[:, 3].max() + margin)
    return left, top, right, bottom


def _changed(picture: Image.Image, later: Image.Image) -> tuple[int, int, int, int] | None:
    """The box around the pixels that differ, None if none do."""
    difference = ImageChops.difference(picture, later)
    return difference.point(3 * ([0] * (CHANGED + 1) + [255] * (255 - CHANGED))).getbbox()


def _at_least(share: float, size: int, first: float, last: float) -> tuple[int, int]:
    """The interval, in whole pixels of a picture of this size, widened to be at least this share of it."""
    wider = max(0.0, (share * size - (last - first)) / 2)
    first, last = first - wider, last + wider
    first, last = first - max(0.0, last - size), last + max(0.0, -first)  # what one side has not, the other gives
    return max(0, math.floor(first)), min(size, math.ceil(last))
