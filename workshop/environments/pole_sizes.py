"""How large the picture of the pole is, and which part of it is needed."""

import numpy as np

SIZE = 480, 400  # pixels
METRE = 168  # pixels: the pole's length, so that it fits above the cart and below
AXLE = 196  # pixels from the top
POLE_WIDTH = 14
BESIDE = 66  # pixels above and below the axle: the cart, and the track's numbers


def crop_to_pole(frames: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Pictures of the pole, (N, 400, 480, 3), without what it does not reach to the sides and, at these angles, above.

    Nor below; the cart and the track's numbers stay.
    """
    middle, side = SIZE[0] // 2, METRE + POLE_WIDTH
    up, down = (max(BESIDE, METRE * cosine + POLE_WIDTH) for cosine in (np.cos(angles).max(), -np.cos(angles).min()))
    top, bottom = max(0, int(AXLE - up)), min(SIZE[1], int(AXLE + down))
    return np.ascontiguousarray(frames[:, top:bottom, middle - side : middle + side])
