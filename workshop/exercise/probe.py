"""Asks a `preference_loss` for its values and gradients, and complains of answers that are no loss at all."""

import math
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from workshop.messages import UsageError

# (returns_a, returns_b, preferences), tensors of shape (batch,), to a scalar tensor
Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
# returns of a and b, and the answer: 0.0 for a, 1.0 for b, 0.5 for equally good
Comparison = tuple[float, float, float]


class NotWrittenError(UsageError):
    """The loss is still as it was shipped."""


class WrongLossError(UsageError):
    """What is wrong with a loss: the mistake's name, the numbers that show it, and a hint."""

    def __init__(self, name: str, numbers: str, hint: str):
        self.name, self.numbers, self.hint = name, numbers, hint
        super().__init__(f"preference_loss is not right yet: {name}.\n  {numbers}\n  Hint: {hint}")


def bradley_terry(a: float, b: float, answer: float) -> float:
    """The right loss of one comparison: -[(1 - p) log P(a) + p log P(b)], with P(b) = 1 / (1 + exp(R_a - R_b))."""
    return (1 - answer) * _softplus(b - a) + answer * _softplus(a - b)


def probability_of_b(a: float, b: float) -> float:
    """P(b preferred), in [0, 1]."""
    return math.exp(-_softplus(a - b))


def _softplus(x: float) -> float:
    """log(1 + exp(x)), without overflow."""
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


class Probe:
    """Asks a loss for its values and gradients, in float64, and complains of answers that are no loss at all."""

    def __init__(self, loss: Loss):
        self._loss = loss

    def value(self, *comparisons: Comparison) -> float:
        """The loss of a batch of these comparisons."""
        return self._ask(comparisons)[0].item()

    def gradients(self, *comparisons: Comparison) -> tuple[list[float], list[float]]:
        """The derivatives of a batch's loss by each return of a, and by each of b."""
        value, *returns = self._ask(comparisons)
        try:
            gradients = torch.autograd.grad(value, returns, allow_unused=True)
        except RuntimeError as error:
            raise WrongLossError(
                "its gradient cannot be computed",
                f"{type(error).__name__}: {str(error).split('. ')[0]}",
                "just return the loss: calling .backward() and stepping the optimiser come later, in reward_model.py.",
            ) from None
        by_a, by_b = ([0.0] * len(comparisons) if g is None else g.tolist() for g in gradients)
        return by_a, by_b

    def check_form(self) -> None:
        """Raise a WrongLossError unless the loss gives a finite scalar that gradients flow through."""
        comparisons: list[Comparison] = [(1, 0, 0), (0, 2, 1), (0.5, 0, 1)]
        value, *_ = self._ask(comparisons)
        again = self.value(*comparisons)
        if value.item() != again and not math.isnan(again):
            raise WrongLossError(
                "it gives different values for the same comparisons",
                f"Asked twice, it gave {value.item():.4f} and {again:.4f}.",
                "nothing random and nothing remembered from earlier calls belongs into a loss.",
            )
        if not value.requires_grad:
            if self.is_a_step():
                raise hard_threshold()
            raise WrongLossError(
                "no gradient flows through what it returns",
                "It returns a tensor that has forgotten how it was computed.",
                "what turns a tensor into a number (.item(), float()), .detach() and torch.no_grad() cut the gradient.",
            )

    def is_a_step(self) -> bool:
        """Whether the value depends on nothing but which return is the larger."""
        greater = {self.value((a, b, 1)) for a, b in ((2, 1), (5, 1), (9, -3))}
        smaller = {self.value((a, b, 1)) for a, b in ((1, 2), (1, 5), (-3, 9))}
        return len(greater) == len(smaller) == 1

    def _ask(self, comparisons: Sequence[Comparison]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        a, b, preferences = (torch.tensor(column, dtype=torch.float64) for column in zip(*comparisons, strict=True))
        a.requires_grad_()
        b.requires_grad_()
        # copies, which are no leaves of the graph of gradients: as in training, they can be written to
        given = {"returns_a": a.clone(), "returns_b": b.clone(), "preferences": preferences.clone()}
        value = self._call(*given.values())
        for (name, after), before in zip(given.items(), (a, b, preferences), strict=True):
            if not torch.equal(after, before):
                raise WrongLossError(
                    "it changes its inputs",
                    f"{name} was {before.tolist()} before the call and {after.tolist()} after it.",
                    "+=, -= and functions whose names end in _ write into the tensor that they are given.",
                )
        _check_type(value, len(comparisons))
        return value, a, b

    def _call(self, returns_a: torch.Tensor, returns_b: torch.Tensor, preferences: torch.Tensor) -> torch.Tensor:
        try:
            return self._loss(returns_a, returns_b, preferences)
        except NotImplementedError as stub:
            file, line, _ = _place(stub)
            raise NotWrittenError(
                f"{file}, line {line}: preference_loss is not written yet.\n"
                "Write it there: the text above that line gives the formula. Then run the same command again.\n"
                "Stuck? Add --hint. To see the rest of the workshop first, add --solution."
            ) from None
        except Exception as error:
            file, line, source = _place(error)
            raise WrongLossError(
                "it raises an error",
                f"{file}, line {line}: {source}\n  {type(error).__name__}: {error}",
                "it was given three tensors of one shape, (batch,), with numbers of type float64.",
            ) from None


def hard_threshold() -> WrongLossError:
    """The loss only sees which return is the larger."""
    return WrongLossError(
        "a hard threshold, which has no gradient",
        "It depends on which return is the larger, but not on by how much.",
        "comparing, rounding and taking signs leave nothing to learn from: the loss has to be smooth in the returns.",
    )


def broadcasting(numbers: str) -> WrongLossError:
    """Every comparison's return meets every comparison's answer."""
    return WrongLossError(
        "shapes (batch,) and (batch, 1) were mixed",
        numbers,
        "PyTorch then pairs each comparison with every other. Print the shapes of what you combine.",
    )


def _check_type(value: object, batch: int) -> None:
    if value is None:
        raise WrongLossError("it returns nothing", "It returns None.", "the last line has to return the loss.")
    if not isinstance(value, torch.Tensor):
        number = isinstance(value, bool | int | float)
        raise WrongLossError(
            "it returns a plain number, not a tensor" if number else "it returns something other than a tensor",
            f"It returns {value!r}, of type {type(value).__name__}.",
            "gradients flow through tensors only: stay with PyTorch's functions, without float() or .item().",
        )
    if value.shape == (batch, batch) and batch > 1:
        raise broadcasting(f"For a batch of {batch} it returns a tensor of shape {tuple(value.shape)}.")
    if value.shape != ():
        raise WrongLossError(
            "it returns a vector, not one number",
            f"For a batch of {batch} it returns a tensor of shape {tuple(value.shape)}.",
            "each comparison has its own loss; what is wanted is a single number for the whole batch.",
        )


def _place(error: Exception) -> tuple[str, int | None, str | None]:
    """Where an error arose, in the participant's own file if it passed there: the file's name, the line, its text."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename and frame.filename != __file__]
    frame = (own or frames)[-1]
    return Path(frame.filename).name, frame.lineno, frame.line
