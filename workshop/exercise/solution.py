"""SPOILER: the loss that the exercise in `main.py` asks you to write. Try it before you look."""

import torch
from torch.nn import functional as F


def bradley_terry_loss(returns_a: torch.Tensor, returns_b: torch.Tensor, preferences: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood of answers under Bradley and Terry's (1952) model, averaged over the batch.

    P(b preferred) = exp(R_b) / (exp(R_a) + exp(R_b)) = sigmoid(R_b - R_a), as in Christiano et al. 2017, equation 1.
    All three tensors have shape (batch,); `preferences` are 0.0 for a, 1.0 for b, 0.5 for equally good.
    """
    return F.binary_cross_entropy_with_logits(returns_b - returns_a, preferences)
