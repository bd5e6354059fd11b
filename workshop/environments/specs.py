"""Which environment a run is in: any of Gymnasium's whose episodes give nothing away by their length."""

import ast
import re
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec, WrapperSpec

from workshop import CARTPOLE_ID
from workshop.bounds import require_bounds, within
from workshop.data import Space
from workshop.environments.registry import find
from workshop.environments.trial import Trial, known_of_gymnasium, play_a_little
from workshop.messages import UsageError, shown

# Gymnasium's environments, and the workshop's, whose episodes only ever end by their limit of steps
NEVER_END_EARLY = {
    "Pendulum", "HalfCheetah", "Swimmer", "Reacher", "Pusher", "HumanoidStandup", "FixedHorizonCartPole",
    "VisitorsDesk",
}  # fmt: skip
# … and those that do end early, but hardly ever for an untrained agent
END_EARLY_UNSEEN = {"Acrobot", "MountainCar", "MountainCarContinuous"}
REWARD_OF_A_STEP = {CARTPOLE_ID: (-1.0, 1.0), "CartPole-v0": (0.0, 1.0), "CartPole-v1": (0.0, 1.0)}  # least and most
SWITCHES = {"true": True, "false": False}
PLAIN = r"[\w./:+-]+"  # what may be typed without quotes
MAKES = ("render_mode", "max_episode_steps", "num_envs", "vector_kwargs", "vectorization_mode", "wrappers")


@dataclass(frozen=True)
class EnvironmentConfig:
    """The environment, and how its episodes end."""

    env: str = CARTPOLE_ID
    """Gymnasium's id of the environment; module:Id for one that this module registers, your own say. The defaults of
    many flags follow it: --env HalfCheetah-v5 --help."""
    env_kwargs: tuple[str, ...] = ()
    """What the environment is made with, as name=value: --env-kwargs size=7 mode=easy."""
    fixed_horizon: Annotated[int | None, within(at_least=2, at_most=100_000)] = None
    """Make every episode this long: one that ends early stays as it ended, without reward, until then."""
    allow_variable_horizon: bool = False
    """Take an environment whose episodes end early, although their length tells how well the agent did."""

    def __post_init__(self) -> None:
        require_bounds(self)
        keyword_arguments(self.env_kwargs)
        if self.fixed_horizon is not None and self.allow_variable_horizon:
            raise ValueError(
                "--fixed-horizon and --allow-variable-horizon contradict each other: "
                "one makes all episodes equally long, the other lets them be; choose one."
            )


def keyword_arguments(typed: tuple[str, ...]) -> dict[str, Any]:
    """What `--env-kwargs` says, by name: Python's literals, true and false, and plain words as text.

    Raises a ValueError, one sentence, for anything else.
    """
    given: dict[str, Any] = {}
    for each in typed:
        name, equals, value = each.partition("=")
        if not (equals and name.isidentifier()):
            raise ValueError(f"--env-kwargs must be name=value, as in size=7 mode=easy, not {shown(repr(each))}.")
        if name in MAKES:
            raise ValueError(f"--env-kwargs {name}: that is for the workshop to say, so leave it out.")
        if name in given:
            raise ValueError(f"--env-kwargs names {name} twice; give it one value.")
        try:
            given[name] = SWITCHES[value] if value in SWITCHES else ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):  # all that literal_eval raises
            if not re.fullmatch(PLAIN, value):
                raise ValueError(
                    f"--env-kwargs {name} must be a number, true, false, a word, or another of Python's literals, "
                    f"not {shown(repr(value))}."
                ) from None
            given[name] = value
    return given


def environment_spec(config: EnvironmentConfig) -> tuple[EnvSpec, Trial]:
    """Everything that Gymnasium needs to make the environment, its episodes' limit in `max_episode_steps`.

    Observations that are neither one row of numbers nor `Discrete` from 0 are flattened to the former, and discrete
    actions counted from 0. What is found out by playing a few steps comes with it. Raises a UsageError, in one
    sentence, for an id that is unknown, an environment whose episodes have no limit or end early, whose observations or
    actions the networks cannot take, or that cannot be played at all.
    """
    spec = deepcopy(find(config.env))
    if config.env_kwargs:
        spec.kwargs = {**spec.kwargs, **keyword_arguments(config.env_kwargs)}
        spec.vector_entry_point = None  # it takes others
    if config.fixed_horizon is not None:
        spec.max_episode_steps = config.fixed_horizon
        if not _never_ends_early(spec):
            _wrap(spec, "FixedHorizon", steps=config.fixed_horizon)
    if spec.max_episode_steps is None:
        raise UsageError(
            f"--env {config.env}: its episodes have no limit of steps, which the workshop needs; "
            "--fixed-horizon N makes each N steps long."
        )
    _fit_spaces(spec)
    fixed = config.fixed_horizon is not None or config.allow_variable_horizon or _never_ends_early(spec)
    trial = play_a_little(spec, whole_episodes=not fixed and _name(spec) not in END_EARLY_UNSEEN)
    if not fixed and (_name(spec) in END_EARLY_UNSEEN or trial.early_end is not None):
        after = "" if trial.early_end is None else f" (with random actions, one did after {trial.early_end} steps)"
        raise UsageError(
            f"--env {spec.id}: its episodes can end early{after}, and their length would give the reward away. "
            f"--fixed-horizon {spec.max_episode_steps} makes all equally long, --allow-variable-horizon takes them "
            "as they are."
        )
    return spec, trial


