"""Reinforcement learning from human feedback, on a pole.

An agent learns to balance a pole without ever seeing a reward: only from answers to "which of these two clips is
better?". This file is the whole story. The exercise is `preference_loss`, below; the loop of the slides is `rlhf`.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

if __name__ == "__main__":  # while PyTorch is imported, which takes seconds, there is nothing to end in order
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import numpy as np
import torch
import tyro

from oracle import HumanOracle, Oracle, OracleConfig, SyntheticOracle
from preferences import Comparisons, Fragments, PreferencesConfig, Questions, sample_pairs
from reward_model import HeldOut, RewardModel, RewardModelConfig
from workshop.agent.agent import Agent, AgentConfig
from workshop.data.rollouts import Rollouts
from workshop.environments.specs import EnvironmentConfig
from workshop.exercise.checker import check_loss
from workshop.exercise.choice_models import ChoiceModelConfig, choice_model, explain
from workshop.exercise.hints import give_hints, report_check
from workshop.labelling.fragment_clips import FragmentClips
from workshop.labelling.open import open_labelling
from workshop.labelling.options import LabellingConfig
from workshop.labelling.spectator import Spectator
from workshop.many_runs.grid import flags_in
from workshop.messages import LARGEST_SEED, UsageError, require_name, require_number
from workshop.program.device import choose_device
from workshop.program.plan import Plan, plan_run
from workshop.program.program import read_flags, run_program
from workshop.program.run import Saved, recorded_config
from workshop.program.tuned import tuned_settings
from workshop.program.watch import watch
from workshop.records.comparisons_from import load_comparisons_from
from workshop.records.directory import RunDirectory
from workshop.records.progress import Row
from workshop.reports.moving_pictures import can_be_drawn
from workshop.reports.report import Report


def preference_loss(returns_a: torch.Tensor, returns_b: torch.Tensor, preferences: torch.Tensor) -> torch.Tensor:
    """EXERCISE: the loss that teaches the reward model what the oracle prefers.

    Bradley and Terry's model says that b is preferred to a with the probability

        P(b preferred to a) = exp(R_b) / (exp(R_a) + exp(R_b))

    where R_a and R_b are the returns that the reward model gives the two fragments: the sums of its rewards. The
    loss of one comparison is the negative logarithm of the probability of the answer that was given,

        L = -[ (1 - p) log P(a preferred to b) + p log P(b preferred to a) ]

    and the loss of a batch is the mean over its comparisons.

    Args:
        returns_a: R_a, the learned returns of the fragments a, shape (batch,).
        returns_b: R_b, the learned returns of the fragments b, shape (batch,).
        preferences: the answers p, shape (batch,): 0.0 if a was preferred, 1.0 if b, 0.5 if they were equally good.

    Returns:
        The loss, a tensor with a single number (shape ()) that gradients flow through.
    """
    # TODO: write the loss here, and delete the next line. PyTorch has functions that stay exact when the returns
    # are far apart, where exp() alone would overflow.
    raise NotImplementedError


@dataclass(frozen=True)
class Config:
    """Teach an agent to balance a pole, from nothing but comparisons of two clips of what it does.

    Defaults that suit an environment follow from --env: see --env HalfCheetah-v5 --help.
    """

    seed: int = 0
    """Fixes everything random: the same seed gives the same numbers."""
    name: str = "rlhf"
    """Part of the run directory's name, to find the run by."""
    runs_dir: Path = Path("runs")
    """Where run directories are made."""
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    """Where the networks live; auto is the GPU if there is one. For nets this small the CPU is the faster."""
    preset: Literal["none", "few-comparisons"] = "none"
    """Other defaults, for a purpose: few-comparisons learns from as few answers as we know how to."""
    pictures: bool = True
    """Make moving pictures of the agent at the end, where its environment can be drawn; they take a few seconds."""
    reward: Literal["learned", "true"] = "learned"
    """What trains the agent: the learned reward or, to compare with, the environment's true one."""
    check: tyro.conf.FlagCreatePairsOff[bool] = False
    """Train nothing; say whether your preference_loss is right and, if not, what is wrong with it."""
    hint: tyro.conf.UseCounterAction[int] = 0
    """Train nothing; give a hint on preference_loss. Repeat it for more: --hint --hint --hint gives the formula."""
    watch: Path | None = None
    """Train nothing; show the agent of this finished run, in a window or, without a display, in a file."""
    resume: Path | None = None
    """Go on with the interrupted run in this directory, as if it had never been stopped; give no other flag."""
    total_timesteps: int = 60_000
    """Environment steps in the whole run."""
    iterations: int = 20
    """Turns of the loop, which share the steps equally: more of them, and the agent trains for fewer steps in each."""
    environment: EnvironmentConfig = field(default_factory=EnvironmentConfig)
    choice_model: ChoiceModelConfig = field(default_factory=ChoiceModelConfig)
    agent: AgentConfig = field(default_factory=AgentConfig)
    reward_model: RewardModelConfig = field(default_factory=RewardModelConfig)
    preferences: PreferencesConfig = field(default_factory=PreferencesConfig)
    oracle: OracleConfig = field(default_factory=OracleConfig)
    labelling: LabellingConfig = field(default_factory=LabellingConfig)

    def __post_init__(self) -> None:
        require_number("--seed", self.seed, at_least=0, at_most=LARGEST_SEED)
        require_number("--total-timesteps", self.total_timesteps, at_least=1, at_most=10**12)
        require_number("--iterations", self.iterations, at_least=1, at_most=100_000)
        require_name("--name", self.name)


