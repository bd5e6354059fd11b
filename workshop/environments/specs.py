"""Which environment a run is in: any of Gymnasium's whose episodes give nothing away by their length."""

import difflib
import re
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Any, SupportsFloat

import gymnasium
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec, WrapperSpec

from workshop import CARTPOLE_ID
from workshop.bounds import require_bounds, within
from workshop.data import Space
from workshop.messages import UsageError, shown

# Gymnasium's own environments whose episodes only ever end by their limit of steps
NEVER_END_EARLY = {"Pendulum", "HalfCheetah", "Swimmer", "Reacher", "Pusher", "HumanoidStandup", "FixedHorizonCartPole"}
# … and those that do end early, but hardly ever for an untrained agent
END_EARLY_UNSEEN = {"Acrobot", "MountainCar", "MountainCarContinuous"}
EPISODES_TRIED = 3


@dataclass(frozen=True)
class EnvironmentConfig:
    """The environment, and how its episodes end."""

    env: str = CARTPOLE_ID
    """Gymnasium's id of the environment. The defaults of many flags follow it: --env HalfCheetah-v5 --help."""
    fixed_horizon: Annotated[int | None, within(at_least=2, at_most=100_000)] = None
    """Make every episode this long: one that ends early stays as it ended, without reward, until then."""
    allow_variable_horizon: bool = False
    """Take an environment whose episodes end early, although their length tells how well the agent did."""

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.fixed_horizon is not None and self.allow_variable_horizon:
            raise ValueError(
                "--fixed-horizon and --allow-variable-horizon contradict each other: "
                "one makes all episodes equally long, the other lets them be; choose one."
            )


class FixedHorizon(gymnasium.Wrapper):
    """Episodes of exactly `steps` steps: after an early end the last observation stays, with a true reward of 0.

    So an episode's return is what it was, and its length tells nothing (the "absorbing state" of the seals suite,
    Gleave et al. 2020).
    """

    def __init__(self, env: gymnasium.Env, steps: int):
        super().__init__(env)
        self._horizon = steps

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        self._steps, self._ended = 0, False
        self._observation, info = self.env.reset(seed=seed, options=options)
        return self._observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a step or, after the end, let one pass."""
        self._steps += 1
        reward: SupportsFloat = 0.0
        info: dict[str, Any] = {}
        if not self._ended:
            self._observation, reward, terminated, truncated, info = self.env.step(action)
            self._ended = terminated or truncated
        return self._observation, float(reward), False, self._steps >= self._horizon, info


def environment_spec(config: EnvironmentConfig) -> EnvSpec:
    """Everything that Gymnasium needs to make the environment, its episodes' limit in `max_episode_steps`.

    Observations that are neither one row of numbers nor `Discrete` are flattened to the former. Raises a UsageError, in
    one sentence, for an id that is unknown, an environment whose episodes have no limit or end early, or whose
    observations or actions the networks cannot take.
    """
    spec = deepcopy(_find(config.env))
    if config.fixed_horizon is not None:
        spec.max_episode_steps = config.fixed_horizon
        if not _never_ends_early(spec.id):
            _wrap(spec, "FixedHorizon", "workshop.environments.specs:FixedHorizon", steps=config.fixed_horizon)
    if spec.max_episode_steps is None:
        raise UsageError(
            f"--env {config.env}: its episodes have no limit of steps, which the workshop needs; "
            "--fixed-horizon N makes each N steps long."
        )
    observation_space, action_space = spaces_of(spec)
    row = isinstance(observation_space, spaces.Box) and len(observation_space.shape) == 1
    if not row and not isinstance(observation_space, spaces.Discrete):
        if not observation_space.is_np_flattenable:
            raise UsageError(
                f"--env {config.env}: its observations ({type(observation_space).__name__}) cannot be made a row of "
                "numbers; Box, Discrete and combinations of them are allowed."
            )
        _wrap(spec, "FlattenObservation", "gymnasium.wrappers:FlattenObservation")
    if not isinstance(action_space, spaces.Box | spaces.Discrete):
        raise UsageError(
            f"--env {config.env}: its actions are {type(action_space).__name__}; Box and Discrete are allowed."
        )
    if config.fixed_horizon is None and not config.allow_variable_horizon:
        _refuse_early_ends(spec)
    return spec


def solved_at(spec: EnvSpec) -> float | None:
    """The mean true return from which the environment counts as solved, None where its makers do not say.

    What they say holds for episodes of the length they chose, and for longer ones that may end earlier than that.
    """
    usual, steps = gymnasium.spec(spec.id).max_episode_steps, episode_steps(spec)
    as_meant = usual is None or steps == usual or (steps > usual and not _never_ends_early(spec.id))
    return spec.reward_threshold if as_meant else None


def episode_steps(spec: EnvSpec) -> int:
    """The most steps that an episode of an environment from `environment_spec` has."""
    assert spec.max_episode_steps is not None, "environment_spec refuses those without a limit"
    return spec.max_episode_steps


def _find(env_id: str) -> EnvSpec:
    try:
        return gymnasium.spec(env_id)
    except Exception as problem:  # the part of an id before a colon is a module, which may raise anything
        ids = {each.lower(): each for each in gymnasium.registry}
        close = difflib.get_close_matches(env_id.lower(), ids, n=1)
        closest = ids[(close or difflib.get_close_matches(env_id.lower(), ids, n=1, cutoff=0))[0]]
        why = " ".join(str(problem).split()).rstrip(".")
        hint = f"; did you mean {closest}?" if close else f" ({why}); the closest is {closest}."
        raise UsageError(f"--env {shown(env_id)}: Gymnasium knows no environment of this id{hint}") from problem


def spaces_of(spec: EnvSpec) -> tuple[Space, Space]:
    """The environment's spaces of observations and of actions; a UsageError if it cannot be made here."""
    try:
        env = gymnasium.make(spec)
    except Exception as problem:  # whatever an environment's own constructor raises
        raise UsageError(f"--env {spec.id} cannot be made here: {problem}") from problem
    env.close()
    return env.observation_space, env.action_space


def _wrap(spec: EnvSpec, name: str, entry_point: str, **options: Any) -> None:
    spec.additional_wrappers = (*spec.additional_wrappers, WrapperSpec(name, entry_point, options))
    spec.vector_entry_point = None  # wrappers are for single environments


def _never_ends_early(env_id: str) -> bool:
    return re.sub(r"-v\d+$", "", env_id) in NEVER_END_EARLY


def _refuse_early_ends(spec: EnvSpec) -> None:
    """Raise a UsageError if episodes are known to end early, or do so in a few tries with random actions."""
    name = re.sub(r"-v\d+$", "", spec.id)
    if _never_ends_early(spec.id):
        return
    seen = None if name in END_EARLY_UNSEEN else _early_end(spec)
    if name in END_EARLY_UNSEEN or seen is not None:
        after = "" if seen is None else f" (with random actions, one did after {seen} steps)"
        raise UsageError(
            f"--env {spec.id}: its episodes can end early{after}, and their length would give the reward away. "
            f"--fixed-horizon {spec.max_episode_steps} makes all equally long, --allow-variable-horizon takes them "
            "as they are."
        )


def _early_end(spec: EnvSpec) -> int | None:
    """After how many steps an episode of random actions ended before its limit, None if none did."""
    with gymnasium.make(spec) as env:
        env.action_space.seed(0)
        for seed in range(EPISODES_TRIED):
            env.reset(seed=seed)
            for step in range(1, episode_steps(spec) + 1):
                _, _, terminated, truncated, _ = env.step(env.action_space.sample())
                if terminated:
                    return step
                if truncated:
                    break
    return None
