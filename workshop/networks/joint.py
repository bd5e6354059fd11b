"""An ensemble of networks, evaluated together."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from workshop.networks import in_numpy


class EnsembleMLP(nn.Module):
    """M networks of the same shape, evaluated by one batched call.

    `sizes` are the widths from the input to the output layer. The initial weights are uniform within
    1 / sqrt(inputs), PyTorch's default for linear layers, drawn for each member anew from `generator`.
    """

    def __init__(self, members: int, sizes: Sequence[int], generator: torch.Generator):
        super().__init__()
        self.members = members
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for inputs, outputs in pairwise(sizes):
            bound = 1 / math.sqrt(inputs)
            for parameters, shape in ((self.weights, (inputs, outputs)), (self.biases, (1, outputs))):
                uniform = torch.rand(members, *shape, generator=generator)
                parameters.append(bound * (2 * uniform - 1))

    def forward(
        self, inputs: torch.Tensor, dropout: float = 0.0, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Outputs, shape (M, n), for inputs of shape (M, n, d), or (n, d) to show all members the same.

        `dropout` is the share of the hidden units that `generator` leaves out, for each input anew; the others are
        scaled up to make up for it (Srivastava et al. 2014).
        """
        hidden = inputs if inputs.dim() == 3 else inputs.expand(self.members, *inputs.shape)
        *layers, last = zip(self.weights, self.biases, strict=True)
        for weight, bias in layers:
            hidden = torch.relu(torch.baddbmm(bias, hidden, weight))
            if dropout > 0:
                kept = torch.rand(hidden.shape, generator=generator, device=hidden.device) >= dropout
                hidden = hidden * kept / (1 - dropout)
        weight, bias = last
        return torch.baddbmm(bias, hidden, weight).squeeze(-1)

    def prepare(self, fragments: torch.Tensor) -> torch.Tensor:
        """What `returns` needs to know of fragments (…, L, d): all of it."""
        return fragments

    def returns(
        self, fragments: torch.Tensor, dropout: float = 0.0, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Each member's returns, shape (M, …), of its own prepared fragments (M, …, L, d): the sums of the outputs."""
        outputs = self(fragments.flatten(1, -2), dropout, generator)
        returns: torch.Tensor = outputs.unflatten(1, fragments.shape[1:-1]).sum(dim=-1)
        return returns

    def penalty(self) -> float:
        """Nothing beside the optimiser's weight decay holds these weights back."""
        return 0.0

    def in_numpy(self) -> Callable[[np.ndarray], np.ndarray]:
        """The same as a function in NumPy: inputs (n, d) to outputs (M, n)."""
        layers = [(in_numpy.to_numpy(w), in_numpy.to_numpy(b)) for w, b in zip(self.weights, self.biases, strict=True)]
        return lambda inputs: in_numpy.forward(layers, inputs, in_numpy.relu)[..., 0]
