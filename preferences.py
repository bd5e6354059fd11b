"""Fragments of trajectories, when and about which pairs of them to ask, and the comparisons kept."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from scipy.special import entr

from workshop.data.rollouts import Rollouts
from workshop.environments.spaces import Space, no_elements
from workshop.messages import RunError, UsageError, require_number
from workshop.records.checkpoint import State

HYPERBOLA = 10  # a tenth of the run halves the rate: 5e6 of 5e7 steps in Christiano et al. 2017, appendix A.2
QUESTIONS_PER_ANSWER = 10  # asked at most, where the oracle skips
SETTLED = 0.99  # a held-out loss that is not below this share of the lowest one is no improvement


@dataclass(frozen=True)
class PreferencesConfig:
    """Which fragments are compared, and when."""

    comparisons: int = 36
    """Comparisons to ask for in the whole run."""
    comparisons_from: tuple[Path, ...] = ()
    """Learn from the answers recorded in these runs first; --comparisons are then 0 by default."""
    fragment_length: int = 20
    """Steps in each of the two fragments of a comparison."""
    query: Literal["uniform", "disagreement", "entropy", "information-gain"] = "disagreement"
    """Which pairs to ask about: any, or those of a pool that the ensemble is most uncertain about in this sense."""
    diversity: Literal["none", "k-centre"] = "none"
    """k-centre: of the more uncertain half of the pool, ask about those least like all that were asked before."""
    pool_factor: int = 10
    """Candidate pairs drawn for each question asked."""
    schedule: Literal["constant", "frontloaded", "hyperbolic"] = "frontloaded"
    """When to ask: evenly; most at first; or ever less often, as 1 / (1 + 10 * the share of the run that is over)."""
    frontload: float = 16.0
    """With --schedule frontloaded: how many times larger the first batch of comparisons is than each later one."""
    comparisons_per_fit: int = 1
    """Comparisons asked for between two fits of the reward model: with one, each question builds on all answers."""
    stop_asking: Literal["budget", "settled"] = "budget"
    """When to stop asking: once all is asked, or earlier, when the held-out loss has settled."""
    settle_patience: int = 4
    """With --stop-asking settled: iterations without a lower held-out loss (by 1 %) after which it has settled."""
    pretrain: bool = True
    """Fit the reward model to comparisons of a random policy's rollouts before the agent first trains."""
    recent_fraction: float = 0.5
    """Share of the fragments that come from the newest rollouts; the others come from all older ones."""

    def __post_init__(self) -> None:
        require_number("--comparisons", self.comparisons, at_least=0, at_most=1_000_000)
        require_number("--fragment-length", self.fragment_length, at_least=1, at_most=100_000)
        require_number("--pool-factor", self.pool_factor, at_least=1, at_most=100)
        require_number("--comparisons-per-fit", self.comparisons_per_fit, at_least=1, at_most=10_000)
        require_number("--frontload", self.frontload, at_least=0.001, at_most=1_000_000)
        require_number("--settle-patience", self.settle_patience, at_least=1, at_most=100_000)
        require_number("--recent-fraction", self.recent_fraction, at_least=0, at_most=1)
        if self.pool_factor == 1 and (self.query != "uniform" or self.diversity != "none"):
            chooser = f"--query {self.query}" if self.query != "uniform" else f"--diversity {self.diversity}"
            raise ValueError(f"--pool-factor 1 leaves {chooser} nothing to choose from; it must be at least 2.")

    def due(self, iterations: int) -> np.ndarray:
        """How many answers there should be after each of the iterations 0 (before the agent has trained), 1, …

        Integers of shape (iterations + 1,), rising to `comparisons`. None are due before the first training without
        pre-training, and none are added after the last iteration, since no training follows it.
        """
        first = 0 if self.pretrain else 1
        weights = np.zeros(iterations + 1)
        weights[first:iterations] = 1
        if self.schedule == "frontloaded":
            weights[first] = self.frontload
        elif self.schedule == "hyperbolic":
            weights[first:iterations] = 1 / (1 + HYPERBOLA * np.arange(first, iterations) / iterations)
        due = np.ceil(np.cumsum(weights) / weights.sum() * self.comparisons - 1e-9)  # the first batch is never empty
        whole: np.ndarray = due.astype(int)
        return whole


