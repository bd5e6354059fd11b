"""How good the agent is by the true reward, and how near the learned reward comes to it.

All of this is for reports. Nothing of it reaches the agent, the reward model or the choice of questions.
"""

from dataclasses import dataclass, replace

import numpy as np
from gymnasium.envs.registration import EnvSpec

from workshop.agent import Policy, RewardFunction, make_vec_env, one_array
from workshop.state import State, restore, state_of

EPISODES = 20


@dataclass(frozen=True)
class Episodes:
    """Twenty whole episodes, their K steps one after another.

    | field | shape | what |
    | --- | --- | --- |
    | observations, actions, true_rewards | (K, …), (K, …), (K,) | the steps |
    | true_returns | (20,), float64 | undiscounted sums of the true rewards |
    | seed | int | the first episode's, for `workshop.reports.moving_pictures` to play it again with … |
    | first_actions | (T, …) | … its actions |
    """

    observations: np.ndarray
    actions: np.ndarray
    true_rewards: np.ndarray
    true_returns: np.ndarray
    seed: int
    first_actions: np.ndarray

    def without_steps(self) -> "Episodes":
        """What is left when the steps are let go: enough to play the first one again."""
        return replace(self, observations=np.empty(0), actions=np.empty(0), true_rewards=np.empty(0))


@dataclass(frozen=True)
class Evaluation:
    """How the agent did on fresh episodes, and how the learned reward sees them.

    | field | what |
    | --- | --- |
    | episodes | 20 fresh episodes of the deterministic policy |
    | learned_return_mean | their mean return by the learned reward; NaN without one |
    | true_rewards, learned_rewards | rewards, shape (k,), of these steps and of some of a random policy |
    | reward_correlation | their Pearson correlation, in [-1, 1]; NaN where undefined |

    The random policy reaches states that the agent avoids. Without a learned reward both arrays are empty.
    """

    episodes: Episodes
    learned_return_mean: float
    reward_correlation: float
    true_rewards: np.ndarray
    learned_rewards: np.ndarray


class Evaluator:
    """Plays fresh episodes in environments of its own, on seeds from its own generator.

    `random_return` is the mean true return of 20 episodes of a uniformly random policy, to compare with.
    """

    def __init__(self, spec: EnvSpec, generator: np.random.Generator):
        self._venv = make_vec_env(spec, EPISODES, seed=0).venv  # without the monitor, for which there is no use
        self._generator = generator
        space = self._venv.action_space
        space.seed(int(generator.integers(2**31)))
        random_episodes = self._play(lambda observations: np.stack([space.sample() for _ in observations]))
        self.random_return = float(random_episodes.true_returns.mean())
        every_fourth = slice(None, None, 4)  # enough to tell a correlation
        self._random_steps = random_episodes.observations[every_fourth], random_episodes.actions[every_fourth]
        self._random_true_rewards = random_episodes.true_rewards[every_fourth]

    def state(self) -> State:
        """What evaluation goes on from."""
        return {"generator": state_of(self._generator)}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        restore(self._generator, state["generator"])

    def evaluate(self, policy: Policy, reward: RewardFunction | None) -> Evaluation:
        """Play 20 episodes with `policy`, and compare the learned `reward`, if there is one, with the true one."""
        episodes = self._play(policy)
        if reward is None:
            return Evaluation(episodes, np.nan, np.nan, np.empty(0), np.empty(0))
        own = reward(episodes.observations, episodes.actions)
        learned = np.concatenate([own, reward(*self._random_steps)])
        true = np.concatenate([episodes.true_rewards, self._random_true_rewards])
        return Evaluation(episodes, float(own.sum() / EPISODES), correlation(learned, true), true, learned)

    def _play(self, policy: Policy) -> Episodes:
        seed = int(self._generator.integers(2**31 - EPISODES))
        self._venv.seed(seed)
        observations = one_array(self._venv.reset())
        running = np.ones(EPISODES, dtype=bool)
        steps = []
        while running.any():
            actions = policy(observations)
            following, rewards, dones, _ = self._venv.step(actions)
            steps.append((observations, actions, rewards, running))
            observations, running = one_array(following), running & ~dones
        # (T, 20, …) each; a step after an episode's end belongs to the next one and is left out
        all_observations, all_actions, all_rewards, in_episode = (np.stack(c) for c in zip(*steps, strict=True))
        return Episodes(
            observations=all_observations[in_episode],
            actions=all_actions[in_episode],
            true_rewards=all_rewards[in_episode],
            true_returns=np.where(in_episode, all_rewards, 0).sum(axis=0, dtype=np.float64),
            seed=seed,
            first_actions=all_actions[in_episode[:, 0], 0],
        )


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's correlation of two arrays of shape (k,), NaN where one of them does not vary."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
