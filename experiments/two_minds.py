"""Nobody says that labellers want different things: can it be seen in their answers? `python experiments/two_minds.py`.

Labellers compare clips of a random policy's pole. Some want it upright and some want it to spin, and what is learned
from does not say who wants what. A mixture of reward functions is fitted to the answers by expectation maximisation
(Dempster, Laird, Rubin 1977): who belongs to which group, then a reward for each group, and again. It is told how
likely the answers of as many other labellers are, held out, by two rewards and by one, and how many labellers are put
with their like. With one answer of each two rewards gain a little; with four they tell minds apart.
"""

import sys
from dataclasses import dataclass

import gymnasium
import numpy as np
import torch
from many_runs import Seeds, print_table
from many_runs import share as share_of
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logsumexp

from oracle import OracleConfig, SyntheticOracle
from workshop import CARTPOLE_ID
from workshop.commands import read_flags, run_program
from workshop.data import Rollouts, cut
from workshop.labellers import POLE, of_steps
from workshop.networks import AdditiveEnsemble

GROUPS = "upright", "spin"
SHARES = 0.0, 0.25, 0.5  # of the labellers who want it to spin
EACH = 1, 4, 16  # answers of a labeller
EPISODES, LENGTH = 50, 20  # of a random policy; steps of a clip
PRIOR_STD, BUMP_WIDTH = 0.1, 0.5  # of the additive rewards
ROUNDS, BEGINNINGS = 40, 4  # of expectation and maximisation, at most; and from so many places
SETTLED = 1e-4  # nats an answer


@dataclass(frozen=True)
class Options(Seeds):
    """Fit two rewards, and one, to the answers of two groups."""

    first_seed: int = 100
    """The first seed."""
    answers: int = 320
    """Answers in all, and as many held out."""


@dataclass(frozen=True)
class Answers:
    """What n labellers of m answers each have said.

    | field | what |
    | --- | --- |
    | differences | how far the clips b differ from the clips a in each of D features, (n, m, D) |
    | preferences | 0.0 for a, 1.0 for b, 0.5 for equally good; (n, m) |
    | group | of each labeller: (n,) integers, for the score alone |
    """

    differences: np.ndarray
    preferences: np.ndarray
    group: np.ndarray

    def log_likelihoods(self, weights: np.ndarray) -> np.ndarray:
        """Of each answer, by Bradley and Terry, with a reward of these weights (D,): (n, m)."""
        returns = self.differences @ weights
        found: np.ndarray = self.preferences * log_expit(returns) + (1 - self.preferences) * log_expit(-returns)
        return found


@dataclass(frozen=True)
class Mixture:
    """K rewards by their weights (K, D), and the groups' shares (K,)."""

    weights: np.ndarray
    shares: np.ndarray

    def joint(self, answers: Answers) -> np.ndarray:
        """The log probability of all answers of each labeller and that they are of each group: (n, K)."""
        each = [answers.log_likelihoods(own).sum(axis=1) for own in self.weights]
        found: np.ndarray = np.stack(each, axis=1) + np.log(self.shares)
        return found

    def log_likelihood(self, answers: Answers) -> float:
        """Of all answers, in nats an answer."""
        return float(logsumexp(self.joint(answers), axis=1).sum() / answers.preferences.size)

    def groups(self, answers: Answers) -> np.ndarray:
        """How likely each labeller is of each group, (n, K)."""
        joint = self.joint(answers)
        found: np.ndarray = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
        return found


