"""When to ask for comparisons, and about which pairs of fragments."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from scipy.special import entr

from oracle import Oracle
from reward_model import RewardModel
from workshop.bounds import require_bounds, within
from workshop.data import Comparisons, Fragments, Rollouts, cut
from workshop.messages import UsageError
from workshop.state import State, restore, state_of

HYPERBOLA = 10  # a tenth of the run halves the rate: 5e6 of 5e7 steps in Christiano et al. 2017, appendix A.2
QUESTIONS_PER_ANSWER = 10  # asked at most, where the oracle skips
COUNTS = (
    "answered",
    "skipped",
    "stopped",
    "_iteration",
    "_may_ask",
    "_lowest_loss",
    "_iterations_since",
    "_judged_with",
)
SETTLED = 0.99  # a held-out loss that is not below this share of the lowest one is no improvement


@dataclass(frozen=True)
class PreferencesConfig:
    """Which fragments are compared, and when."""

    comparisons: Annotated[int, within(at_least=0, at_most=200_000)] = 24
    """Comparisons to ask for in the whole run."""
    comparisons_from: tuple[Path, ...] = ()
    """Learn from the answers recorded in these runs first; --comparisons are then 0 by default."""
    mix_goals: bool = False
    """With --comparisons-from: learn from answers that were given for different goals, too."""
    fragment_length: Annotated[int, within(at_least=1, at_most=100_000)] = 20
    """Steps in each of the two fragments of a comparison."""
    query: Literal["uniform", "disagreement", "entropy", "information-gain"] = "disagreement"
    """Which pairs to ask about: any, or those of a pool that the ensemble is most uncertain about in this sense."""
    diversity: Literal["none", "k-centre"] = "none"
    """k-centre: of the more uncertain half of the pool, ask about those least like all that were asked before."""
    pool_factor: Annotated[int, within(at_least=1, at_most=100)] = 20
    """Candidate pairs drawn for each question asked."""
    schedule: Literal["constant", "frontloaded", "hyperbolic"] = "constant"
    """When to ask: evenly; most at first; or ever less often, as 1 / (1 + 10 * the share of the run that is over)."""
    frontload: Annotated[float, within(at_least=0.001, at_most=1_000_000)] = 16.0
    """With --schedule frontloaded: how many times larger the first batch of comparisons is than each later one."""
    comparisons_per_fit: Annotated[int, within(at_least=1, at_most=10_000)] = 1
    """Comparisons asked for between two fits of the reward model: with one, each question builds on all answers."""
    ask_ahead: Annotated[int, within(at_least=0, at_most=1000)] = 0
    """Questions asked before the answers to those before them are learned from: a person then need not wait."""
    stop_asking: Literal["budget", "settled"] = "budget"
    """When to stop asking: once all is asked, or earlier, when the held-out loss has settled."""
    settle_patience: Annotated[int, within(at_least=1, at_most=100_000)] = 4
    """With --stop-asking settled: iterations without a lower held-out loss (by 1 %) after which it has settled."""
    pretrain: bool = True
    """Fit the reward model to comparisons of a random policy's rollouts before the agent first trains."""
    recent_fraction: Annotated[float, within(at_least=0, at_most=1)] = 0.5
    """Share of the fragments that come from the newest rollouts; the others come from all older ones."""

    def __post_init__(self) -> None:
        require_bounds(self)
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