def solved_at(spec: EnvSpec) -> float | None:
    """The mean true return from which the environment counts as solved, None where its makers do not say.

    What they say holds for episodes of the length they chose, and for longer ones that may end earlier than that.
    """
    usual, steps = gymnasium.spec(spec.id).max_episode_steps, episode_steps(spec)
    as_meant = usual is None or steps == usual or (steps > usual and not _never_ends_early(spec))
    return spec.reward_threshold if as_meant else None


def return_range(spec: EnvSpec) -> tuple[float, float] | None:
    """The least and the greatest true return that an episode can have, None where nobody has worked them out."""
    if spec.id not in REWARD_OF_A_STEP or spec.kwargs:  # which may change the reward
        return None
    least, most = REWARD_OF_A_STEP[spec.id]
    return least * episode_steps(spec), most * episode_steps(spec)


def episode_steps(spec: EnvSpec) -> int:
    """The most steps that an episode of an environment from `environment_spec` has."""
    assert spec.max_episode_steps is not None, "environment_spec refuses those without a limit"
    return spec.max_episode_steps


def spaces_of(spec: EnvSpec) -> tuple[Space, Space]:
    """The environment's spaces of observations and of actions; a UsageError if it cannot be made here."""
    try:
        env = gymnasium.make(spec)
    except Exception as problem:  # whatever an environment's own constructor raises
        raise UsageError(f"--env {spec.id} cannot be made here: {problem}") from problem
    env.close()
    return env.observation_space, env.action_space


def _fit_spaces(spec: EnvSpec) -> None:
    """Let observations be a row of numbers or `Discrete` from 0, and actions too; a UsageError where that cannot be."""
    observations, actions = spaces_of(spec)
    row = isinstance(observations, spaces.Box) and len(observations.shape) == 1
    if not row and not (isinstance(observations, spaces.Discrete) and observations.start == 0):
        _refuse_unfit_observations(spec, observations)
        _wrap(spec, "FlattenObservation", "gymnasium.wrappers")
    if not isinstance(actions, spaces.Box | spaces.Discrete):
        raise UsageError(f"--env {spec.id}: its actions are {type(actions).__name__}; Box and Discrete are allowed.")
    if isinstance(actions, spaces.Discrete):
        if actions.start != 0:
            _wrap(spec, "ActionsFromZero")
        return
    if not np.issubdtype(actions.dtype, np.floating):
        raise UsageError(f"--env {spec.id}: its actions are a Box of {actions.dtype}; a Box of floats is allowed.")
    if not actions.is_bounded():
        raise UsageError(
            f"--env {spec.id}: its actions are a Box without bounds on all sides, which PPO needs; a wrapper of your "
            "own can set some."
        )


def _refuse_unfit_observations(spec: EnvSpec, space: Space) -> None:
    """Raise a UsageError for observations that cannot be made a row of numbers, naming the part that cannot."""
    parts = {"": space}
    if isinstance(space, spaces.Dict):
        parts = {f"{name} ": each for name, each in space.spaces.items()}
    for name, part in parts.items():
        try:
            flattenable = part.is_np_flattenable
        except Exception:  # of a space of somebody's own
            flattenable = False
        if not flattenable:
            raise UsageError(
                f"--env {spec.id}: its observations ({name}{type(part).__name__}) cannot be made a row of numbers; "
                "Box, Discrete and combinations of them are allowed, so a wrapper of your own must leave that part out."
            )


def _wrap(spec: EnvSpec, name: str, module: str = "workshop.environments.wrappers", **options: Any) -> None:
    spec.additional_wrappers = (*spec.additional_wrappers, WrapperSpec(name, f"{module}:{name}", options))
    spec.vector_entry_point = None  # wrappers are for single environments


def _never_ends_early(spec: EnvSpec) -> bool:
    return known_of_gymnasium(spec) and _name(spec) in NEVER_END_EARLY


def _name(spec: EnvSpec) -> str:
    """Its id without the version."""
    return re.sub(r"-v\d+$", "", spec.id)
