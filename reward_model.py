"""The reward model: an ensemble of networks, and how it is fitted to comparisons."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from gymnasium import spaces
from scipy.special import expit
from stable_baselines3.common.running_mean_std import RunningMeanStd
from torch import nn

from preferences import Comparisons, Fragments
from workshop import mlp
from workshop.messages import UsageError, require_number, require_sizes
from workshop.rollouts import Rollouts
from workshop.spaces import encode, encoded_size

# (returns_a, returns_b, preferences), three tensors of shape (batch,), to a scalar tensor: the mean over the batch
PreferenceLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

CLIP = 10.0  # normalised inputs, in standard deviations, as in Stable-Baselines3's VecNormalize
BOOTSTRAP_DRAWS = 2.0  # how often, on average, a comparison is in a bootstrap; exp(-2), an eighth, are left out
STANDARDISE_ON = 2000  # transitions, about, from which the learned reward's mean and spread are taken


@dataclass(frozen=True)
class RewardModelConfig:
    """The reward model and its fit."""

    ensemble_size: int = 5
    """Networks in the ensemble; 1 for none."""
    hidden_sizes: tuple[int, ...] = (32, 32)
    """Widths of each network's hidden layers."""
    reward_epochs: int = 6
    """Passes over all comparisons so far in each fit."""
    reward_batch_size: int = 20
    """Comparisons in each gradient step of the fit."""
    reward_learning_rate: float = 3e-3
    """AdamW's step size for the reward model."""
    weight_decay: float = 5.0
    """AdamW's pull of the reward model's weights towards zero."""

    def __post_init__(self) -> None:
        require_number("--ensemble-size", self.ensemble_size, at_least=1)
        require_sizes("--hidden-sizes", self.hidden_sizes)
        require_number("--reward-epochs", self.reward_epochs, at_least=1)
        require_number("--reward-batch-size", self.reward_batch_size, at_least=1)
        require_number("--reward-learning-rate", self.reward_learning_rate, above=0)
        require_number("--weight-decay", self.weight_decay, at_least=0)


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

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs, shape (M, n), for inputs of shape (M, n, d), or (n, d) to show all members the same."""
        hidden = inputs if inputs.dim() == 3 else inputs.expand(self.members, *inputs.shape)
        *layers, last = zip(self.weights, self.biases, strict=True)
        for weight, bias in layers:
            hidden = torch.relu(torch.baddbmm(bias, hidden, weight))
        weight, bias = last
        return torch.baddbmm(bias, hidden, weight).squeeze(-1)


class RewardModel:
    """An ensemble of networks from (observation, action) to a reward, fitted to comparisons of fragments.

    Every member has initial weights and a bootstrap of the comparisons of its own and is fitted by itself: Adam and
    the weight decay act on each weight alone, so fitting all in one batched call changes nothing. What the members
    have in common they learned from the comparisons; where they differ, there is something to ask.

    Inputs are normalised by the running mean and standard deviation of all transitions seen. Comparisons say
    nothing of a reward's offset, and little of its scale, so the agent gets each member's reward standardised, then
    averaged (Christiano et al. 2017, section 2.2).
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        config: RewardModelConfig,
        generator: np.random.Generator,
        device: str = "cpu",
    ):
        self.config = config
        self._spaces = observation_space, action_space
        self._generator = generator
        self._device = torch.device(device)
        size = encoded_size(*self._spaces)
        weights_generator = torch.Generator().manual_seed(int(generator.integers(2**63)))
        self.networks = EnsembleMLP(config.ensemble_size, (size, *config.hidden_sizes, 1), weights_generator)
        self.networks.to(self._device)
        self._layers = self._to_numpy()
        self._optimizer = torch.optim.AdamW(
            self.networks.parameters(),
            lr=config.reward_learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self._input_statistics = RunningMeanStd(epsilon=1e-8, shape=(size,))
        self._input_mean = np.zeros(size, dtype=np.float32)
        self._input_std = np.ones(size, dtype=np.float32)
        self._output_mean = np.zeros(config.ensemble_size, dtype=np.float32)
        self._output_std = np.ones(config.ensemble_size, dtype=np.float32)
        # (M, number of comparisons): how often each comparison is in each member's bootstrap
        self._counts = np.empty((config.ensemble_size, 0), dtype=np.int64)

    def observe(self, rollouts: Rollouts) -> None:
        """Take new transitions into the statistics by which the inputs are normalised."""
        if len(rollouts) > 0:
            self._input_statistics.update(encode(*self._spaces, *rollouts.transitions()))
            self._input_mean = self._input_statistics.mean.astype(np.float32)
            self._input_std = np.sqrt(self._input_statistics.var + 1e-8).astype(np.float32)

    def standardise(self, rollouts: Rollouts) -> None:
        """Shift and scale each member's reward to mean 0 and standard deviation 1 over these rollouts."""
        if len(rollouts) == 0:
            return
        rewards = self._member_rewards(*rollouts.transitions(at_most=STANDARDISE_ON))
        self._output_mean = rewards.mean(axis=1)
        self._output_std = rewards.std(axis=1) + 1e-8

    def reward(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """The learned, standardised reward, float32 of shape (n,), for n observations and actions."""
        weights = 1 / (self.config.ensemble_size * self._output_std)
        return weights @ self._member_rewards(observations, actions) - weights @ self._output_mean

    def member_returns(self, fragments: Fragments) -> np.ndarray:
        """Each member's return of each fragment, shape (M, n), in the units of the choice model."""
        inputs = self._inputs(fragments.observations, fragments.actions)  # (n, L, d)
        rewards = mlp.forward(self._layers, inputs.reshape(-1, inputs.shape[-1]), mlp.relu)  # (M, n * L, 1)
        return rewards.reshape(-1, *inputs.shape[:2]).sum(axis=-1)

    def disagreement(self, fragments_a: Fragments, fragments_b: Fragments) -> np.ndarray:
        """How much the members disagree about n pairs: the standard deviation of P(b preferred), shape (n,), ≥ 0.

        The selection of Christiano et al. 2017, section 2.2.4, with Bradley and Terry's probabilities.
        """
        difference = self.member_returns(fragments_b) - self.member_returns(fragments_a)
        return expit(difference).std(axis=0)

    def fit(self, comparisons: Comparisons, loss: PreferenceLoss) -> None:
        """Fit every member further to its bootstrap of all comparisons so far, starting from where it is.

        Raises a UsageError if the loss is not finite.
        """
        self._extend_bootstraps(len(comparisons))
        both = (comparisons.fragments_a, comparisons.fragments_b)
        inputs = [self._inputs(fragments.observations, fragments.actions) for fragments in both]
        pairs = torch.from_numpy(np.stack(inputs, axis=1)).to(self._device)  # (n, 2, L, d)
        preferences = torch.from_numpy(comparisons.preferences).to(self._device)
        for _ in range(self.config.reward_epochs):
            for batch in self._shuffled_bootstraps().split(self.config.reward_batch_size, dim=1):  # (M, B)
                self._step(pairs[batch], preferences[batch], loss)
        self._layers = self._to_numpy()

    def _step(self, pairs: torch.Tensor, preferences: torch.Tensor, loss: PreferenceLoss) -> None:
        """One gradient step of every member on its own batch: pairs (M, B, 2, L, d), preferences (M, B)."""
        rewards = self.networks(pairs.flatten(1, 3))  # (M, B * 2 * L)
        returns = rewards.unflatten(1, pairs.shape[1:4]).sum(dim=-1).double()  # (M, B, 2)
        returns.register_hook(_round_gradient)
        returns_a, returns_b = returns.flatten(0, 1).unbind(dim=1)  # (M * B,)
        # The loss is a mean over its batch; times M, the sum of the members' own means.
        value = self.config.ensemble_size * loss(returns_a, returns_b, preferences.flatten())
        if not torch.isfinite(value):
            raise UsageError(
                f"The loss became {value.item()} while the reward model was fitted, for a batch whose learned returns "
                f"lie between {returns.min().item():.4g} and {returns.max().item():.4g}.\n"
                "If these are ordinary numbers, look at preference_loss: python main.py --check. If they are huge or "
                "NaN, try a smaller --reward-learning-rate."
            )
        self._optimizer.zero_grad()
        value.backward()
        self._optimizer.step()

    def held_out(self, comparisons: Comparisons, loss: PreferenceLoss) -> tuple[float, float]:
        """Loss and accuracy on comparisons that were not learned from.

        Each comparison is judged by the mean return of those members whose bootstrap left it out ("out of bag",
        Breiman 1996), so none needs to be set aside. The accuracy is the share, in [0, 1], of the answers other than
        "equal" that the model agrees with, where it counts half if it sees no difference. NaN where nothing is left.
        """
        left_out = self._counts == 0
        judged = left_out.any(axis=0)
        if not judged.any():
            return math.nan, math.nan
        weights = left_out[:, judged] / left_out[:, judged].sum(axis=0)
        returns_a, returns_b = (
            (weights * self.member_returns(fragments)[:, judged]).sum(axis=0)
            for fragments in (comparisons.fragments_a, comparisons.fragments_b)
        )
        preferences = comparisons.preferences[judged]
        with torch.no_grad():
            value = float(loss(*(torch.from_numpy(array) for array in (returns_a, returns_b, preferences))))
        decided = preferences != 0.5
        correct = 1 - np.abs(np.heaviside(returns_b - returns_a, 0.5) - preferences)
        return value, float(correct[decided].mean()) if decided.any() else math.nan

    def save(self, path: Path) -> None:
        """Write the networks and the statistics, for `torch.load(path, weights_only=True)`."""
        torch.save(
            {
                "config": asdict(self.config),
                "networks": self.networks.state_dict(),
                "input_mean": torch.from_numpy(self._input_mean),
                "input_std": torch.from_numpy(self._input_std),
                "output_mean": torch.from_numpy(self._output_mean),
                "output_std": torch.from_numpy(self._output_std),
            },
            path,
        )

    def _extend_bootstraps(self, comparisons: int) -> None:
        """Draw how often each new comparison enters each member's bootstrap: Poisson (Oza and Russell 2001).

        What was drawn before stays, so that a member never sees what its bootstrap leaves out.
        """
        members, known = self._counts.shape
        drawn = self._generator.poisson(BOOTSTRAP_DRAWS, size=(members, comparisons - known))
        self._counts = np.concatenate([self._counts, drawn], axis=1)
        self._counts[self._counts.sum(axis=1) == 0, -1] = 1  # nobody is left with nothing to learn from

    def _shuffled_bootstraps(self) -> torch.Tensor:
        """As many comparisons for each member as there are, from its bootstrap in random order, shape (M, n)."""
        members, n = self._counts.shape
        order = np.empty((members, n), dtype=np.int64)
        for member, counts in enumerate(self._counts):
            order[member] = np.resize(self._generator.permutation(np.repeat(np.arange(n), counts)), n)
        return torch.from_numpy(order).to(self._device)

    def _inputs(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Normalised network inputs, float32 of shape (…, d), for observations and actions of shape (…, *shape)."""
        features = encode(*self._spaces, observations, actions)
        return ((features - self._input_mean) / self._input_std).clip(-CLIP, CLIP)

    def _member_rewards(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Each member's reward as it comes out of its network, shape (M, n)."""
        return mlp.forward(self._layers, self._inputs(observations, actions), mlp.relu)[..., 0]

    def _to_numpy(self) -> mlp.Layers:
        parameters = zip(self.networks.weights, self.networks.biases, strict=True)
        return [(mlp.to_numpy(weight), mlp.to_numpy(bias)) for weight, bias in parameters]


def _round_gradient(gradient: torch.Tensor) -> torch.Tensor:
    """Round to multiples of 2^-24, the precision of float32 near 1.

    Right ways to write the loss differ by about 1e-16 in float64; rounded, they train exactly the same model, so a
    participant's loss gives the same numbers as the solution.
    """
    return (gradient * 2**24).round() / 2**24
