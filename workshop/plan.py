"""How a run's environment steps are shared out, and whether they are enough."""

from dataclasses import dataclass

import gymnasium
from gymnasium import spaces


@dataclass(frozen=True)
class StepPlan:
    """The steps of a run: `random_each` in each environment first, then `per_iteration` in all together."""

    random_each: int
    per_iteration: int


def plan_steps(
    env_id: str, total_timesteps: int, iterations: int, n_envs: int, random_rollouts: bool, fragment_length: int | None
) -> StepPlan:
    """Share the budget out: random rollouts, if any, of one episode in each environment, then equal iterations.

    Raises ValueError, in one sentence that names the flags, for an environment that is unknown or unfit, a budget that
    is too small, or a fragment longer than an episode (`fragment_length` is None where nothing is compared).
    """
    episode = episode_length(env_id)
    if fragment_length is not None and fragment_length > episode:
        raise ValueError(f"--fragment-length must be at most {episode}, an episode of {env_id}, not {fragment_length}.")
    random_each = episode if random_rollouts else 0
    # The first questions are about the random rollouts or, without them, about those of the first iteration.
    least_each = 2 if random_rollouts or fragment_length is None else fragment_length
    least = n_envs * (random_each + iterations * least_each)
    if total_timesteps < least:
        raise ValueError(
            f"--total-timesteps must be at least {least} for {iterations} iterations in {n_envs} environments "
            f"(--iterations, --n-envs), not {total_timesteps}."
        )
    if fragment_length == episode and n_envs == 1:
        raise ValueError(
            f"--fragment-length {fragment_length} is a whole episode, and one environment gives no two of them "
            "to compare at first: --n-envs must be at least 2, or the fragments shorter."
        )
    return StepPlan(random_each, (total_timesteps - n_envs * random_each) // iterations)


def episode_length(env_id: str) -> int:
    """The steps after which an episode is cut off, read from Gymnasium's registry.

    Raises ValueError for an id that Gymnasium does not know, an environment that is never cut off, or one whose
    observations or actions the networks cannot take.
    """
    try:
        spec = gymnasium.spec(env_id)
        env = gymnasium.make(env_id)
    except (gymnasium.error.Error, ModuleNotFoundError) as problem:
        raise ValueError(f"--env {env_id}: {problem}") from problem
    env.close()
    if spec.max_episode_steps is None:
        raise ValueError(f"--env {env_id}: its episodes have no limit of steps, which the workshop needs.")
    for what, space in (("observations", env.observation_space), ("actions", env.action_space)):
        if not isinstance(space, spaces.Box | spaces.Discrete):
            raise ValueError(f"--env {env_id}: its {what} are {type(space).__name__}; Box and Discrete are allowed.")
    return spec.max_episode_steps