def recorded_comparisons(config: Config, plan: Plan) -> Comparisons:
    """The answers of other runs that `--comparisons-from` names, in the order in which they were given."""
    paths, length = config.preferences.comparisons_from, config.preferences.fragment_length
    if not paths:
        return Comparisons.empty(length, *plan.spaces)
    recorded = load_comparisons_from(paths, plan.spec.id, length, *plan.spaces)
    return Comparisons(Fragments(**recorded.fragments_a), Fragments(**recorded.fragments_b), recorded.preferences)


def make_oracle(
    config: Config, plan: Plan, run: RunDirectory, report: Report, env_seed: int, generator: np.random.Generator
) -> Oracle:
    """Whoever answers: the synthetic oracle or a person, who is shown clips of environments with this seed."""
    if config.oracle.oracle == "synthetic":
        return SyntheticOracle(config.oracle, generator)
    clips = FragmentClips(plan.spec, env_seed, pictures=can_be_drawn(plan.spec.id))
    oracle = HumanOracle(config.labelling, config.preferences.comparisons, run, clips, generator)
    report.spectator = Spectator(oracle.session, plan.spec, plan.random_each * config.agent.n_envs, plan.per_iteration)
    way = open_labelling(config.oracle.oracle, config.labelling, oracle.session, run.path / "clips")
    report.cleanup.enter_context(way)
    return oracle


