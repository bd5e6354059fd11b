"""What was tried to need fewer comparisons, each alone against the preset: `python benchmarks/tricks.py`.

Most are flags. Others, which are not part of the workshop, since nothing or too little came of them, are a few lines
here that change it for the length of a run: see CHANGES. The runs are kept in `--runs-dir`, so that what was
interrupted goes on where it was.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from comparisons_to_solve import ORACLE, ROOT, median
from many_runs import Change, many_runs

sys.path.insert(0, str(ROOT))

import numpy as np
import torch
from scipy import stats
from scipy.spatial import KDTree

import main as program
from preferences import Comparisons, PreferencesConfig, sample_pairs
from reward_model import RewardModel
from workshop import mlp
from workshop.additive import AdditiveEnsemble
from workshop.agent import Agent, RewardFunction
from workshop.ensemble import EnsembleMLP
from workshop.program import read_flags
from workshop.rollouts import Rollouts
from workshop.statistics import quantiles

PRESET = ("--preset", "few-comparisons")
TRICKS = (
    "",
    "--query uniform",
    "--query entropy",
    "--query information-gain",
    "--pool-factor 10",
    "--diversity k-centre",
    "--fragment-length 10",
    "--fragment-length 40",
    "--schedule hyperbolic",
    "--schedule frontloaded",
    "--comparisons 14",
    "--no-pretrain",
    "--recent-fraction 0.1",
    "--recent-fraction 1",
    "--iterations 10",
    "--iterations 30",
    "--comparisons-per-fit 4",
    "--reward-network joint",
    "--ensemble-size 5",
    "--prior-std 0.3",
    "--bump-width 1",
    "--reward-inputs observations",
    "--pessimism 0.5",
    "--entropy-bonus 0.05",
    "--entropy-bonus 0.2",
    "--agent-learning-rate 1e-3",
    "--agent-weight-decay 0.3",
    "--normalise",
    "--n-envs 32 --rollout-steps 25",
)
CROP = 0.5  # the shortest piece of a fragment, as a share of it
SURE = 0.95  # the least probability of an answer that nobody needs to be asked for
PSEUDO = 4  # such pairs looked for, for each comparison
EXPLORING = 2  # iterations without a learned reward
NEIGHBOUR, REMEMBERED = 5, 1000


@contextmanager
def value_function_reset() -> Iterator[None]:
    """PPO's value function forgets what it has learned whenever the reward has changed, which is each iteration."""
    train = Agent.train

    def reset_and_train(self: Agent, reward: RewardFunction | None) -> Rollouts:
        policy = self._ppo.policy
        for net, gain in ((policy.mlp_extractor.value_net, np.sqrt(2)), (policy.value_net, 1.0)):
            net.apply(partial(policy.init_weights, gain=gain))
            for parameter in net.parameters():
                policy.optimizer.state.pop(parameter, None)
        return train(self, reward)

    with patch.object(Agent, "train", reset_and_train):
        yield


@contextmanager
def cropped_fragments() -> Iterator[None]:
    """Each step of the fit sees other pieces of the two fragments, of one random length (SURF, Park et al. 2022)."""
    generator = np.random.default_rng(0)
    returns = AdditiveEnsemble.returns

    def of_pieces(self: AdditiveEnsemble, bumps: torch.Tensor, *_: object) -> torch.Tensor:
        *shape, length, _bumps = bumps.shape  # (M, B, 2, L, d * K)
        kept = generator.integers(int(CROP * length), length, endpoint=True, size=[*shape[:-1], 1])
        first = generator.integers(length - kept + 1, size=shape)
        steps = np.arange(length)
        inside = (steps >= first[..., np.newaxis]) & (steps < (first + kept)[..., np.newaxis])
        weights = torch.from_numpy((inside * (length / kept)[..., np.newaxis]).astype(np.float32))
        return returns(self, torch.einsum("...l,...lk->...k", weights, bumps))

    with (
        patch.object(AdditiveEnsemble, "prepare", AdditiveEnsemble._bumps),
        patch.object(AdditiveEnsemble, "returns", of_pieces),
    ):
        yield


