"""What can be seen in a film of the pole, in words: what an agent does that has not learned what was meant."""

from collections.abc import Sequence

import numpy as np

POSITION, ANGLE = 0, 2  # places in an observation
UPRIGHT, HANGING = 0.9, -0.5  # cosines of the angle from upright: within 26 degrees of it, more than 120 away from it
TURN = 2 * np.pi
OFTEN = 0.5  # a share of the time, from which on it is told
FAR = 5.0  # metres


def in_words(observations: np.ndarray) -> str:
    """What the pole and its cart do in these observations, (T, 4) from one episode, in one sentence.

    An angle is in rad, 0 upright, positive to the right, and between -π and π.
    """
    angles = observations[:, ANGLE].astype(np.float64)
    turned = np.unwrap(angles)
    turns = (turned[-1] - turned[0]) / TURN
    upright, hanging = (float(share.mean()) for share in (np.cos(angles) > UPRIGHT, np.cos(angles) < HANGING))
    towards = np.sin(angles)[(np.cos(angles) <= UPRIGHT) & (np.cos(angles) >= HANGING)]
    left, right = (float((side > 0).sum() / len(angles)) for side in (-towards, towards))
    if abs(turns) >= 1:
        pole = f"the pole goes round {_times(abs(turns))}, to the {'right' if turns > 0 else 'left'}"
    elif upright >= OFTEN:
        pole = f"the pole is upright {_share(upright)} of the time"
    elif hanging >= OFTEN:
        pole = f"the pole hangs {_share(hanging)} of the time"
    elif max(left, right) >= OFTEN:
        pole = f"the pole leans to the {'left' if left > right else 'right'} {_share(max(left, right))} of the time"
    else:
        pole = f"the pole is upright {_share(upright)} of the time, and hangs {_share(hanging)} of it"
    return f"In the film {pole}{_of_the_cart(observations[:, POSITION].tolist())}."


def _of_the_cart(positions: Sequence[float]) -> str:
    """Where the cart goes, if it goes far."""
    gone = positions[-1] - positions[0]
    return f", and the cart runs {abs(gone):.0f} m to the {'right' if gone > 0 else 'left'}" if abs(gone) > FAR else ""


def _times(turns: float) -> str:
    return {1: "once", 2: "twice"}.get(round(turns), f"{turns:.0f} times")


def _share(share: float) -> str:
    return f"{100 * share:.0f} %"