def rlhf(config: Config, plan: Plan, device: str, run: RunDirectory, report: Report) -> HeldOut:
    """The RLHF algorithm of the slides. Returns what the reward model says about answers it did not learn from."""
    seeds = np.random.SeedSequence(config.seed).spawn(4)
    agent_rng, reward_model_rng, questions_rng, oracle_rng = (np.random.default_rng(seed) for seed in seeds)

    # Step 1. Initialise agent and reward model.
    agent = Agent(plan.spec, config.agent, plan.per_iteration, agent_rng, device, run.path, report.steps_taken)
    model = choice_model(config.choice_model, yours=preference_loss)
    reward_model = RewardModel(*agent.spaces, model, config.reward_model, reward_model_rng, device)
    reward = reward_model.reward if config.reward == "learned" else None
    oracle = make_oracle(config, plan, run, report, agent.seed, oracle_rng)
    recorded = recorded_comparisons(config, plan)
    questions = Questions(config.preferences, config.iterations, learned_before=len(recorded))
    rollouts = Rollouts.empty(config.agent.n_envs, *agent.spaces)
    comparisons = Comparisons.empty(config.preferences.fragment_length, *agent.spaces)
    saved = Saved(run, agent, reward_model=reward_model, oracle=oracle, questions=questions, sampling=questions_rng,
                  report=report)  # fmt: skip
    begin, comparisons = saved.go_on(rollouts, comparisons, plan.random_each)

    def ask(iteration: int) -> Callable[[], Comparisons] | None:
        """Ask what is due next, if anything is. The function returned gets the answers, once they are all there."""
        if config.reward == "true" or len(rollouts) == 0:
            return None
        if len(comparisons) < len(recorded):  # other runs' answers come first
            return lambda: recorded[len(comparisons) :][: config.preferences.comparisons_per_fit]
        n = questions.next_batch(iteration)
        if n == 0:
            return None
        oracle.observe(rollouts, config.preferences.fragment_length)
        a, b = sample_pairs(rollouts, n, comparisons, config.preferences, reward_model, questions_rng)
        answers = oracle.ask(a, b, run.record(iteration, oracle.name, vars(a), vars(b)))
        return lambda: Comparisons(a, b, questions.count(answers())).answered

    for iteration in range(begin, config.iterations + 1):
        asked = ask(iteration) if config.labelling.keep_labelling else None  # to be answered while the agent trains
        # Step 2. Optimise agent, producing trajectories. (Before the first time: a random policy's trajectories.)
        new = agent.random_rollouts(plan.random_each) if iteration == 0 else agent.train(reward)
        rollouts.add(new)
        held_out = reward_model.held_out(comparisons)
        report.iteration(agent, reward, len(rollouts), questions.progress() | reward_model.progress(held_out))
        reward_model.observe(new)
        questions.judge(held_out.loss)
        # Step 3. Sample pairs of fragments of the trajectories, get comparisons.
        while answers := asked or ask(iteration):
            comparisons, asked = comparisons.followed_by(answers()), None
            # Step 4. Optimise reward model parameters.
            reward_model.fit(comparisons)
        reward_model.standardise(rollouts)
        saved.save(rollouts, comparisons)
        # Step 5. Go to step 2.

    oracle.finish()
    agent.save(run.path / "agent.zip")
    reward_model.save(run.path / "reward_model.pt")
    agent.close()
    return reward_model.held_out(comparisons)


def read_config(arguments: Sequence[str]) -> Config:
    """The flags, with defaults that suit the environment; a mistake in them ends the program."""
    return read_flags(Config, arguments, tuned_settings)


def train(
    config: Config,
    started: float,
    open_run: Callable[[], RunDirectory],
    follow: Callable[[Row], object] | None = None,
) -> dict[str, Any]:
    """Check the loss, train as `config` says in the directory that is opened then, and return the run's result.

    `started` is when the run's seconds begin; `follow` is called with each row of `progress.csv` as it is written.
    """
    plan = plan_run(config)
    if config.choice_model.uses_yours and config.reward == "learned":
        check_loss(preference_loss)
    recorded_comparisons(config, plan)  # so that a mistake is told before the run begins
    device = choose_device(config.device)
    show_bar = config.oracle.oracle != "terminal"
    with (
        open_run() as run,
        Report(
            run, plan.spec, config.total_timesteps, config.seed, started, follow, show_bar, config.pictures
        ) as report,
    ):
        held_out = rlhf(config, plan, device, run, report)
        explained = explain(config.choice_model, held_out.differences, held_out.preferences)
        if explained:
            run.write_choice_models(explained, len(held_out.preferences))
        result = report.finish()
        run.checkpoints.delete()
    report.conclude(result, explained)
    return result


def main() -> None:
    """Read the flags, do what they ask for and, after a run, print its result as one line of JSON."""
    started = time.perf_counter()
    arguments = sys.argv[1:]
    config = read_config(arguments)
    instead = [flag for flag in ("--watch", "--hint", "--check", "--resume") if flag in flags_in(arguments)]
    if len(instead) > 1:
        raise UsageError(f"{' and '.join(instead)} each do something else than begin a run; give one of them.")
    if config.watch is not None:
        watch(config.watch)
    elif config.hint > 0:
        give_hints(config.hint)
    elif config.check:
        report_check(preference_loss)
    elif config.resume is not None:
        if flags_in(arguments) != ["--resume"]:
            raise UsageError("--resume goes on with a run as it was begun: give no other flag.")
        recorded = recorded_config(config.resume, read_config)
        print(json.dumps(train(recorded, started, partial(RunDirectory.reopen, config.resume))), flush=True)
    else:
        print(json.dumps(train(config, started, partial(RunDirectory.make, config, arguments))), flush=True)


if __name__ == "__main__":
    run_program(main)
