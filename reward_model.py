"""The reward model: an ensemble of networks, and how it is fitted to comparisons."""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch

from workshop.bounds import layer_widths, require_bounds, require_decay, within
from workshop.data import Comparisons, Fragments, Rollouts, Space
from workshop.environments import encode, encoded_size
from workshop.exercise import ChoiceModel
from workshop.messages import RunError, UsageError
from workshop.networks import (
    AdditiveEnsemble,
    Bootstraps,
    EnsembleMLP,
    Fits,
    HeldOut,
    Normaliser,
    adapt_weight_decay,
    judge,
    round_gradient,
)
from workshop.safe_files import write_safely
from workshop.state import State, restore, state_of

NUMBERS_AT_ONCE = 20_000_000  # of inputs, 80 MB: where they are pictures, those of a few hundred steps
STANDARDISE_ON = 2000  # transitions, about, from which the learned reward's mean and spread are taken


@dataclass(frozen=True)
class RewardModelConfig:
    """The reward model and its fit."""

    ensemble_size: Annotated[int, within(at_least=1, at_most=100)] = 15
    """Members of the ensemble; 1 for none, and then --query is uniform by default."""
    reward_network: Literal["additive", "joint"] = "additive"
    """What each member is: a sum of smooth functions of one input each, or one network of all inputs jointly."""
    hidden_sizes: Annotated[tuple[int, ...], layer_widths] = (32, 32)
    """With --reward-network joint: widths of each network's hidden layers."""
    prior_std: Annotated[float, within(at_least=1e-6, at_most=1000)] = 0.05
    """With --reward-network additive: how large the functions are before there are answers; each bump's weight."""
    bump_width: Annotated[float, within(at_least=0.05, at_most=3)] = 0.5
    """With --reward-network additive: how smooth they are; the bumps' width in standard deviations of an input."""
    reward_inputs: Literal["both", "observations"] = "both"
    """What the learned reward is a function of: observations and actions, or observations alone."""
    pessimism: Annotated[float, within(at_least=0, at_most=100)] = 0.0
    """The agent gets the members' mean reward less this many of their standard deviations: what is unknown is bad."""
    reward_epochs: Annotated[int, within(at_least=1, at_most=10_000)] = 30
    """Passes over all comparisons so far in each fit; with --fit-until converged, at most so many."""
    fit_until: Literal["epochs", "converged"] = "epochs"
    """When a fit ends: after its epochs or, if earlier, when the held-out loss has stopped falling."""
    fit_patience: Annotated[int, within(at_least=1, at_most=10_000)] = 2
    """With --fit-until converged: epochs without a lower held-out loss to wait for, before the best is restored."""
    reward_batch_size: Annotated[int, within(at_least=1, at_most=1_000_000)] = 1000
    """Comparisons in each gradient step of the fit."""
    reward_learning_rate: Annotated[float, within(above=0, at_most=1)] = 0.05
    """AdamW's step size for the reward model."""
    weight_decay: Annotated[float, within(at_least=0, at_most=1000)] = 0.0
    """AdamW's pull of the reward model's weights towards zero."""
    adaptive_weight_decay: bool = False
    """Let the weight decay move, so that the held-out loss stays between 1.1 and 1.5 times the training loss."""
    dropout: Annotated[float, within(at_least=0, below=1)] = 0.0
    """Share of the hidden units left out at random in each step of the fit."""

    def __post_init__(self) -> None:
        require_bounds(self)
        require_decay("--weight-decay", self.weight_decay, "--reward-learning-rate", self.reward_learning_rate)
        if self.reward_network == "additive" and self.dropout > 0:
            raise ValueError("--dropout leaves out hidden units, which --reward-network additive has not; use 0.")
        if self.adaptive_weight_decay and self.weight_decay == 0:
            raise ValueError(
                "--adaptive-weight-decay multiplies --weight-decay, which 0 does not change; it must be above 0."
            )


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
        observation_space: Space,
        action_space: Space,
        choice_model: ChoiceModel,
        config: RewardModelConfig,
        generator: np.random.Generator,
        device: str = "cpu",
        weigh: Callable[[Comparisons], np.ndarray | None] = lambda comparisons: None,
    ):
        self.config, self.gradient_steps, self._weigh = config, 0, weigh
        self._choice_model, self._generator, self._device = choice_model, generator, torch.device(device)
        self._spaces = observation_space, None if config.reward_inputs == "observations" else action_space
        size, members = encoded_size(*self._spaces), config.ensemble_size
        weights_generator = torch.Generator().manual_seed(int(generator.integers(2**63)))
        self.networks: AdditiveEnsemble | EnsembleMLP
        if config.reward_network == "additive":
            self.networks = AdditiveEnsemble(members, size, config.prior_std, config.bump_width, weights_generator)
        else:
            self.networks = EnsembleMLP(members, (size, *config.hidden_sizes, 1), weights_generator)
        self._outputs = self.networks.to(self._device).in_numpy()
        self._dropout_generator = torch.Generator(self._device)
        if config.dropout > 0:
            self._dropout_generator.manual_seed(int(generator.integers(2**63)))
        step, decay = config.reward_learning_rate, config.weight_decay
        self._optimizer = torch.optim.AdamW(self.networks.parameters(), lr=step, weight_decay=decay, fused=True)
        self._normaliser = Normaliser(size)
        self._output_mean, self._output_std = np.zeros(members, np.float32), np.ones(members, np.float32)
        self._bootstraps, self._fits = Bootstraps(members, config.reward_network == "additive", generator), Fits()
        self._unfitted = deepcopy(self._of_fits())

    def observe(self, rollouts: Rollouts) -> None:
        """Take new transitions into the statistics by which the inputs are normalised."""
        for piece in self._pieces(len(rollouts)) if len(rollouts) else ():
            self._normaliser.update(encode(*self._spaces, *(array[piece] for array in rollouts.transitions())))

    def standardise(self, rollouts: Rollouts) -> None:
        """Shift and scale each member's reward to mean 0 and standard deviation 1 over these rollouts.

        Raises a RunError if they are so large that they have no finite ones: divided by infinity, all would be 0.
        """
        if len(rollouts) == 0:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            rewards = self._member_rewards(*rollouts.transitions(at_most=STANDARDISE_ON))
            self._output_mean = rewards.mean(axis=1)
            self._output_std = rewards.std(axis=1) + 1e-8
        if not (np.isfinite(self._output_mean) & np.isfinite(self._output_std)).all():
            raise RunError(
                "Training has blown up: the learned reward is too large for its mean and spread to be finite. Try a "
                "smaller --reward-learning-rate."
            )

    def reward(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """The learned, standardised reward, float32 of shape (n,), for n observations and actions."""
        weights = 1 / (self.config.ensemble_size * self._output_std)
        of_members = self._member_rewards(observations, actions)
        rewards: np.ndarray = weights @ of_members - weights @ self._output_mean
        if self.config.pessimism > 0:
            standardised = (of_members - self._output_mean[:, np.newaxis]) / self._output_std[:, np.newaxis]
            rewards = rewards - np.float32(self.config.pessimism) * standardised.std(axis=0)
        return rewards

    def member_rewards(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Each member's standardised reward, shape (M, n), of which the agent's is the mean, less the pessimism."""
        rewards = self._member_rewards(observations, actions)
        return np.asarray((rewards - self._output_mean[:, np.newaxis]) / self._output_std[:, np.newaxis])

    def member_returns(self, fragments: Fragments) -> np.ndarray:
        """Each member's return of each fragment, shape (M, n), in the units of the choice model."""
        shape = fragments.true_rewards.shape
        steps = (x.reshape(-1, *x.shape[2:]) for x in (fragments.observations, fragments.actions))
        return np.asarray(self._member_rewards(*steps).reshape(-1, *shape).sum(axis=-1))

    def member_probabilities(self, fragments_a: Fragments, fragments_b: Fragments) -> np.ndarray:
        """Each member's P(b preferred) for n pairs, by the choice model; shape (M, n)."""
        return self._choice_model.probability(self.member_returns(fragments_b) - self.member_returns(fragments_a))

    def describe(self, fragments: Fragments) -> np.ndarray:
        """The mean of each fragment's normalised observations and actions, shape (n, d)."""
        pieces = (fragments[piece] for piece in self._pieces(len(fragments), fragments.true_rewards.shape[1]))
        return np.concatenate([self._inputs(piece.observations, piece.actions).mean(axis=1) for piece in pieces])

    def fit(self, comparisons: Comparisons) -> None:
        """Fit every member further to its bootstrap of all comparisons so far, starting from where it is.

        With `fit_until` "converged" it ends when the held-out loss (each member's own, on what its bootstrap left out)
        has not fallen for `fit_patience` epochs, and goes back to where it was lowest (Prechelt 1998). Raises a
        UsageError if the loss is not finite.
        Answers that have been taken back, or changed, since they were learned from are unlearned: see `Fits`.
        """
        fits = self._fits.next(comparisons.preferences)
        if len(fits) > 1:
            self._restore_fits(deepcopy(self._unfitted))
        for n in fits:
            self._fit(comparisons[:n].answered)

    def _fit(self, comparisons: Comparisons) -> None:
        if len(comparisons) == 0:
            return
        self._bootstraps.weights = self._weigh(comparisons)
        self._bootstraps.extend(len(comparisons))
        inputs = [self._inputs(x.observations, x.actions) for x in (comparisons.fragments_a, comparisons.fragments_b)]
        pairs = self.networks.prepare(torch.from_numpy(np.stack(inputs, axis=1)).to(self._device))  # (n, 2, …)
        preferences = torch.from_numpy(comparisons.preferences).to(self._device)
        whole = self.config.reward_batch_size >= len(comparisons)  # then each epoch is one step, with all of them
        lowest, best, waited = math.inf, None, 0
        for epoch in range(self.config.reward_epochs + 1):
            if self.config.fit_until == "converged":
                _, held_out = self._losses(pairs, preferences)
                if held_out < lowest:
                    lowest, waited = held_out, 0
                    best = deepcopy((self.networks.state_dict(), self._optimizer.state_dict()))
                elif not math.isnan(held_out):
                    waited += 1
                if waited == self.config.fit_patience:
                    break
            if epoch < self.config.reward_epochs:
                if epoch == 0 or not whole:
                    order = torch.from_numpy(self._bootstraps.shuffled()).to(self._device)
                    batches = [(pairs[i], preferences[i]) for i in order.split(self.config.reward_batch_size, dim=1)]
                for batch in batches:  # (M, B, …)
                    self._step(*batch)
        if best is not None and waited > 0:
            self.networks.load_state_dict(best[0])
            self._optimizer.load_state_dict(best[1])
        if self.config.adaptive_weight_decay:
            adapt_weight_decay(self._optimizer, *self._losses(pairs, preferences))
        self._outputs = self.networks.in_numpy()

    def _step(self, pairs: torch.Tensor, preferences: torch.Tensor) -> None:
        """One gradient step of every member on its own batch: prepared pairs (M, B, 2, …), preferences (M, B)."""
        returns = self.networks.returns(pairs, self.config.dropout, self._dropout_generator).double()  # (M, B, 2)
        returns.register_hook(round_gradient)
        returns_a, returns_b = returns.flatten(0, 1).unbind(dim=1)  # (M * B,)
        # The loss is a mean over its batch; times M, the sum of the members' own means.
        value = self.config.ensemble_size * self._choice_model.loss(returns_a, returns_b, preferences.flatten())
        value = value + self.networks.penalty() / self._bootstraps.counts.shape[1]
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
        self.gradient_steps += 1

    @torch.no_grad()
    def _losses(self, pairs: torch.Tensor, preferences: torch.Tensor) -> tuple[float, float]:
        """Training and held-out loss, averaged over the members whose bootstraps leave something out; or NaN, twice.

        `pairs` are all comparisons, prepared, (n, 2, …). In the training loss each counts as often as in the bootstrap.
        """
        returns = self.networks.returns(pairs.expand(self.config.ensemble_size, *pairs.shape)).double()  # (M, n, 2)
        all_counts = torch.from_numpy(self._bootstraps.counts).to(self._device)
        losses = [
            [
                float(self._choice_model.loss(member[rows, 0], member[rows, 1], preferences[rows]))
                for rows in (torch.repeat_interleave(counts), counts == 0)
            ]
            for member, counts in zip(returns, all_counts, strict=True)
            if (counts == 0).any()
        ]
        training, held_out = np.mean(losses, axis=0) if losses else (math.nan, math.nan)
        return float(training), float(held_out)

    def held_out(self, comparisons: Comparisons) -> HeldOut:
        """What the model says about comparisons that were not learned from.

        Each comparison is judged by the mean return of those members whose bootstrap left it out ("out of bag",
        Breiman 1996), so none needs to be set aside. Where the model sees no difference it counts as half right.
        """
        comparisons, left_out = comparisons.answered, self._bootstraps.counts == 0
        judged = left_out.any(axis=0)
        if not judged.any():
            return HeldOut()
        weights = left_out[:, judged] / left_out[:, judged].sum(axis=0)
        returns_a, returns_b = (
            (weights * self.member_returns(fragments)[:, judged]).sum(axis=0)
            for fragments in (comparisons.fragments_a, comparisons.fragments_b)
        )
        preferences = comparisons.preferences[judged]
        return judge(returns_a, returns_b, preferences, self._choice_model)

    def progress(self, held_out: HeldOut) -> dict[str, float | str]:
        """The columns of `progress.csv` that tell how well it was fitted, and with what effort."""
        return {
            "reward_model_loss": held_out.loss,
            "reward_model_accuracy": held_out.accuracy,
            "gradient_steps": self.gradient_steps,
            "weight_decay": self._optimizer.param_groups[0]["weight_decay"],
        }

    def state(self) -> State:
        """Everything that the reward model goes on from."""
        return {
            **self._of_fits(),
            "fits": self._fits.state(),
            "normaliser": self._normaliser.state(),
            "outputs": (self._output_mean, self._output_std),
            "gradient_steps": self.gradient_steps,
        }

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        self._restore_fits(state)
        self._fits.restore(state["fits"])
        self._normaliser.restore(state["normaliser"])
        self._output_mean, self._output_std = state["outputs"]
        self.gradient_steps = state["gradient_steps"]

    def _of_fits(self) -> State:
        """What fits change."""
        return {
            "generator": state_of(self._generator),
            "dropout_generator": self._dropout_generator.get_state(),
            "networks": self.networks.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "counts": self._bootstraps.counts,
        }

    def _restore_fits(self, state: State) -> None:
        restore(self._generator, state["generator"])
        self._dropout_generator.set_state(state["dropout_generator"])
        self.networks.load_state_dict(state["networks"])
        self._outputs = self.networks.in_numpy()
        self._optimizer.load_state_dict(state["optimizer"])
        self._bootstraps.counts = state["counts"]

    def save(self, path: Path) -> None:
        """Write the networks and the statistics, for `torch.load(path, weights_only=True)`."""
        content = {
            "config": asdict(self.config),
            "networks": self.networks.state_dict(),
            "input_mean": torch.from_numpy(self._normaliser.mean),
            "input_std": torch.from_numpy(self._normaliser.std),
            "output_mean": torch.from_numpy(self._output_mean),
            "output_std": torch.from_numpy(self._output_std),
        }
        write_safely(path, partial(torch.save, content))

    def _inputs(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Normalised network inputs, float32 of shape (…, d), for observations and actions of shape (…, *shape)."""
        return self._normaliser(encode(*self._spaces, observations, actions))

    def _member_rewards(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Each member's reward as it comes out of its network, shape (M, n)."""
        rewards = [self._outputs(self._inputs(observations[i], actions[i])) for i in self._pieces(len(actions))]
        return rewards[0] if len(rewards) == 1 else np.concatenate(rewards, axis=1)

    def _pieces(self, n: int, steps: int = 1) -> list[slice]:
        at_once = max(1, NUMBERS_AT_ONCE // (steps * len(self._normaliser.mean)))
        return [slice(first, first + at_once) for first in range(0, max(1, n), at_once)]
