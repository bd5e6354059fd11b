"""A weight decay that follows how much a reward model overfits."""

from torch.optim import Optimizer

OVERFITTING = 1.1, 1.5  # held-out over training loss: where the adaptive weight decay keeps it
ADAPT_BY = 1.2  # the factor by which it moves after each fit


def adapt_weight_decay(optimizer: Optimizer, training: float, held_out: float) -> None:
    """Christiano et al. 2017, section 2.2.3: keep the held-out between 1.1 and 1.5 times the training loss."""
    least, most = (bound * training for bound in OVERFITTING)
    factor = ADAPT_BY if held_out > most else 1 / ADAPT_BY if held_out < least else 1.0
    for group in optimizer.param_groups:
        # beyond 1 / learning rate a step would throw the weights to the other side of zero
        group["weight_decay"] = min(factor * group["weight_decay"], 0.5 / group["lr"])
