"""Pictures of the pole in many states, or of the part of them that is needed."""

import numpy as np

from workshop.environments.pole_sizes import SIZE


def pole_pictures(observations: np.ndarray, part: tuple[int, int, int, int] = (0, 0, *SIZE)) -> np.ndarray:
    """Pictures of the pole in each of L observations (L, 4), or of a part of them; uint8, (L, height, width, 3)."""
    from workshop.environments.pole_picture import as_array, pole_picture  # pygame, which not every run needs

    left, top, right, bottom = part
    pictures = (pole_picture(position, angle) for position, angle in observations[:, [0, 2]].tolist())
    # cut out first: most of the time would go into copying pixels
    return np.array([as_array(each.subsurface((left, top, right - left, bottom - top))) for each in pictures])
