"""The answers of other runs that a run learns from, copied into it at its beginning: it needs nothing else later on."""

from pathlib import Path

import numpy as np

from workshop.data import Comparisons, Space
from workshop.messages import RunError
from workshop.records.comparisons_from import as_elements
from workshop.records.fragment_files import LARGEST_NUMBER
from workshop.safe_files import require_stored, write_safely

LEARNED_FROM = "comparisons_from.npz"


def keep(run: Path, comparisons: Comparisons) -> None:
    """Copy the comparisons into the run's directory, if there are any."""
    if len(comparisons):
        arrays = comparisons.arrays()
        write_safely(run / LEARNED_FROM, lambda stream: np.savez(stream, allow_pickle=False, **arrays))


def kept(run: Path, env_id: str, length: int, observation_space: Space, action_space: Space) -> Comparisons:
    """The comparisons that were copied there, of fragments of `length` steps of these spaces; none without a copy.

    Raises a RunError, one sentence, for whatever else the file holds. No code in it is run.
    """
    path, spaces = run / LEARNED_FROM, (observation_space, action_space)
    if not path.exists():
        return Comparisons.empty(length, *spaces)
    try:
        with path.open("rb") as stream:
            require_stored(stream)
            comparisons = Comparisons.from_arrays(dict(np.load(stream, allow_pickle=False)))
        n = len(comparisons)
        for fragments in (comparisons.fragments_a, comparisons.fragments_b):
            for values, space, name in zip(
                (fragments.observations, fragments.actions), spaces, ("observations", "actions"), strict=True
            ):
                same = as_elements(values, space, name, env_id).dtype == values.dtype
                if not same or values.shape[:2] != (n, length) or (np.abs(values) > LARGEST_NUMBER).any():
                    raise ValueError(name)
            if fragments.true_rewards.shape != (n, length) or fragments.true_rewards.dtype != np.float32:
                raise ValueError("true_rewards")
        if comparisons.preferences.dtype != np.float64 or not np.isin(comparisons.preferences, (0, 0.5, 1)).all():
            raise ValueError("preferences")
    except Exception as problem:  # of broken bytes, zipfile and NumPy make some ten kinds of it
        raise RunError(f"{path} is damaged: it does not hold comparisons to learn from.") from problem
    return comparisons
