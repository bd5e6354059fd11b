"""RLHF with language models, in miniature: the second story, as the slide "RLHF with LLMs" tells it.

Visitors ask at a desk where the museum is. A small language model learns from what people have answered there, friendly
and rude ones, then from which of two answers somebody would rather get. From nothing, in half a minute, on a laptop.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from workshop import processes

if __name__ == "__main__":
    processes.begin()

from main import preference_loss
from oracle import OracleConfig, make_synthetic
from workshop.bounds import within
from workshop.data import Comparisons
from workshop.desk import LanguageProgram, LanguageRun, LanguageRunConfig
from workshop.exercise import ChoiceModelConfig, choice_model
from workshop.labellers import LabellersConfig, align
from workshop.labelling import LabellingConfig
from workshop.language import (
    ANSWER_LENGTH,
    SPACES,
    AlignedTexts,
    PolicyConfig,
    SupervisedConfig,
    TextQuestions,
    TextQuestionsConfig,
    TextRewardConfig,  # fmt: skip
    TextRewardModel,
    fit_to_demonstrations,
    make_policy,
)


@dataclass(frozen=True)
class Config(LanguageRunConfig):
    """Teach a small language model to answer as visitors like it, from comparisons of two answers.

    The loss is yours: preference_loss in main.py.
    """

    iterations: Annotated[int, within(at_least=1, at_most=1000)] = 3
    """Turns of steps 2 and 3: comparisons of what the policy answers by then, and its training. One does, mostly."""
    supervised: SupervisedConfig = field(default_factory=SupervisedConfig)
    choice_model: ChoiceModelConfig = field(default_factory=ChoiceModelConfig)
    preferences: TextQuestionsConfig = field(default_factory=TextQuestionsConfig)
    reward_model: TextRewardConfig = field(default_factory=TextRewardConfig)
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    oracle: OracleConfig = field(default_factory=OracleConfig)
    labellers: LabellersConfig = field(default_factory=LabellersConfig)
    labelling: LabellingConfig = field(default_factory=LabellingConfig)


def rlhf(config: Config, run: LanguageRun) -> None:
    """The slide "RLHF with LLMs". `run` keeps what comes of it, and goes on where an interrupted one was."""
    sft_rng, model_rng, policy_rng, questions_rng, oracle_rng = run.generators(5)
    comparisons = Comparisons.empty(ANSWER_LENGTH, *SPACES)

    # Step 1. Collect demonstration data, and train a supervised policy (SFT).
    sft = run.supervised(lambda on_step: fit_to_demonstrations(config.supervised, sft_rng, run.device, on_step))

    # The reward model is initialised from it, and so is the policy.
    model = choice_model(config.choice_model, preference_loss)
    make = partial(TextRewardModel, sft, model, config.reward_model)
    reward_model = align(config.labellers.align_to, run.labellers, make, model_rng, AlignedTexts)
    policy = make_policy(config.policy, sft, reward_model, model, policy_rng)
    oracle = run.person(comparisons, oracle_rng)  # with --oracle human or terminal
    oracle = oracle or make_synthetic(config, run, run.answers_of(sft), oracle_rng)
    questions = TextQuestions(config.preferences, config.iterations, comparisons, run.recorded, policy, questions_rng)

    for iteration in run.iterations(policy, reward_model, questions, oracle, comparisons):
        # Step 2. Collect comparison data, and train a reward model.
        for pairs in questions.pairs(iteration):
            comparisons.add(oracle.compare(pairs))
            reward_model.fit(comparisons)
        # Step 3. Optimise the policy against the reward model using PPO, with a KL penalty to the SFT model.
        for _ in run.updates(iteration):
            policy.update(reward_model, comparisons)


program = LanguageProgram(Config, preference_loss, rlhf)

if __name__ == "__main__":
    program.run()