@dataclass(frozen=True)
class Fragments:
    """n contiguous pieces of episodes, each of L steps.

    | field | shape | what |
    | --- | --- | --- |
    | observations | (n, L, *observation shape) | the states acted in |
    | actions | (n, L, *action shape) | the actions taken in them |
    | true_rewards | (n, L), float32 | the environment's own rewards: for the oracle alone |
    """

    observations: np.ndarray
    actions: np.ndarray
    true_rewards: np.ndarray

    def __len__(self) -> int:
        return len(self.true_rewards)

    def __getitem__(self, index: np.ndarray | slice) -> "Fragments":
        return Fragments(*(getattr(self, field.name)[index] for field in fields(self)))

    def followed_by(self, later: "Fragments") -> "Fragments":
        """These fragments and then `later` ones."""
        return Fragments(*(np.concatenate([getattr(self, f.name), getattr(later, f.name)]) for f in fields(self)))

    @property
    def true_returns(self) -> np.ndarray:
        """The undiscounted sums of the true rewards, float64 of shape (n,)."""
        returns: np.ndarray = self.true_rewards.sum(axis=1, dtype=np.float64)
        return returns


@dataclass(frozen=True)
class Comparisons:
    """n pairs of fragments, and the answers: float64 of shape (n,).

    0.0 stands for a, 1.0 for b, 0.5 for equally good, NaN for a pair that the oracle skipped.
    """

    fragments_a: Fragments
    fragments_b: Fragments
    preferences: np.ndarray

    @classmethod
    def empty(cls, length: int, observation_space: Space, action_space: Space) -> "Comparisons":
        """No comparisons yet, of fragments of `length` steps."""
        none = Fragments(
            no_elements(observation_space, 0, length),
            no_elements(action_space, 0, length),
            np.empty((0, length), np.float32),
        )
        return cls(none, none, np.empty(0))

    def __len__(self) -> int:
        return len(self.preferences)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything in them by name, for `from_arrays`."""
        return {
            **{f"{name}_a": array for name, array in vars(self.fragments_a).items()},
            **{f"{name}_b": array for name, array in vars(self.fragments_b).items()},
            "preferences": self.preferences,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Comparisons":
        """Comparisons with these `arrays`."""
        a, b = (Fragments(**{f.name: arrays[f"{f.name}_{side}"] for f in fields(Fragments)}) for side in "ab")
        return cls(a, b, arrays["preferences"])

    def __getitem__(self, index: np.ndarray | slice) -> "Comparisons":
        return Comparisons(self.fragments_a[index], self.fragments_b[index], self.preferences[index])

    @property
    def answered(self) -> "Comparisons":
        """Those that the oracle did not skip."""
        return self[~np.isnan(self.preferences)]

    def followed_by(self, later: "Comparisons") -> "Comparisons":
        """These comparisons and then `later` ones."""
        return Comparisons(
            self.fragments_a.followed_by(later.fragments_a),
            self.fragments_b.followed_by(later.fragments_b),
            np.concatenate([self.preferences, later.preferences]),
        )


class Questions:
    """Keeps count of the answers, and says how many questions to ask next, and whether to go on.

    What the oracle skips is asked again, about another pair, so that the budget is spent on answers. An oracle that
    skips nearly everything cannot hold up the run: an iteration asks at most ten times as many questions as it needs
    answers, and what is missing then is asked for in the next one.

    | attribute | what |
    | --- | --- |
    | answered, skipped | int, so far |
    | learned_before | int, answers of other runs that were learned from first |
    | stopped | why nothing more is asked: "budget" or "settled"; "" while it goes on |
    """

    def __init__(self, config: PreferencesConfig, iterations: int, learned_before: int = 0):
        self._config = config
        self._due = config.due(iterations)
        self._iteration, self._may_ask = -1, 0
        self._lowest_loss, self._iterations_since, self._judged_with = np.inf, 0, 0
        self.answered, self.skipped, self.learned_before = 0, 0, learned_before
        self.stopped = "" if config.comparisons else "budget"

    def state(self) -> State:
        """What the count goes on from."""
        return {name: value for name, value in vars(self).items() if name not in ("_config", "_due")}

    def restore(self, state: State) -> None:
        """Go on from `state`. Raises a RunError if there are more or fewer answers of other runs than there were."""
        if state["learned_before"] != self.learned_before:
            raise RunError(
                f"--comparisons-from gave {state['learned_before']} answers when the run began, and gives "
                f"{self.learned_before} now, so it cannot go on as if it had never been stopped."
            )
        vars(self).update(state)

    def next_batch(self, iteration: int) -> int:
        """How many questions to ask next in this iteration; 0 when there are no more."""
        missing = int(self._due[iteration]) - self.answered
        if iteration != self._iteration:
            self._iteration, self._may_ask = iteration, QUESTIONS_PER_ANSWER * missing
        if self.stopped:
            return 0
        return max(0, min(missing, self._config.comparisons_per_fit, self._may_ask))

    def count(self, preferences: np.ndarray) -> np.ndarray:
        """Take note of the answers to one batch, shape (n,), with NaN for a skipped pair, and return them."""
        skipped = int(np.isnan(preferences).sum())
        self.skipped += skipped
        self.answered += len(preferences) - skipped
        self._may_ask -= len(preferences)
        if self.answered >= self._due[-1]:
            self.stopped = "budget"
        return preferences

    def progress(self) -> dict[str, float | str]:
        """The columns of `progress.csv` that tell how much was asked."""
        comparisons = self.learned_before + self.answered
        return {"comparisons": comparisons, "skipped": self.skipped, "stopped_asking": self.stopped}

    def judge(self, held_out_loss: float) -> None:
        """Stop asking if the held-out loss, given once an iteration (NaN if unknown), has settled."""
        if self._config.stop_asking == "budget" or self.stopped or self.answered == self._judged_with:
            return
        self._judged_with = self.answered
        if held_out_loss < SETTLED * self._lowest_loss:
            self._lowest_loss, self._iterations_since = held_out_loss, 0
        elif not np.isnan(held_out_loss):
            self._iterations_since += 1
        if self._iterations_since >= self._config.settle_patience:
            self.stopped = "settled"


class RewardEnsemble(Protocol):
    """What choosing questions needs to know from the reward model."""

    def member_probabilities(self, fragments_a: Fragments, fragments_b: Fragments) -> np.ndarray:
        """Each of M members' P(b preferred) for n pairs, shape (M, n)."""

    def describe(self, fragments: Fragments) -> np.ndarray:
        """What each of n fragments is like, as a row of numbers of about unit variance, shape (n, d)."""


