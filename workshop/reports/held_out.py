"""How sure a share is that comes of a few held-out answers."""

import numpy as np

NORMAL_95 = 1.959963984540054  # standard deviations: 95 % of a normal distribution lie within


def wilson(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's (1927) 95 % interval of shares in [0, 1], each of n answers, n > 0: its ends, of the same shape."""
    z = NORMAL_95**2 / n
    middle = (share + z / 2) / (1 + z)
    half = np.sqrt(z * (share * (1 - share) + z / 4)) / (1 + z)
    return middle - half, middle + half
