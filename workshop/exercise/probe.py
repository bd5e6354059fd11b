"""Asks a `preference_loss` for its values and gradients, and complains of answers that are no loss at all."""

import ast
import inspect
import math
import textwrap
import tomllib
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import torch

from workshop.messages import UsageError

# (returns_a, returns_b, preferences), tensors of shape (batch,), to a scalar tensor
Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
# returns of a and b, and the answer: 0.0 for a, 1.0 for b, 0.5 for equally good
Comparison = tuple[float, float, float]

STEP = "It depends on which return is the larger, but not on by how much."
IMPORTS = {
    "F": "from torch.nn import functional as F",
    "functional": "from torch.nn import functional",
    "nn": "from torch import nn",
    "np": "import numpy as np",
    "numpy": "import numpy",
    "math": "import math",
}
MISTAKES = tomllib.loads(Path(__file__).with_name("mistakes.toml").read_text(encoding="utf-8"))


class NotWrittenError(UsageError):
    """The loss is still as it was shipped."""


class WrongLossError(UsageError):
    """What is wrong with a loss: the `name` of a mistake of `mistakes.toml`, `numbers` that show it, and a `hint`.

    What stands in braces is `filled` in.
    """

    def __init__(self, mistake: str, numbers: str, **filled: object):
        self.name, self.hint = (MISTAKES[mistake][text].format(**filled) for text in ("name", "hint"))
        self.numbers = numbers
        super().__init__(f"preference_loss is not right yet: {self.name}.\n  {numbers}\n  Hint: {self.hint}")


def at(a: float, b: float, answer: float) -> str:
    """Which comparison it is that something is said of."""
    return f"At returns {a:g} and {b:g}, answer {answer:g}"


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
    """Asks a loss in float64; every answer that is no loss at all is a WrongLossError."""

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
            raise WrongLossError("gradient-fails", f"{type(error).__name__}: {str(error).split('. ')[0]}") from None
        by_a, by_b = ([0.0] * len(comparisons) if g is None else g.tolist() for g in gradients)
        return by_a, by_b

    def check_form(self) -> None:
        """Raise a WrongLossError unless the loss gives a finite scalar that gradients flow through."""
        comparisons: list[Comparison] = [(1, 0, 0), (0, 2, 1), (0.5, 0, 1)]
        value, *returns = self._ask(comparisons)
        again = self.value(*comparisons)
        if value.item() != again and not math.isnan(again):
            raise WrongLossError("random", f"Asked twice, it gave {value.item():.4f} and {again:.4f}.")
        if not (value.requires_grad and _reaches(value, returns)):
            if self.is_a_step():
                raise WrongLossError("threshold", STEP)
            if value.requires_grad:
                raise WrongLossError("gradient-cut", "It asks for gradients, but not one arrives at the returns.")
            raise WrongLossError("no-gradient", "It returns a tensor that has forgotten how it was computed.")

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
                    "changes-inputs", f"{name} was {before.tolist()} before the call and {after.tolist()} after it."
                )
        _check_type(value, len(comparisons))
        return value, a, b

    def _call(self, returns_a: torch.Tensor, returns_b: torch.Tensor, preferences: torch.Tensor) -> torch.Tensor:
        try:
            return self._loss(returns_a, returns_b, preferences)
        except Exception as error:
            file, line, source = _place(error)
            numbers = f"{file}, line {line}: {source}"
            if isinstance(error, NotImplementedError) and (source is None or source.startswith("raise")):
                if not _is_all_there_is(error):
                    raise WrongLossError("raise-left", numbers) from None
                raise NotWrittenError(
                    f"{file}, line {line}: preference_loss is not written yet.\n"
                    "Write it there: the text above that line gives the formula. Then run the same command again.\n"
                    "Stuck? Add --hint. To see the rest of the workshop first, add --solution."
                ) from None
            if isinstance(error, NameError) and (statement := _import_of(error.name, source)):
                raise WrongLossError("not-imported", numbers, name=error.name, statement=statement) from None
            if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType | torch.Tensor):
                whose = "a tensor" if isinstance(error.obj, torch.Tensor) else error.obj.__name__
                if statement := _import_of(error.name, source):
                    filled = {"whose": whose, "name": error.name, "statement": statement}
                    raise WrongLossError("elsewhere", numbers, **filled) from None
            raise WrongLossError("error", f"{numbers}\n  {type(error).__name__}: {error}") from None


def _import_of(name: str | None, source: str | None) -> str | None:
    """The line that imports what a line of code calls by this name, None where none is known."""
    if name in IMPORTS:
        return IMPORTS[name]
    if name is None or f"{name}(" not in (source or ""):  # a variable, whatever PyTorch may have by its name
        return None
    there = [module for module in (torch.nn.functional, torch, torch.nn) if callable(getattr(module, name, None))]
    return f"from {there[0].__name__} import {name}" if there else None


def _reaches(value: torch.Tensor, returns: Sequence[torch.Tensor]) -> bool:
    """Whether the value was computed from any of the returns, as far as gradients know."""
    try:
        gradients = torch.autograd.grad(value, returns, allow_unused=True)
    except RuntimeError:  # which is told of where the gradients are looked at
        return True
    return any(gradient is not None for gradient in gradients)


def _is_all_there_is(error: BaseException) -> bool:
    """Whether the function in which an error was raised does nothing else, as the exercise when it was shipped."""
    frame = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
    try:
        function = ast.parse(textwrap.dedent(inspect.getsource(frame.f_code))).body[0]
    except (OSError, SyntaxError):
        return True
    statements = getattr(function, "body", [])
    idle = (ast.Pass, ast.Constant)  # the docstring is a constant
    return all(isinstance(getattr(each, "value", each), idle) or isinstance(each, ast.Raise) for each in statements)


def _check_type(value: object, batch: int) -> None:
    if value is None:
        raise WrongLossError("nothing", "It returns None.")
    if not isinstance(value, torch.Tensor):
        number = isinstance(value, bool | int | float)
        what = "a plain number, not a tensor" if number else "something other than a tensor"
        raise WrongLossError("no-tensor", f"It returns {value!r}, of type {type(value).__name__}.", what=what)
    if value.shape != ():
        mistake = "shapes" if value.shape == (batch, batch) and batch > 1 else "vector"
        raise WrongLossError(mistake, f"For a batch of {batch} it returns a tensor of shape {tuple(value.shape)}.")


def _place(error: Exception) -> tuple[str, int | None, str | None]:
    """Where an error arose, in the participant's own file if it passed there: the file's name, the line, its text."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename and frame.filename != __file__]
    frame = (own or frames)[-1]
    return Path(frame.filename).name, frame.lineno, frame.line
