"""Gradients with as many digits as say something."""

import torch


def round_gradient(gradient: torch.Tensor) -> torch.Tensor:
    """Round to multiples of 2^-24, the precision of float32 near 1.

    Right ways to write the loss differ by about 1e-16 in float64; rounded, they train exactly the same model, so a
    participant's loss gives the same numbers as the solution.
    """
    return (gradient * 2**24).round() / 2**24
