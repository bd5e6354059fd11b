"""The state of random generators, to go on from."""

import random
from typing import Any

import numpy as np
import torch


def state_of(generator: np.random.Generator) -> dict[str, Any]:
    """The state of a generator, of plain numbers and text."""
    return dict(generator.bit_generator.state)


def restore(generator: np.random.Generator, state: dict[str, Any]) -> None:
    """Let the generator go on from that state."""
    generator.bit_generator.state = state


def global_state() -> dict[str, Any]:
    """The states of the global generators of Python, NumPy and PyTorch, which Stable-Baselines3 draws from."""
    name, key, *rest = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": [name, np.asarray(key).astype(np.int64), *rest],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all(),
    }


def restore_global(state: dict[str, Any]) -> None:
    """Let the global generators go on from those states."""
    random.setstate(state["python"])
    name, key, *rest = state["numpy"]
    np.random.set_state((name, key.astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    torch.cuda.set_rng_state_all(state["cuda"])
