"""A picture of the pole, in Gymnasium's look, but with the cart in the middle and the pole as large as fits.

Gymnasium's own renderer has a camera that stands still, from which carts soon run, and cuts off a pole that hangs.
"""

from functools import cache

import numpy as np
import pygame
from pygame import gfxdraw

from workshop.environments.pole_sizes import AXLE, METRE, POLE_WIDTH, SIZE

CART = 68, 40
TRACK = AXLE + 10  # where the cart stands
MARKS = 0.25  # metres between two of the track's; each whole metre has a number
BLACK, WHITE, GREY, WOOD, BLUE = (0, 0, 0), (255, 255, 255), (110, 110, 110), (202, 152, 101), (129, 132, 203)


def pole_picture(position: float, angle: float) -> pygame.Surface:
    """The pole at this `angle`, in rad, 0 being upright, on a cart at this `position`, in m; 480 x 400 pixels.

    The marks on the track pass by as the cart moves.
    """
    surface = pygame.Surface(SIZE)
    surface.fill(WHITE)
    middle = SIZE[0] // 2
    _draw_track(surface, position)
    cart = pygame.Rect(0, 0, *CART)
    cart.center = middle, TRACK
    surface.fill(BLACK, cart)
    corners = []
    for across, along in ((-1, -POLE_WIDTH / 2), (-1, METRE), (1, METRE), (1, -POLE_WIDTH / 2)):
        corner = pygame.math.Vector2(across * POLE_WIDTH / 2, -along).rotate_rad(angle)
        corners.append((corner.x + middle, corner.y + AXLE))
    gfxdraw.aapolygon(surface, corners, WOOD)
    gfxdraw.filled_polygon(surface, corners, WOOD)
    for draw in (gfxdraw.aacircle, gfxdraw.filled_circle):
        draw(surface, middle, AXLE, POLE_WIDTH // 2, BLUE)
    return surface


def as_array(surface: pygame.Surface) -> np.ndarray:
    """The surface's pixels, uint8 of shape (height, width, 3)."""
    width, height = surface.get_size()
    return np.frombuffer(pygame.image.tobytes(surface, "RGB"), np.uint8).reshape(height, width, 3).copy()


def _draw_track(surface: pygame.Surface, position: float) -> None:
    """The track, as far as it is in sight, with marks at every quarter of a metre."""
    width = SIZE[0]
    gfxdraw.hline(surface, 0, width, TRACK, BLACK)
    reach = width / 2 / METRE
    for mark in range(int(np.floor((position - reach - 1) / MARKS)), int(np.ceil((position + reach + 1) / MARKS)) + 1):
        place, whole = mark * MARKS, mark * MARKS == round(mark * MARKS)
        x = round(width / 2 + (place - position) * METRE)
        surface.fill(GREY, (x - 1, TRACK, 2, 14 if whole else 7))
        if whole:
            number = _number(f"{place:g} m" if place else "0")
            surface.blit(number, (x - number.get_width() // 2, TRACK + 26))


@cache
def _number(text: str) -> pygame.Surface:
    pygame.font.init()
    return pygame.font.Font(None, 30).render(text, True, GREY)