@contextmanager
def pseudo_answers() -> Iterator[None]:
    """After each fit, another to pairs that nobody was asked about, of whose answers the model is sure (SURF)."""
    generator = np.random.default_rng(0)
    fit = RewardModel.fit
    seen: list[tuple[Rollouts, PreferencesConfig]] = []

    def remember(rollouts: Rollouts, n: int, asked: Any, config: PreferencesConfig, *others: Any) -> Any:
        seen[:] = [(rollouts, config)]
        return sample_pairs(rollouts, n, asked, config, *others)

    def fit_twice(self: RewardModel, comparisons: Comparisons) -> None:
        fit(self, comparisons)
        rollouts, config = seen[-1]
        any_pairs = PreferencesConfig(fragment_length=config.fragment_length, query="uniform")
        a, b = sample_pairs(rollouts, PSEUDO * len(comparisons), comparisons, any_pairs, self, generator)
        probability = self.member_probabilities(a, b).mean(axis=0)
        sure = (probability > SURE) | (probability < 1 - SURE)
        counts = self._counts
        fit(self, comparisons.followed_by(Comparisons(a, b, (probability > SURE).astype(np.float64))[sure]))
        self._counts = counts  # what is held out is judged on real answers

    with patch.object(RewardModel, "fit", fit_twice), patch.object(program, "sample_pairs", remember):
        yield


@contextmanager
def unsupervised_exploration() -> Iterator[None]:
    """At first the agent is rewarded for going where few have been (PEBBLE, Lee et al. 2021), not as it has learned."""
    train, random_rollouts = Agent.train, Agent.random_rollouts
    generator = np.random.default_rng(0)
    trained = 0
    visited = np.empty(0)

    def remember(rollouts: Rollouts) -> Rollouts:
        nonlocal visited
        visited, _ = rollouts.transitions()
        visited = generator.choice(visited, min(REMEMBERED, len(visited)), replace=False)
        return rollouts

    def explore_at_first(self: Agent, reward: RewardFunction | None) -> Rollouts:
        nonlocal trained
        trained += 1
        scale = visited.std(axis=0) + 1e-6
        tree = KDTree(visited / scale)

        def novelty(observations: np.ndarray, _: np.ndarray) -> np.ndarray:
            distances, _ = tree.query(observations / scale, k=[NEIGHBOUR])
            rewards: np.ndarray = np.log1p(distances[:, 0]).astype(np.float32)
            return rewards

        return remember(train(self, novelty if trained <= EXPLORING else reward))

    with (
        patch.object(Agent, "train", explore_at_first),
        patch.object(Agent, "random_rollouts", lambda self, n: remember(random_rollouts(self, n))),
    ):
        yield


@contextmanager
def spectral_norm() -> Iterator[None]:
    """The networks' weights divided by their largest singular value where that is above 1 (Miyato et al. 2018)."""
    forward, in_numpy = EnsembleMLP.forward, EnsembleMLP.in_numpy

    @contextmanager
    def divided(self: EnsembleMLP) -> Iterator[None]:
        norms = [torch.linalg.matrix_norm(weight, ord=2, keepdim=True).clamp(min=1) for weight in self.weights]
        vars(self)["weights"] = [weight / norm for weight, norm in zip(self.weights, norms, strict=True)]
        yield
        del vars(self)["weights"]  # below it the parameters are, as they were

    def divided_forward(self: EnsembleMLP, *arguments: Any) -> torch.Tensor:
        with divided(self):
            return forward(self, *arguments)

    def divided_in_numpy(self: EnsembleMLP) -> Callable[[np.ndarray], np.ndarray]:
        with torch.no_grad(), divided(self):
            return in_numpy(self)

    with (
        patch.object(EnsembleMLP, "forward", divided_forward),
        patch.object(EnsembleMLP, "in_numpy", divided_in_numpy),
    ):
        yield


