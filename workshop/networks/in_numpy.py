"""Small networks evaluated in NumPy.

For a handful of inputs at a time, as in each step of an agent, PyTorch needs several times as long for a network of
this size as NumPy does. Training is PyTorch's.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

# weights (…, inputs, outputs) and biases (…, 1, outputs) of each layer; leading dimensions are several networks
Layers = Sequence[tuple[np.ndarray, np.ndarray]]

AT_ONCE = 4000  # so many inputs, of all networks together: their hidden layers stay in the processor's cache


def forward(layers: Layers, inputs: np.ndarray, activation: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Outputs, shape (…, n, outputs), for inputs (…, n, inputs); `activation` follows every layer but the last."""
    n, piece = inputs.shape[-2], max(1, AT_ONCE // math.prod(layers[0][0].shape[:-2]))
    if n > piece:
        pieces = (inputs[..., i : i + piece, :] for i in range(0, n, piece))
        return np.concatenate([forward(layers, piece, activation) for piece in pieces], axis=-2)
    *hidden_layers, (last_weight, last_bias) = layers
    hidden = inputs
    for weight, bias in hidden_layers:
        hidden = activation(hidden @ weight + bias)
    return hidden @ last_weight + last_bias


def relu(inputs: np.ndarray) -> np.ndarray:
    """The larger of each number and zero."""
    rectified: np.ndarray = np.maximum(inputs, 0)
    return rectified


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A tensor's numbers, without its gradient; on the CPU they stay shared with it."""
    return tensor.detach().cpu().numpy()