class Questions:
    """Chooses what to ask, keeps count of the answers, and says when to stop.

    Answers of other runs, if there are any, come first. What the oracle skips is asked again, about another pair, so
    that the budget is spent on answers. Questions may be asked ahead (`ask_ahead`): the oracle is shown them then, and
    they are compared in that order, each so many answers later; as long as nobody has looked at them, they are replaced
    when more is known. An oracle that skips nearly everything cannot hold up
    the run: an iteration asks at most ten times as many questions as it needs answers, and what is missing then is
    asked for in the next one.

    | argument | what |
    | --- | --- |
    | iterations | of the run |
    | rollouts, comparisons | all so far; whoever has them adds to them |
    | recorded | answers of other runs |
    | oracle | whoever is shown what is asked ahead, and may take answers back; None: nobody |
    | asking | whether anything is asked at all: not where the true reward trains the agent |

    | attribute | what |
    | --- | --- |
    | answered, skipped | int, so far |
    | stopped | why nothing more is asked: "budget" or "settled"; "" while it goes on |
    """

    def __init__(
        self,
        config: PreferencesConfig,
        iterations: int,
        rollouts: Rollouts,
        comparisons: Comparisons,
        recorded: Comparisons,
        reward_model: RewardModel,
        generator: np.random.Generator,
        oracle: Oracle | None = None,
        asking: bool = True,
    ):
        self._config, self._due, self._asking = config, config.due(iterations), asking
        self._oracle, self._ahead = oracle, comparisons[:0]
        self._rollouts, self._comparisons, self._recorded = rollouts, comparisons, recorded
        self._reward_model, self._generator = reward_model, generator
        self._iteration, self._may_ask = -1, 0
        self._lowest_loss, self._iterations_since, self._judged_with = np.inf, 0, 0
        self.answered, self.skipped = 0, 0
        self.stopped = "" if config.comparisons else "budget"

    def pairs(self, iteration: int) -> Iterator[Comparisons]:
        """What is to be compared in this iteration, a batch at a time; the answers are expected in `comparisons`.

        Those of other runs have their answers already.
        """
        while (batch := self._next(iteration)) is not None:
            before = self._comparisons.answers
            yield batch
            if len(batch.answered) == 0:
                self._count(len(batch), self._comparisons.answers - before)

    def _next(self, iteration: int) -> Comparisons | None:
        if not self._asking or len(self._rollouts) == 0:
            return None
        if len(self._comparisons) < len(self._recorded):
            return self._recorded[len(self._comparisons) :][: self._config.comparisons_per_fit]
        n = self.next_batch(iteration)
        self._ask_ahead(n)
        batch, self._ahead = self._ahead[slice(n)], self._ahead[slice(n, None)]
        last = iteration == len(self._due) - 1
        if n == 0 and not (self._oracle is not None and self._oracle.revised(last)):
            return None
        return batch

    def _ask_ahead(self, n: int) -> None:
        """Choose what is asked next, until n questions are there to be compared, and those to be asked ahead.

        More is known than when the earlier ones were chosen: those that nobody has looked at yet are chosen anew.
        """
        if n == 0:
            return
        if self._oracle is not None and len(self._ahead):
            self._ahead = self._ahead[: len(self._ahead) - self._oracle.withdraw()]
        ahead = self._config.ask_ahead if self._oracle is None else self._oracle.ahead(self._config.ask_ahead)
        missing = min(n + ahead, int(self._due[-1]) - self.answered) - len(self._ahead)
        if missing <= 0:
            return
        asked = self._comparisons.followed_by(self._ahead) if len(self._ahead) else self._comparisons
        pairs = sample_pairs(self._rollouts, missing, asked, self._config, self._reward_model, self._generator)
        questions = Comparisons.questions(*pairs)
        self._ahead = self._ahead.followed_by(questions)
        if ahead and self._oracle is not None:
            self._oracle.show(questions)

    def next_batch(self, iteration: int) -> int:
        """How many questions to ask next in this iteration; 0 when there are no more."""
        missing = int(self._due[iteration]) - self.answered
        if iteration != self._iteration:
            self._iteration, self._may_ask = iteration, QUESTIONS_PER_ANSWER * missing
        if self.stopped:
            return 0
        return max(0, min(missing, self._config.comparisons_per_fit, self._may_ask))

    def _count(self, asked: int, answered: int) -> None:
        """Take note of how many of the questions of one batch were answered; the others were skipped."""
        self.skipped += asked - answered
        self.answered += answered
        self._may_ask -= asked
        if self.answered >= self._due[-1]:
            self.stopped = "budget"

    def progress(self) -> dict[str, float | str]:
        """The columns of `progress.csv` that tell how much was asked."""
        comparisons = len(self._recorded) + self.answered
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

    def state(self) -> State:
        """What asking goes on from."""
        return {
            "generator": state_of(self._generator),
            "ahead": self._ahead.arrays(),
            **{name: getattr(self, name) for name in COUNTS},
        }

    def restore(self, state: State) -> None:
        """Go on from `state`; the answers of other runs are those that it began with."""
        restore(self._generator, state["generator"])
        self._ahead = Comparisons.from_arrays(state["ahead"])
        vars(self).update({name: state[name] for name in COUNTS})


def sample_pairs(
    rollouts: Rollouts,
    n: int,
    asked: Comparisons,
    config: PreferencesConfig,
    ensemble: RewardModel,
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
