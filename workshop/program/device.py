"""Where the networks live."""

import torch
from threadpoolctl import threadpool_limits

from workshop.messages import UsageError


def set_up_device(name: str) -> str:
    """Turn "cpu", "cuda" or "auto" into the device to train on; a UsageError if there is no such device.

    On the CPU one thread is as fast as several for nets this small, and leaves the other cores to other runs; that
    goes for NumPy's matrix products, too.
    """
    torch.set_num_threads(1)
    threadpool_limits(1)
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: PyTorch finds no CUDA GPU here; --device cpu or auto will do.")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name
