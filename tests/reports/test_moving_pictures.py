"""What of the pictures is shown, and how large: the same part in all of them, around what moves."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from workshop.environments import what_moves
from workshop.reports.moving_pictures import _cropped, _fitting, _save_gif, _side_by_side

SIZE = 600, 400


def clip(*places: tuple[int, int], ground: int = 350) -> list[Image.Image]:
    """A square of 20 pixels, its upper left corner at these places, above ground that is never the same twice."""
    pictures = []
    for left, top in places:
        picture = Image.new("RGB", SIZE, "black")
        draw = ImageDraw.Draw(picture)
        draw.rectangle((0, ground, *SIZE), fill="white")
        draw.rectangle((left, top, left + 19, top + 19), fill="orange")
        pictures.append(picture)
    return pictures


def test_what_moves_is_within_the_crop_and_what_does_not_is_not():
    first, second = clip((100, 50), (200, 100)), clip((150, 250), (400, 60), ground=300)
    left, top, right, bottom = what_moves([first, second])
    assert (left, right) == (100 - 24, 420 + 24)
    assert (top, bottom) == (50 - 24, 270 + 24), "that the clips' grounds differ is no movement"


def test_where_nothing_moves_all_is_shown():
    assert what_moves([clip((10, 10), (10, 10))]) == (0, 0, *SIZE)
    assert what_moves([clip((10, 10))]) == (0, 0, *SIZE)


@pytest.mark.parametrize("place", [(0, 0), (580, 0), (300, 200), (0, 330), (580, 330)])
def test_never_less_than_two_fifths_are_shown_wherever_it_moves(place: tuple[int, int]):
    x, y = place
    left, top, right, bottom = what_moves([clip((x, y), (max(0, x - 3), y))])
    assert 0 <= left <= max(0, x - 3)
    assert x + 20 <= right <= 600
    assert 0 <= top <= y
    assert y + 20 <= bottom <= 400
    assert right - left >= 239
    assert bottom - top >= 159


def test_all_panels_show_the_same_part_as_large_as_the_panel():
    small = _cropped([clip((100, 50), (200, 100)), clip((150, 250), (400, 60))], 240)
    assert {picture.size for pictures in small for picture in pictures} == {(240, round(240 * 268 / 368))}
    large = _cropped([clip((100, 50), (200, 100))], 10_000)
    assert large[0][0].width < 600, "nothing is made larger than it was drawn"


def test_a_flicker_that_nobody_sees_is_no_movement():
    still = clip((10, 10), (10, 10))
    array = np.asarray(still[1]).copy()
    array[390, 590] -= 20
    assert what_moves([[still[0], Image.fromarray(array)]]) == (0, 0, *SIZE)


@pytest.mark.parametrize("width", [240, 480])
def test_captions_are_whole(width: int):
    captions = ["27 answers, true return 199 of 200", "1200 answers, learned return -12345"]
    size = _fitting(captions, width)
    assert size >= 11
    assert max(map(ImageFont.load_default(size).getlength, captions)) < width
    pictures = [[Image.new("RGB", (width, 100), "white")] for _ in captions]
    (frame,) = _side_by_side(pictures, captions)
    below = np.asarray(frame.convert("L"))[101:]
    for left in (0, width):
        letters = np.flatnonzero((below[:, left : left + width] < 128).any(axis=0))
        assert letters[0] > 1
        assert letters[-1] < width - 2
        assert len(letters) > 100


def test_colours_that_come_later_are_shown(tmp_path: Path):
    red = Image.new("RGB", (200, 100), "red")
    frames = [Image.new("RGB", (200, 100), "black") for _ in range(8)] + [red]
    _save_gif(frames, tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as animation:
        animation.seek(animation.n_frames - 1)
        assert animation.convert("RGB").getpixel((50, 50)) == (255, 0, 0)
