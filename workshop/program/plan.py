"""What a run is going to do: in which environment, how its steps are shared out, and whether it makes sense."""

from dataclasses import dataclass
from typing import Any

from gymnasium.envs.registration import EnvSpec

from workshop import CARTPOLE_ID
from workshop.agent import split_into_updates
from workshop.data import Space
from workshop.environments import Trial, environment_spec, episode_steps, spaces_of, why_not_drawn
from workshop.labelling import refuse_address, refuse_to_join
from workshop.messages import UsageError
from workshop.program.memory import refuse_too_much


@dataclass(frozen=True)
class Plan:
    """The environment, with its spaces of observations and of actions and what was found out of it, and the steps.

    `random_each` steps are taken in each copy first, then `per_iteration` in all together, or as many less as make
    whole PPO updates: `total` in the end.
    """

    spec: EnvSpec
    trial: Trial
    spaces: tuple[Space, Space]
    random_each: int
    per_iteration: int
    total: int


def plan_run(config: Any) -> Plan:
    """Plan the run that `config`, `main.py`'s flags, asks for: random rollouts of one episode, then equal iterations.

    Raises a UsageError, in one sentence that names the flags, for an environment that is unknown or unfit, too few
    steps, and flags that make no sense together.
    """
    spec, trial = environment_spec(config.environment)
    if not trial.copies and config.agent.n_envs > 1:
        raise UsageError(f"--env {spec.id}: there cannot be two of it at a time; --n-envs 1 makes do with one.")
    if config.oracle.oracle != "synthetic":
        _refuse_blind_labelling(config, spec, trial)
    _refuse_labellers(config)
    nobody = config.oracle.oracle == "synthetic" and config.preferences.comparisons > 0
    if config.labelling.goal and (config.reward == "true" or nobody):
        raise UsageError(
            "--goal is what a person judges by, and here the true reward decides (--oracle synthetic, --reward true); "
            "leave it out, or add --oracle human."
        )
    if config.reward == "true" and config.preferences.comparisons_from:
        raise UsageError("--comparisons-from is learned from, and --reward true learns from no answers; choose one.")
    if config.reward == "learned":
        _refuse_contradictions(config)
        _refuse_unfit_fragments(config, spec)
    preferences, n_envs = config.preferences, config.agent.n_envs
    random_rollouts = config.reward == "learned" and preferences.pretrain
    if config.iterations == 1 and not random_rollouts and config.reward == "learned":
        raise UsageError("--iterations must be at least 2 with --no-pretrain: the first has nothing to learn from.")
    random_each = episode_steps(spec) if random_rollouts else 0
    # The first questions are about the random rollouts or, without them, about those of the first iteration.
    least_each = 2 if random_rollouts or config.reward == "true" else max(2, preferences.fragment_length)
    least = n_envs * (random_each + config.iterations * least_each)
    if config.total_timesteps < least:
        raise UsageError(
            f"--total-timesteps must be at least {least} for {config.iterations} iterations in {n_envs} environments "
            f"(--iterations, --n-envs), not {config.total_timesteps}."
        )
    per_iteration, spaces = (config.total_timesteps - n_envs * random_each) // config.iterations, spaces_of(spec)
    updates, rollout_steps = split_into_updates(per_iteration // n_envs, config.agent.rollout_steps)
    total = n_envs * (random_each + config.iterations * updates * rollout_steps)
    refuse_too_much(config, spec, spaces, total)
    plan = Plan(spec, trial, spaces, random_each, per_iteration, total)
    if config.reward == "learned":
        _refuse_more_questions_than_pairs(config, plan)
    return plan


def _refuse_labellers(config: Any) -> None:
    refuse_to_join(config)
    if config.labellers.labellers and (config.oracle.oracle != "synthetic" or config.reward == "true"):
        raise UsageError(
            "--labellers are synthetic, and here nobody asks them (--oracle human or terminal, --reward true); leave "
            "them out, or --oracle synthetic and --reward learned."
        )
    if config.labellers.align_to != "everybody" and config.reward == "true":
        raise UsageError("--align-to says whose answers count, and --reward true learns from no answers; choose one.")


def _refuse_contradictions(config: Any) -> None:
    oracle, preferences = config.oracle, config.preferences
    if preferences.comparisons == 0 and not preferences.comparisons_from:
        raise UsageError("--comparisons must be at least 1, not 0, but with --comparisons-from.")
    refuse_ties_for_the_hinge(config)
    if oracle.oracle_discount < 1 and preferences.fragment_length == 1:
        raise UsageError(
            "--oracle-discount below 1 weighs the steps of a fragment against each other, and --fragment-length 1 has "
            "but one; make the fragments longer, or leave the discount at 1."
        )
    if preferences.query in ("disagreement", "information-gain") and config.reward_model.ensemble_size == 1:
        raise UsageError(
            f"--query {preferences.query} asks where an ensemble's members differ, and --ensemble-size 1 has but one; "
            "choose --query uniform or entropy, or at least two members."
        )


def refuse_ties_for_the_hinge(config: Any) -> None:
    """Raise a UsageError if the loss would have to learn from answers that tell it nothing."""
    if config.choice_model.loss == "hinge" and config.oracle.oracle_equal > 0:
        raise UsageError(
            '--loss hinge cannot learn from the answer "equally good", which --oracle-equal above 0 gives: '
            "its loss is the same for all returns within the margin; choose another --loss, or --oracle-equal 0."
        )


def _refuse_blind_labelling(config: Any, spec: EnvSpec, trial: Trial) -> None:
    how = config.oracle.oracle
    if config.reward == "true":
        raise UsageError(
            f"--oracle {how} asks you what to learn, and --reward true learns from no answers; choose one."
        )
    if (problem := why_not_drawn(spec)) and (how, spec.id) != ("terminal", CARTPOLE_ID):
        raise UsageError(
            f"--oracle {how} shows you clips, and {spec.id} cannot be drawn here without a window: {problem}; for "
            "MuJoCo's environments on Linux, install OSMesa (apt-get install libosmesa6)."
        )
    if not (trial.repeats and trial.copies):
        why = "does not do the same again" if trial.copies else "cannot be there twice"
        raise UsageError(
            f"--oracle {how} shows you clips, for which a second {spec.id} takes the same actions from the same seed; "
            f"it {why}."
        )
    if how == "human":
        refuse_address(config.labelling)  # before there is a run that could not go on


def _refuse_unfit_fragments(config: Any, spec: EnvSpec) -> None:
    length, episode = config.preferences.fragment_length, episode_steps(spec)
    if config.oracle.oracle_discount < 1 and episode == 1:
        raise UsageError(f"--oracle-discount below 1 makes no sense where an episode of --env {spec.id} is one step.")
    if length > episode:
        raise UsageError(f"--fragment-length must be at most {episode}, an episode of {spec.id}, not {length}.")


def _refuse_more_questions_than_pairs(config: Any, plan: Plan) -> None:
    preferences, n_envs = config.preferences, config.agent.n_envs
    length, episode = preferences.fragment_length, episode_steps(plan.spec)
    for iteration, due in enumerate(preferences.due(config.iterations)):
        whole, rest = divmod(plan.random_each + iteration * (plan.per_iteration // n_envs), episode)
        fragments = n_envs * (whole * (episode - length + 1) + max(0, rest - length + 1))
        pairs = fragments * (fragments - 1) // 2
        if due > pairs:
            when = "the random rollouts" if iteration == 0 else f"the rollouts until iteration {iteration}"
            raise UsageError(
                f"--comparisons {preferences.comparisons} asks for {due} early on (--schedule {preferences.schedule}), "
                f"but {when} in --n-envs {n_envs} have only {pairs} pairs of fragments of --fragment-length {length}; "
                "ask for fewer, or make more or shorter fragments."
            )