def main() -> None:
    options = read_flags(Options, sys.argv[1:])
    rows = []
    for share in SHARES:
        for each in EACH:
            found = np.array([study(share, options.answers // each, each, seed) for seed in options.numbers])
            gains, alike = found[:, 1] - found[:, 0], found[:, 2]
            error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
            rows.append([
                f"{share:.0%}", each, f"{found[:, 0].mean():.3f}", f"{found[:, 1].mean():.3f}",
                f"{gains.mean():+.3f} ± {error:.3f}", share_of(gains > SETTLED), f"{alike.mean():.0%}",
            ])  # fmt: skip
            print(f"{share:.0%}, {each} each: measured", file=sys.stderr)
    print_table("want it to spin | answers each | one reward | two | two better by | in | put with their like", rows)


def study(share: float, labellers: int, each: int, seed: int) -> tuple[float, float, float]:
    """The held-out likelihood with one reward and with two, and the share of labellers put with their like."""
    rng = np.random.default_rng([seed, each, round(1000 * share)])
    rollouts = of_a_random_policy(seed)
    learned, held_out = (ask(rollouts, share, labellers, each, rng) for _ in range(2))
    one, two = (fit(learned, groups, rng) for groups in (1, 2))
    right = (two.groups(learned).argmax(axis=1) == learned.group).mean()
    return one.log_likelihood(held_out), two.log_likelihood(held_out), max(right, 1 - right)


def of_a_random_policy(seed: int) -> Rollouts:
    envs = gymnasium.make_vec(CARTPOLE_ID, EPISODES)
    envs.action_space.seed(seed)
    seen, _ = envs.reset(seed=seed)
    steps = []
    for _ in range(200):
        actions = envs.action_space.sample()
        after, rewards, *_ = envs.step(actions)
        steps.append((seen, actions, rewards.astype(np.float32)))
        seen = after
    starts = np.zeros((len(steps), EPISODES), dtype=bool)
    starts[0] = True
    observations, actions, true_rewards = (np.stack(part) for part in zip(*steps, strict=True))
    return Rollouts(observations, actions, true_rewards, starts)


def ask(rollouts: Rollouts, share: float, labellers: int, each: int, rng: np.random.Generator) -> Answers:
    """What so many labellers say of clips drawn at random."""
    starts = rollouts.fragment_starts(LENGTH)
    drawn = starts[rng.integers(len(starts), size=(2, labellers * each))]
    a, b = (cut(rollouts, its, LENGTH) for its in drawn)
    group = (rng.random(labellers) < share).astype(np.int64)
    said = []
    for name in GROUPS:
        oracle = SyntheticOracle(OracleConfig(), rollouts, None, rng, of_steps(POLE[name]))  # type: ignore[arg-type]
        oracle.observe(rollouts, LENGTH)  # it writes nothing down
        said.append(oracle.answers(a, b).reshape(labellers, each))
    features = AdditiveEnsemble(1, 4, PRIOR_STD, BUMP_WIDTH, torch.Generator().manual_seed(0))
    mean, std = rollouts.observations.mean(axis=(0, 1)), rollouts.observations.std(axis=(0, 1))
    of_a, of_b = (
        features.prepare(torch.from_numpy((its.observations - mean) / std)).numpy().astype(np.float64) for its in (a, b)
    )
    return Answers((of_b - of_a).reshape(labellers, each, -1), np.stack(said)[group, np.arange(labellers)], group)


def fit(answers: Answers, groups: int, rng: np.random.Generator) -> Mixture:
    """The mixture by which the answers are likeliest, with a Gaussian prior on the weights, of several beginnings."""
    found = [_fit_from(answers, rng.dirichlet(np.ones(groups), len(answers.group))) for _ in range(BEGINNINGS)]
    return max(found, key=lambda each: each.log_likelihood(answers) * answers.preferences.size - _penalty(each.weights))


def _fit_from(answers: Answers, groups: np.ndarray) -> Mixture:
    weights, likelihood = np.zeros((groups.shape[1], answers.differences.shape[2])), -np.inf
    for _ in range(ROUNDS):
        weights = np.stack([_fit_one(answers, own, start) for own, start in zip(groups.T, weights, strict=True)])
        mixture = Mixture(weights, groups.mean(axis=0).clip(1e-6))
        groups, before = mixture.groups(answers), likelihood
        likelihood = mixture.log_likelihood(answers)
        if likelihood - before < SETTLED:
            break
    return mixture


def _fit_one(answers: Answers, groups: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The weights of one reward, where a labeller counts as far as they are of this group, (n,)."""
    differences, preferences = answers.differences.reshape(-1, len(start)), answers.preferences.reshape(-1)
    counts = groups.repeat(answers.preferences.shape[1])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        returns = differences @ weights
        likelihoods = preferences * log_expit(returns) + (1 - preferences) * log_expit(-returns)
        gradient = (counts * (preferences - expit(returns))) @ differences
        return _penalty(weights) - counts @ likelihoods, weights / PRIOR_STD**2 - gradient

    weights: np.ndarray = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 30}).x
    return weights


def _penalty(weights: np.ndarray) -> float:
    return float((weights**2).sum() / (2 * PRIOR_STD**2))


if __name__ == "__main__":
    run_program(main, end=sys.exit)
