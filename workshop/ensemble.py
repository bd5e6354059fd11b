"""An ensemble of networks, evaluated together."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from workshop import mlp


class EnsembleMLP(nn.Module):
    """M networks of the same shape, evaluated by one batched call.

    `sizes` are the widths from the input to the output layer. The initial weights are uniform within
    1 / sqrt(inputs), PyTorch's default for linear layers, drawn for each member anew from `generator`.

    With `additive`, each member is a sum of functions of one input each, f_1(x_1) + … + f_d(x_d), every one of them a
    network with these hidden layers (generalised additive models, Hastie and Tibshirani 1986; of networks, Agarwal et
    al. 2021): the weights are of M * d networks, those of the first member first.
    """

    def __init__(self, members: int, sizes: Sequence[int], generator: torch.Generator, additive: bool = False):
        super().__init__()
        self.members = members
        self.additive = additive
        networks = members * sizes[0] if additive else members
        if additive:
            sizes = (1, *sizes[1:])
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for inputs, outputs in pairwise(sizes):
            bound = 1 / math.sqrt(inputs)
            for parameters, shape in ((self.weights, (inputs, outputs)), (self.biases, (1, outputs))):
                uniform = torch.rand(networks, *shape, generator=generator)
                parameters.append(bound * (2 * uniform - 1))

    def forward(
        self, inputs: torch.Tensor, dropout: float = 0.0, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Outputs, shape (M, n), for inputs of shape (M, n, d), or (n, d) to show all members the same.

        `dropout` is the share of the hidden units that `generator` leaves out, for each input anew; the others are
        scaled up to make up for it (Srivastava et al. 2014).
        """
        hidden = inputs if inputs.dim() == 3 else inputs.expand(self.members, *inputs.shape)
        if self.additive:
            hidden = hidden.transpose(1, 2).flatten(0, 1).unsqueeze(-1)  # (M * d, n, 1)
        *layers, last = zip(self.weights, self.biases, strict=True)
        for weight, bias in layers:
            hidden = torch.relu(torch.baddbmm(bias, hidden, weight))
            if dropout > 0:
                kept = torch.rand(hidden.shape, generator=generator, device=hidden.device) >= dropout
                hidden = hidden * kept / (1 - dropout)
        weight, bias = last
        outputs = torch.baddbmm(bias, hidden, weight).squeeze(-1)
        summed: torch.Tensor = outputs.unflatten(0, (self.members, -1)).sum(dim=1)  # over d networks, or over one
        return summed

    def to_numpy(self) -> mlp.Layers:
        """The layers for `mlp.forward`: weights (M, inputs, outputs) or, with `additive`, (M, d, 1, outputs)."""
        leading = (self.members, -1) if self.additive else (self.members,)

        def array(parameter: torch.Tensor) -> np.ndarray:
            return mlp.to_numpy(parameter).reshape(*leading, *parameter.shape[1:])

        return [(array(weight), array(bias)) for weight, bias in zip(self.weights, self.biases, strict=True)]
