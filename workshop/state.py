"""What a part of a run goes on from, and the state of random generators in it."""

import random
from typing import Any, Protocol

import numpy as np

# Nested dicts, lists and tuples of tensors, arrays, numbers and text
State = dict[str, Any]


class Part(Protocol):
    """A part of a run that can be saved, and go on from what was saved."""

    def state(self) -> State:
        """Everything that it goes on from."""

    def restore(self, state: State) -> None:
        """Go on from there."""


def state_of(generator: np.random.Generator) -> State:
    """The state of a generator, of plain numbers and text."""
    return dict(generator.bit_generator.state)


def restore(generator: np.random.Generator, state: State) -> None:
    """Let the generator go on from that state."""
    generator.bit_generator.state = state


def global_state() -> State:
    """The states of the global generators of Python, NumPy and PyTorch, which Stable-Baselines3 draws from."""
    import torch  # which takes a second, and not every program needs it

    name, key, *rest = np.random.get_state(legacy=True)
    version, words, gauss = random.getstate()
    return {
        "python": [version, np.array(words), gauss],
        "numpy": [name, np.asarray(key).astype(np.int64), *rest],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all(),
    }


def restore_global(state: State) -> None:
    """Let the global generators go on from those states."""
    import torch

    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    name, key, *rest = state["numpy"]
    np.random.set_state((name, key.astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    torch.cuda.set_rng_state_all(state["cuda"])
