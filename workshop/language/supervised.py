"""Step 1 of the slide: a language model is fitted to demonstrations ("supervised fine-tuning", SFT)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch

from workshop.bounds import require_bounds, within
from workshop.language.desk import demonstrations
from workshop.language.language_model import LanguageModel, answer_features, log_probabilities, to_tensors, written
from workshop.language.transformer import Transformer


@dataclass(frozen=True)
class SupervisedConfig:
    """Step 1: demonstrations, and the language model that is fitted to them."""

    demonstrations: Annotated[int, within(at_least=1, at_most=1_000_000)] = 10_000
    """Questions that people have answered, for the language model to imitate."""
    sft_steps: Annotated[int, within(at_least=0, at_most=1_000_000)] = 600
    """Gradient steps of the language model on them."""
    sft_batch_size: Annotated[int, within(at_least=1, at_most=100_000)] = 32
    """Demonstrations in each of these steps."""
    sft_learning_rate: Annotated[float, within(above=0, at_most=1)] = 1e-2
    """AdamW's step size for them, at its highest: it rises for a tenth of the steps, then falls to 0 as a cosine."""

    def __post_init__(self) -> None:
        require_bounds(self)


def fit_to_demonstrations(
    config: SupervisedConfig,
    generator: np.random.Generator,
    device: str = "cpu",
    on_step: Callable[[int, float], object] = lambda step, loss: None,
) -> LanguageModel:
    """A language model that answers as people did: maximum likelihood of demonstrations that are drawn here.

    `on_step` hears of each gradient step, from 1, and of its loss in nats a token.
    """
    network = Transformer(torch.Generator().manual_seed(int(generator.integers(2**63)))).to(device)
    questions, answers = to_tensors(torch.device(device), *demonstrations(generator, config.demonstrations))
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.sft_learning_rate, betas=(0.9, 0.98), fused=True)
    order = np.empty(0, dtype=np.int64)
    for step in range(1, config.sft_steps + 1):
        while len(order) < config.sft_batch_size:
            order = np.concatenate([order, generator.permutation(len(answers))])
        batch, order = np.split(order, [config.sft_batch_size])
        optimizer.param_groups[0]["lr"] = config.sft_learning_rate * _schedule(step / config.sft_steps)
        logits = network.logits(answer_features(network, questions[batch], answers[batch]))
        loss = -log_probabilities(logits, answers[batch]).sum() / written(answers[batch]).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        on_step(step, loss.item())
    return LanguageModel(network)


def _schedule(done: float) -> float:
    """The share of the highest step size, when so much of the steps is done."""
    return min(1.0, 10 * done) * (1 + math.cos(math.pi * done)) / 2
