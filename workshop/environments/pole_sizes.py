"""How large the picture of the pole is, and which part of it is needed."""

import numpy as np

SIZE = 480, 400  # pixels
METRE = 168  # pixels: the pole's length, so that it fits above the cart and below
AXLE = 196  # pixels from the top
POLE_WIDTH = 14
BESIDE = 66  # pixels above and below the axle: the cart, and the track's numbers


def needed_of(angles: np.ndarray) -> tuple[int, int, int, int]:
    """Which part of its picture a pole needs that is at these angles, in rad: left, top, right and bottom, in pixels.

    Without what it does not reach to the sides and, at these angles, above or below; the cart and the numbers stay.
    """
    middle, side = SIZE[0] // 2, METRE + POLE_WIDTH
    up, down = (max(BESIDE, METRE * cosine + POLE_WIDTH) for cosine in (np.cos(angles).max(), -np.cos(angles).min()))
    return middle - side, max(0, int(AXLE - up)), middle + side, min(SIZE[1], int(AXLE + down))
