"""Step 2 of the slide: a reward model for answers, which begins as the language model and is fitted to comparisons."""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from torch import nn

from workshop.bounds import require_bounds, within
from workshop.data import Comparisons, Fragments
from workshop.exercise import ChoiceModel
from workshop.language.desk import QUESTION_LENGTH, draw_questions
from workshop.language.desk_environment import questions_and_answers
from workshop.language.language_model import AT_ONCE, LanguageModel, pieces, to_tensors, written
from workshop.language.text_reward import TextReward
from workshop.language.transformer import Transformer
from workshop.messages import UsageError
from workshop.safe_files import write_safely
from workshop.state import State, restore, state_of

STANDARDISE_ON = 512  # answers of the SFT model


@dataclass(frozen=True)
class TextRewardConfig:
    """Step 2: the reward model, and its fit to comparisons."""

    reward_from: Literal["sft", "scratch"] = "sft"
    """What the reward model begins as: the model fitted to demonstrations, or a network with random weights."""
    reward_at: Literal["every-token", "end"] = "every-token"
    """Where in an answer it gives rewards: at every token, added up to the return, or at the end alone."""
    reward_steps: Annotated[int, within(at_least=1, at_most=100_000)] = 40
    """Gradient steps of each fit, however many comparisons there are."""
    reward_batch_size: Annotated[int, within(at_least=1, at_most=1_000_000)] = 32
    """Comparisons in each of these steps; all of them, if there are fewer."""
    reward_learning_rate: Annotated[float, within(above=0, at_most=1)] = 3e-4
    """AdamW's step size for the reward model."""

    def __post_init__(self) -> None:
        require_bounds(self)


