"""The pole drawn in characters, for terminals; in ASCII, since not all of them show more."""

import numpy as np

WIDTH, HEIGHT = 31, 11  # characters; the pole is in the middle, since it also hangs and spins
TRACK = 2.4  # metres from the middle of the track to either side; a cart that leaves it comes back on the other
POLE = 4.0  # rows that the pole reaches
ASPECT = 2.0  # a character is about twice as high as wide
SHAPES = "|/=\\"  # of the pole, by its angle from upright, in steps of 45 degrees


def draw_pole(observations: np.ndarray) -> tuple[str, ...]:
    """Draw each of L observations of CartPole, shape (L, 4), as 11 lines of 31 characters."""
    return tuple(_draw(float(position), float(angle)) for position, _, angle, _ in observations)


def _draw(position: float, angle: float) -> str:
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    middle = HEIGHT // 2
    rows[middle] = ["-"] * WIDTH
    cart = round(((position + TRACK) % (2 * TRACK)) / (2 * TRACK) * (WIDTH - 1))
    for column in range(cart - 2, cart + 3):
        rows[middle][column % WIDTH] = "#"
    shape = SHAPES[round(angle / (np.pi / 4)) % 4]
    for along in np.arange(1.0, POLE + 0.01, 0.5):
        row = round(middle - along * np.cos(angle))
        column = round(cart + ASPECT * along * np.sin(angle))
        rows[row][column % WIDTH] = shape
    rows[row][column % WIDTH] = "o"  # the tip
    return "\n".join("".join(row) for row in rows)