def sample_pairs(
    rollouts: Rollouts,
    n: int,
    asked: Comparisons,
    config: PreferencesConfig,
    ensemble: RewardEnsemble,
    generator: np.random.Generator,
) -> tuple[Fragments, Fragments]:
    """Choose n pairs of different fragments to ask about, `asked` having been asked about before.

    They are drawn at random or, by `query` and `diversity`, chosen from a random pool of `pool_factor` times n.
    """
    choosy = config.query != "uniform" or config.diversity != "none"
    candidates = n * config.pool_factor if choosy else n
    starts_a, starts_b = _sample_starts(rollouts, candidates, config, generator)
    a, b = (cut(rollouts, starts, config.fragment_length) for starts in (starts_a, starts_b))
    if not choosy:
        return a, b
    ranking = np.arange(candidates)
    if config.query != "uniform":
        ranking = np.argsort(-uncertainty(config.query, ensemble.member_probabilities(a, b)), kind="stable")
    chosen = ranking[:n]
    if config.diversity == "k-centre":
        shortlist = ranking[: max(2 * n, candidates // 2)] if config.query != "uniform" else ranking
        pool, before = ((ensemble.describe(x), ensemble.describe(y)) for x, y in (
            (a[shortlist], b[shortlist]), (asked.fragments_a, asked.fragments_b)
        ))  # fmt: skip
        chosen = shortlist[k_centre(pool, before, n)]
    return a[chosen], b[chosen]


def uncertainty(query: str, probabilities: np.ndarray) -> np.ndarray:
    """How uncertain M members are about n pairs, given their P(b preferred), shape (M, n); ≥ 0, shape (n,).

    | query | what | source |
    | --- | --- | --- |
    | disagreement | the members' standard deviation | Christiano et al. 2017, section 2.2.4 |
    | entropy | of their mean, in nats: also high where all agree that it is a toss-up | Lee et al. 2021 (B-Pref) |
    | information-gain | that entropy less the members' own mean entropy: what an answer tells about which \
      member is right, in nats | Houlsby et al. 2011 (BALD); Bıyık et al. 2019 |
    """
    uncertain: np.ndarray
    if query == "disagreement":
        uncertain = probabilities.std(axis=0)
    elif query == "entropy":
        uncertain = _entropy(probabilities.mean(axis=0))
    else:
        uncertain = np.maximum(0, _entropy(probabilities.mean(axis=0)) - _entropy(probabilities).mean(axis=0))
    return uncertain


def k_centre(pool: tuple[np.ndarray, np.ndarray], before: tuple[np.ndarray, np.ndarray], n: int) -> np.ndarray:
    """The indices of n pairs of a pool, each as far as can be from the nearest of those before it.

    The greedy k-centre algorithm (Sener and Savarese 2018). A pair is described by two rows, one in each array of
    shape (pairs, d); the distance of two pairs is Euclid's, with the fragments of one exchanged if that is nearer.
    """
    from scipy.spatial import KDTree  # not every run needs it, and it takes a while

    either_way = np.concatenate([np.hstack(pool), np.hstack(pool[::-1])])
    straight, exchanged = np.split(either_way, 2)
    # a tree finds the nearest of very many, where their distances from the pool would not fit into the memory
    nearest, _ = KDTree(np.hstack(before)).query(either_way)
    distances = np.minimum(*np.split(nearest, 2))
    chosen: list[int] = []
    for _ in range(n):
        chosen.append(int(np.argmax(distances)))
        for x in (straight, exchanged):
            distances = np.minimum(distances, np.linalg.norm(x - straight[chosen[-1]], axis=1))
        distances[chosen] = -1
    return np.array(chosen)


def cut(rollouts: Rollouts, starts: np.ndarray, length: int) -> Fragments:
    """The fragments of `length` steps that begin at `starts`: integers (n, 2), step and environment."""
    steps, environments = starts[:, :1] + np.arange(length), starts[:, 1:]
    return Fragments(
        rollouts.observations[steps, environments],
        rollouts.actions[steps, environments],
        rollouts.true_rewards[steps, environments],
    )


def _sample_starts(
    rollouts: Rollouts, n: int, config: PreferencesConfig, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Where n pairs of fragments begin, two arrays (n, 2); the two of a pair are never the same."""
    starts = rollouts.fragment_starts(config.fragment_length)
    recent = starts[:, 0] + config.fragment_length > rollouts.newest  # it ends in the newest rollouts
    if len(starts) < 2:
        raise UsageError(
            f"--fragment-length {config.fragment_length}: no two fragments of so many steps lie within an episode "
            "of the rollouts. Choose a smaller one."
        )
    weights = np.zeros(len(starts))
    for group, share in ((recent, config.recent_fraction), (~recent, 1 - config.recent_fraction)):
        weights[group] = share / max(1, group.sum())
    if np.count_nonzero(weights) < 2:  # too few of the wanted kind to make a pair: any will do
        weights[:] = 1
    weights /= weights.sum()
    first, second = (generator.choice(len(starts), size=n, p=weights) for _ in range(2))
    while (same := first == second).any():
        second[same] = generator.choice(len(starts), size=same.sum(), p=weights)
    return starts[first], starts[second]


def _entropy(probability: np.ndarray) -> np.ndarray:
    """Of a coin that shows heads with this probability, in nats."""
    entropy: np.ndarray = entr(probability) + entr(1 - probability)
    return entropy