class TextRewardModel(TextReward):
    """A transformer with a reward for each token of an answer, 0 at first; their sum is the learned return.

    Each fit begins where the first one began, as the language model `sft`, and learns from all comparisons so far.
    Afterwards returns are shifted and scaled to mean 0 and standard deviation 1 on answers of the SFT model, so that
    the KL coefficient means the same with every seed. This is the "proxy" of the figures. `weigh` tells how much each
    answer counts, with a mean of 1; None: all the same.
    """

    def __init__(
        self,
        sft: LanguageModel,
        choice_model: ChoiceModel,
        config: TextRewardConfig,
        generator: np.random.Generator,
        weigh: Callable[[Comparisons], np.ndarray | None] = lambda comparisons: None,
    ):
        self.config, self.device, self.gradient_steps, self._weigh = config, sft.device, 0, weigh
        self._choice_model, self._generator = choice_model, generator
        weights = torch.Generator().manual_seed(int(generator.integers(2**63)))
        trunk = deepcopy(sft.network) if config.reward_from == "sft" else Transformer(weights).to(sft.device)
        head = nn.Linear(trunk.norm.weight.shape[0], 1, device=sft.device)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        self.network = nn.ModuleDict({"trunk": trunk, "head": head})
        self._first = deepcopy(self.network.state_dict())
        self._mean, self._std = 0.0, 1.0
        asked = draw_questions(generator, STANDARDISE_ON)
        self._of_sft = asked, sft.sample(asked, generator)

    def fit(self, comparisons: Comparisons) -> None:
        """Fit it to all answers so far, by the choice model's loss. Raises a UsageError if that is not finite."""
        comparisons = comparisons.answered
        if len(comparisons) == 0:
            return
        self.network.load_state_dict(self._first)
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=self.config.reward_learning_rate, fused=True)
        sides = (questions_and_answers(each) for each in (comparisons.fragments_a, comparisons.fragments_b))
        questions, answers = (torch.from_numpy(np.stack(each, 1)).to(self.device) for each in zip(*sides, strict=True))
        preferences = torch.from_numpy(comparisons.preferences).to(self.device)
        size = min(self.config.reward_batch_size, len(comparisons))
        order, weights = np.empty(0, dtype=np.int64), self._weigh(comparisons)
        for _ in range(self.config.reward_steps):
            while len(order) < size:
                order = np.concatenate([order, self._shuffled(len(comparisons), weights)])
            batch, order = np.split(order, [size])
            rewards = self._rewards(questions[batch].flatten(0, 1), answers[batch].flatten(0, 1))
            returns_a, returns_b = rewards.sum(dim=1).double().view(-1, 2).unbind(dim=1)
            loss = self._choice_model.loss(returns_a, returns_b, preferences[batch])
            if not torch.isfinite(loss):
                raise UsageError(
                    f"The loss became {loss.item()} while the reward model was fitted.\nIf the learned returns are "
                    "ordinary numbers, look at preference_loss: python main.py --check. If not, try a smaller "
                    "--reward-learning-rate."
                )
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            optimizer.step()
            self.gradient_steps += 1
        self.standardise(*self._of_sft)

    def _shuffled(self, n: int, weights: np.ndarray | None) -> np.ndarray:
        """All n answers in any order or, where some count more, as many drawn by their weights."""
        if weights is None:
            return self._generator.permutation(n)
        return self._generator.choice(n, size=n, p=weights / n)

    def standardise(self, questions: np.ndarray, answers: np.ndarray) -> None:
        """Shift and scale the returns to mean 0 and standard deviation 1 over these answers."""
        self._mean, self._std = 0.0, 1.0
        returns = self.returns(questions, answers)
        self._mean, self._std = float(returns.mean()), float(returns.std()) or 1.0

    @torch.no_grad()
    def rewards(self, questions: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """The learned, standardised rewards of the tokens, float32 (n, 24), 0 after the first `<end>`.

        What all returns are shifted by is in the reward of the last token, once in each answer.
        """
        if len(questions) > AT_ONCE:
            each = zip(pieces(questions), pieces(answers), strict=True)
            return np.concatenate([self.rewards(*some) for some in each])
        tensors = to_tensors(self.device, questions, answers)
        shifted = self._rewards(*tensors) - self._mean * _last(tensors[1])
        rewards: np.ndarray = (shifted / self._std).cpu().numpy()
        return rewards

    def difference(self, a: Fragments, b: Fragments) -> np.ndarray:
        """R_b - R_a of n pairs, float64 of shape (n,), in the units of the choice model."""
        return super().difference(a, b) * self._std

    def loss(self, comparisons: Comparisons) -> float:
        """The choice model's loss of these comparisons; NaN if there are none."""
        if len(comparisons) == 0:
            return math.nan
        returns_b = torch.from_numpy(self.difference(comparisons.fragments_a, comparisons.fragments_b))
        preferences = torch.from_numpy(comparisons.preferences)
        return float(self._choice_model.loss(torch.zeros_like(returns_b), returns_b, preferences))

    def state(self) -> State:
        """Everything that it goes on from."""
        return {
            "generator": state_of(self._generator),
            "network": self.network.state_dict(),
            "first": self._first,
            "standard": (self._mean, self._std),
            "of_sft": self._of_sft,
            "gradient_steps": self.gradient_steps,
        }

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        restore(self._generator, state["generator"])
        self.network.load_state_dict(state["network"])
        self._first, (asked, answers) = state["first"], state["of_sft"]
        self._of_sft = asked, answers
        self._mean, self._std = state["standard"]
        self.gradient_steps = state["gradient_steps"]

    def save(self, path: Path) -> None:
        """Write the network and how its returns are standardised, for `torch.load(path, weights_only=True)`."""
        content = {
            "config": asdict(self.config),
            "network": self.network.state_dict(),
            "mean": torch.tensor(self._mean),
            "std": torch.tensor(self._std),
        }
        write_safely(path, partial(torch.save, content))

    def _rewards(self, questions: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
        """The rewards of the tokens as they come out of the network, (n, 24)."""
        features = self.network["trunk"](torch.cat([questions, answers], dim=1))[:, QUESTION_LENGTH:]
        rewards: torch.Tensor = self.network["head"](features).squeeze(-1)
        return rewards * (written(answers) if self.config.reward_at == "every-token" else _last(answers))


def _last(answers: torch.Tensor) -> torch.Tensor:
    """Which token ends each answer: the first `<end>`, or the last of the 24; bool of the same shape (n, 24)."""
    here = written(answers)
    after = torch.cat([here[:, 1:], torch.zeros_like(here[:, :1])], dim=1)
    return here & ~after