@contextmanager
def joint_features(length_scale: float) -> Iterator[None]:
    """In place of bumps of one input each, as many waves of all of them, with the same prior variance.

    A linear layer under a Gaussian prior on random Fourier features (Rahimi and Recht 2007): nearly a Gaussian process
    with a squared-exponential kernel of this length scale, in standard deviations of an input.
    """

    def waves(self: AdditiveEnsemble) -> tuple[np.ndarray, np.ndarray, float]:
        n_waves, n_bumps = self.drawn.shape[1], len(self.centres)
        inputs = n_waves // n_bumps
        generator = np.random.default_rng(0)
        frequencies = generator.normal(scale=1 / length_scale, size=(inputs, n_waves)).astype(np.float32)
        phases = generator.uniform(0, 2 * np.pi, size=n_waves).astype(np.float32)
        bumps_at_0 = torch.exp(-((self.centres / self.width) ** 2) / 2)
        variance = inputs * float(bumps_at_0.square().sum())  # of a reward, over that of a weight
        return frequencies, phases, float(np.sqrt(2 * variance / n_waves))

    def features(self: AdditiveEnsemble, inputs: torch.Tensor) -> torch.Tensor:
        frequencies, phases, height = waves(self)
        return height * torch.cos(inputs @ torch.from_numpy(frequencies) + torch.from_numpy(phases))

    def in_numpy(self: AdditiveEnsemble) -> Callable[[np.ndarray], np.ndarray]:
        (frequencies, phases, height), weights = waves(self), mlp.to_numpy(self.drawn + self.fitted)
        return lambda inputs: weights @ (height * np.cos(inputs @ frequencies + phases)).T

    with patch.object(AdditiveEnsemble, "_bumps", features), patch.object(AdditiveEnsemble, "in_numpy", in_numpy):
        yield


CHANGES: dict[str, tuple[str, Change]] = {  # name: flags beside the preset, and what changes the program
    "value-function reset": ("", value_function_reset),
    "cropped fragments": ("", cropped_fragments),
    "pseudo-answers": ("", pseudo_answers),
    "unsupervised exploration": ("", unsupervised_exploration),
    "spectral norm": ("--reward-network joint", spectral_norm),
    "waves of all inputs, length scale 1": ("", lambda: joint_features(1.0)),
    "waves of all inputs, length scale 2": ("", lambda: joint_features(2.0)),
}


@dataclass(frozen=True)
class Options:
    """Run each trick alone against the preset."""

    seeds: int = 20
    """How many seeds, one after another."""
    first_seed: int = 0
    """The first seed. The preset was chosen on 0 to 19."""
    jobs: int = 2
    """Runs at once."""
    runs_dir: Path = Path("runs/experiments/tricks")
    """Where the runs are kept, and looked for."""


def main() -> None:
    options = read_flags(Options, sys.argv[1:])
    rows: dict[str, tuple[str, Change]] = {
        **{f"`{flags}`" if flags else "nothing": (flags, nullcontext) for flags in TRICKS},
        **{name + (f", `{flags}`" if flags else ""): (flags, change) for name, (flags, change) in CHANGES.items()},
    }
    print("| changed | solved | comparisons to solve: median (95 % interval) | 95th percentile | p |")
    print("| --- | --- | --- | --- | --- |")
    as_it_is: list[float] = []
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for name, (flags, change) in rows.items():
        directory = options.runs_dir / re.sub(r"\W+", "-", name).strip("-")
        runs = many_runs([*ORACLE, *PRESET, *flags.split()], seeds, options.jobs, directory, change)
        to_solve = [run.comparisons_to_solve for run in runs]
        as_it_is = as_it_is or to_solve
        print(describe(name, to_solve, as_it_is), flush=True)


def describe(name: str, to_solve: Sequence[float], as_it_is: Sequence[float]) -> str:
    """A row of the table; p is Mann and Whitney's, of the comparisons to solve against those of the preset as it is."""
    most = quantiles(to_solve, [0.95])[0]
    p = stats.mannwhitneyu(np.nan_to_num(to_solve), np.nan_to_num(as_it_is)).pvalue
    return (
        f"| {name} | {np.isfinite(to_solve).sum()} of {len(to_solve)} | {median(to_solve)} "
        f"| {f'{most:g}' if np.isfinite(most) else 'never'} | {'–' if to_solve is as_it_is else f'{p:.3f}'} |"
    )


if __name__ == "__main__":
    main()
