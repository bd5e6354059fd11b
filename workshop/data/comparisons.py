"""Comparisons: pairs of fragments, and which of the two was preferred."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from workshop.data.elements import Space, no_elements
from workshop.data.fragments import Fragments


@dataclass
class Comparisons:
    """n pairs of fragments, and the answers, to which later ones can be added.

    | field | what |
    | --- | --- |
    | fragments_a, fragments_b | the pairs, n fragments each |
    | preferences | float64 of shape (n,): 0.0 for a, 1.0 for b, 0.5 for equally good; NaN for a question: a pair \
that has no answer yet, or that the oracle skipped |
    | labellers | text of shape (n,): who answered, a person or a group; "" where nobody says |
    """

    fragments_a: Fragments
    fragments_b: Fragments
    preferences: np.ndarray
    labellers: np.ndarray = None  # type: ignore[assignment]  # nobody says, then

    def __post_init__(self) -> None:
        if self.labellers is None:
            self.labellers = np.full(len(self.preferences), "")

    @classmethod
    def empty(cls, length: int, observation_space: Space, action_space: Space) -> "Comparisons":
        """No comparisons yet, of fragments of `length` steps."""
        observations, actions = (no_elements(space, 0, length) for space in (observation_space, action_space))
        none = Fragments(observations, actions, np.empty((0, length), np.float32))
        return cls(none, none, np.empty(0))

    def __len__(self) -> int:
        return len(self.preferences)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything in them by name, for `from_arrays`."""
        sides = {"a": vars(self.fragments_a), "b": vars(self.fragments_b)}
        fragments = {f"{name}_{side}": array for side, arrays in sides.items() for name, array in arrays.items()}
        return fragments | {"preferences": self.preferences, "labellers": self.labellers}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Comparisons":
        """Comparisons with these `arrays`."""
        a, b = (Fragments(**{f.name: arrays[f"{f.name}_{side}"] for f in fields(Fragments)}) for side in "ab")
        return cls(a, b, arrays["preferences"], *(arrays[name] for name in ("labellers",) if name in arrays))

    def __getitem__(self, index: np.ndarray | slice) -> "Comparisons":
        return Comparisons(
            self.fragments_a[index], self.fragments_b[index], self.preferences[index], self.labellers[index]
        )

    @classmethod
    def questions(cls, fragments_a: Fragments, fragments_b: Fragments) -> "Comparisons":
        """These pairs, which nobody has compared yet."""
        return cls(fragments_a, fragments_b, np.full(len(fragments_a), np.nan))

    @property
    def answers(self) -> int:
        """How many of them have an answer."""
        return int(np.count_nonzero(~np.isnan(self.preferences)))

    @property
    def answered(self) -> "Comparisons":
        """Those that have an answer."""
        if self.answers == len(self):
            return self
        return self[~np.isnan(self.preferences)]

    def add(self, later: "Comparisons") -> None:
        """Add those of `later` comparisons that have an answer."""
        self.extend(later.answered)

    def extend(self, later: "Comparisons") -> None:
        """Add `later` comparisons, with an answer or without."""
        vars(self).update(vars(self.followed_by(later)))

    def followed_by(self, later: "Comparisons") -> "Comparisons":
        """These comparisons and then `later` ones."""
        return Comparisons(
            self.fragments_a.followed_by(later.fragments_a),
            self.fragments_b.followed_by(later.fragments_b),
            np.concatenate([self.preferences, later.preferences]),
            np.concatenate([self.labellers, later.labellers]),
        )
