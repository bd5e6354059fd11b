"""Reinforcement learning from human feedback, on a pole.

An agent learns to balance a pole without ever seeing a reward: only from answers to "which of these two clips is
better?". This file is the whole story. The exercise is `preference_loss`, below; the loop of the slides is `rlhf`.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from workshop import processes

if __name__ == "__main__":
    processes.begin()

import torch

from oracle import OracleConfig, make_oracle
from preferences import PreferencesConfig, Questions
from reward_model import RewardModel, RewardModelConfig
from workshop.agent import Agent, AgentConfig
from workshop.data import Comparisons, Rollouts
from workshop.environments import EnvironmentConfig
from workshop.exercise import ChoiceModelConfig, choice_model
from workshop.labellers import LabellersConfig, align
from workshop.labelling import LabellingConfig
from workshop.program import Program, Run, RunConfig


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
class Config(RunConfig):
    """Teach an agent to balance a pole, from nothing but comparisons of two clips of what it does.

    Defaults that suit an environment follow from --env: see --env HalfCheetah-v5 --help.
    """

    reward: Literal["learned", "true"] = "learned"
    """What trains the agent: the learned reward or, to compare with, the environment's true one."""
    environment: EnvironmentConfig = field(default_factory=EnvironmentConfig)
    choice_model: ChoiceModelConfig = field(default_factory=ChoiceModelConfig)
    agent: AgentConfig = field(default_factory=AgentConfig)
    reward_model: RewardModelConfig = field(default_factory=RewardModelConfig)
    preferences: PreferencesConfig = field(default_factory=PreferencesConfig)
    oracle: OracleConfig = field(default_factory=OracleConfig)
    labellers: LabellersConfig = field(default_factory=LabellersConfig)
    labelling: LabellingConfig = field(default_factory=LabellingConfig)


def rlhf(config: Config, run: Run) -> None:
    """The slide "RLHF Algorithm". `run` keeps what comes of it, and goes on where an interrupted one was."""
    agent_rng, model_rng, questions_rng, oracle_rng = run.generators(4)
    rollouts = Rollouts.empty(config.agent.n_envs, *run.spaces, room=run.steps_each)
    comparisons = Comparisons.empty(config.preferences.fragment_length, *run.spaces)

    # Step 1. Initialise agent and reward model.
    agent = Agent(run.spec, config.agent, run.steps_per_iteration, agent_rng, run.device, run.steps_taken)
    model = choice_model(config.choice_model, preference_loss)
    make = partial(RewardModel, *run.spaces, model, config.reward_model, device=run.device)
    reward_model = align(config.labellers.align_to, run.labellers, make, model_rng)
    reward = reward_model.reward if config.reward == "learned" else None
    oracle = make_oracle(config, run, agent, rollouts, comparisons, oracle_rng)
    questions = Questions(config.preferences, config.iterations, rollouts, comparisons, run.recorded, reward_model,
                          questions_rng, oracle, asking=reward is not None)  # fmt: skip

    for iteration in run.iterations(agent, reward_model, questions, oracle, rollouts, comparisons):
        # Step 2. Optimise agent, producing trajectories. (Before the first time: a random policy's trajectories.)
        new = agent.random_rollouts(run.random_steps) if iteration == 0 else agent.train(reward)
        rollouts.add(new)
        run.report(reward)
        # Step 3. Sample pairs of fragments of the trajectories, get comparisons.
        for pairs in questions.pairs(iteration):
            comparisons.add(oracle.compare(pairs))
            # Step 4. Optimise reward model parameters.
            reward_model.fit(comparisons)
        # Step 5. Go to step 2.


program = Program(Config, preference_loss, rlhf)

if __name__ == "__main__":
    program.run()
