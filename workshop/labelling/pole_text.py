"""The pole drawn in characters, for terminals; in ASCII, since not all of them show more."""

import numpy as np

WIDTH, HEIGHT = 31, 11  # characters; the pole is in the middle, since it also hangs and spins
COLUMN = 0.16  # metres
MARKS = 0.5  # metres between two of the track's, which pass by as the cart moves: it is in the middle, too
POLE = 4.0  # rows that the pole reaches
ASPECT = 2.0  # a character is about twice as high as wide
SHAPES = "|/=\\"  # of the pole, by its angle from upright, in steps of 45 degrees


def draw_pole(observations: np.ndarray) -> tuple[str, ...]:
    """Draw each of L observations of CartPole, shape (L, 4), as 11 lines of 31 characters."""
    return tuple(_draw(float(position), float(angle)) for position, _, angle, _ in observations)


def _draw(position: float, angle: float) -> str:
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    middle, cart = HEIGHT // 2, WIDTH // 2
    left = position - (cart + 0.5) * COLUMN  # where the first column begins
    marks = np.floor((left + COLUMN * np.arange(WIDTH + 1)) / MARKS)
    rows[middle] = ["+" if passed else "-" for passed in np.diff(marks) > 0]
    rows[middle][cart - 2 : cart + 3] = "#####"
    shape = SHAPES[round(angle / (np.pi / 4)) % 4]
    for along in np.arange(1.0, POLE + 0.01, 0.5):
        row = round(middle - along * np.cos(angle))
        column = round(cart + ASPECT * along * np.sin(angle))
        rows[row][column] = shape
    rows[row][column] = "o"  # the tip
    return "\n".join("".join(row) for row in rows)
