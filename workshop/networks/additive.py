"""An ensemble of additive reward functions with a Gaussian prior: what few answers can tell is told soon."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from workshop.networks import in_numpy

PIECE = 1000  # pairs of fragments at a time, since the bumps of each step are many numbers
REACH = 3.0  # standard deviations of an input; beyond, each function goes on as it is there


class AdditiveEnsemble(nn.Module):
    """M sums of smooth functions of one input each, f_1(x_1) + … + f_d(x_d), of normalised inputs.

    Generalised additive models (Hastie and Tibshirani 1986): each function is a weighted sum of K bumps,
    exp(-(x - c)^2 / 2 w^2), whose centres c lie `width` w apart between -3 and 3. The weights have a Gaussian prior
    with mean 0 and standard deviation `prior_std`, so that there is one best set of them, however few the answers.

    The members are draws from the posterior, nearly: each is a function drawn from the prior, which stays as it is, and
    one that is fitted, under the same prior, so that their sum agrees with the answers (Osband, Aslanides, Cassirer
    2018). Where answers say nothing the members differ as the prior does. The functions drawn add up to zero, so that
    the members' mean is what the answers say and no more.
    """

    centres: torch.Tensor
    drawn: torch.Tensor

    def __init__(self, members: int, inputs: int, prior_std: float, width: float, generator: torch.Generator):
        super().__init__()
        self.members, self.prior_std, self.width = members, prior_std, width
        self.register_buffer("centres", torch.arange(-REACH, REACH + width / 2, width))
        drawn = torch.randn(members, inputs * len(self.centres), generator=generator)
        drawn = (drawn - drawn.mean(dim=0)) * math.sqrt(members / max(1, members - 1))  # zeros for a single member
        self.register_buffer("drawn", prior_std * drawn)
        self.fitted = nn.Parameter(torch.zeros_like(drawn))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs, shape (M, n), for inputs of shape (M, n, d), or (n, d) to show all members the same."""
        return self._weighted(self._bumps(inputs).expand(self.members, -1, -1))

    def prepare(self, fragments: torch.Tensor) -> torch.Tensor:
        """What `returns` needs to know of fragments (…, L, d): the sums of their bumps, shape (…, d * K)."""
        return torch.cat([self._bumps(piece).sum(dim=-2) for piece in fragments.split(PIECE)])

    def returns(self, fragments: torch.Tensor, *_: object) -> torch.Tensor:
        """Each member's returns, shape (M, …), of its own prepared fragments (M, …, d * K): the sums of the outputs."""
        returns: torch.Tensor = self._weighted(fragments.flatten(1, -2)).unflatten(1, fragments.shape[1:-1])
        return returns

    def penalty(self) -> torch.Tensor:
        """The negative log density of what was fitted under the prior, but for a constant; summed over the members."""
        penalty: torch.Tensor = self.fitted.square().sum() / (2 * self.prior_std**2)
        return penalty

    def in_numpy(self) -> Callable[[np.ndarray], np.ndarray]:
        """The same as a function in NumPy: inputs (n, d) to outputs (M, n)."""
        weights, centres = in_numpy.to_numpy(self.drawn + self.fitted), in_numpy.to_numpy(self.centres)

        def outputs(inputs: np.ndarray) -> np.ndarray:
            distances = (inputs.clip(-REACH, REACH)[..., np.newaxis] - centres) / np.float32(self.width)
            result: np.ndarray = weights @ np.exp(-(distances**2) / 2).reshape(len(inputs), -1).T
            return result

        return outputs

    def _bumps(self, inputs: torch.Tensor) -> torch.Tensor:
        """The height of each bump at inputs (…, d), shape (…, d * K)."""
        distances = (inputs.clamp(-REACH, REACH).unsqueeze(-1) - self.centres) / self.width
        return torch.exp(-distances.square() / 2).flatten(-2)

    def _weighted(self, bumps: torch.Tensor) -> torch.Tensor:
        """Bumps (M, n, d * K), weighted and added up: (M, n)."""
        return torch.bmm(bumps, (self.drawn + self.fitted).unsqueeze(-1)).squeeze(-1)
