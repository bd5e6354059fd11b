"""How good the agent is by the true reward, and how near the learned reward comes to it.

All of this is for reports. Nothing of it reaches the agent, the reward model or the choice of questions.
"""

from dataclasses import dataclass, replace

import numpy as np
from gymnasium.envs.registration import EnvSpec

from workshop.agent import Policy, RewardFunction, Stepping, make_vec_env, one_array
from workshop.environments import checksum, not_finite
from workshop.messages import RunError
from workshop.state import State, restore, state_of

EPISODES = 20


@dataclass(frozen=True)
class HowToEvaluate:
    """How many episodes are played at each evaluation, and in which environments.

    | field | what |
    | --- | --- |
    | episodes | how many |
    | copies | at most so many environments at a time |
    | stepping | where they are stepped, as for the agent's |
    | anew | whether they are made anew for each evaluation: what they keep over a reset would not be there in a run \
that was interrupted |
    | steps | of each episode, where all are to be equally long; None where they need not be |
    """

    episodes: int = EPISODES
    copies: int = EPISODES
    stepping: Stepping = "in-process"
    anew: bool = False
    steps: int | None = None


@dataclass(frozen=True)
class Episodes:
    """N whole episodes, their K steps in all.

    | field | shape | what |
    | --- | --- | --- |
    | observations, actions, true_rewards | (K, …), (K, …), (K,) | the steps |
    | true_returns | (N,), float64 | undiscounted sums of the true rewards |
    | seed | int | the first episode's, for `workshop.reports.moving_pictures` to play it again with … |
    | first_actions | (T, …) | … its actions |
    | first_seen | (T,), int64 | checksums of the observations that these were taken after |
    """

    observations: np.ndarray
    actions: np.ndarray
    true_rewards: np.ndarray
    true_returns: np.ndarray
    seed: int
    first_actions: np.ndarray
    first_seen: np.ndarray

    @property
    def first_observations(self) -> np.ndarray:
        """Those of the first episode, (T, …): the steps are ordered by time, not by episode."""
        first = set(self.first_seen.tolist())
        return self.observations[[checksum(each) in first for each in self.observations]]

    def without_steps(self) -> "Episodes":
        """What is left when the steps are let go: enough to play the first one again."""
        return replace(self, observations=np.empty(0), actions=np.empty(0), true_rewards=np.empty(0))


@dataclass(frozen=True)
class Evaluation:
    """How the agent did on fresh episodes, and how the learned reward sees them.

    | field | what |
    | --- | --- |
    | episodes | fresh episodes of the deterministic policy |
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

    `random` are as many episodes of a uniformly random policy, to compare with, `random_return` their mean true return.
    """

    def __init__(self, spec: EnvSpec, generator: np.random.Generator, how: HowToEvaluate | None = None):
        self._how = how = how or HowToEvaluate()
        self._env_id, self._copies = spec.id, min(how.copies, how.episodes)
        # without the monitor, for which there is no use
        self._venv = make_vec_env(spec, self._copies, seed=0, stepping=how.stepping).venv
        self._generator = generator
        space = self._venv.action_space
        space.seed(int(generator.integers(2**31)))
        self.random = random = self._play(lambda observations: np.stack([space.sample() for _ in observations]))
        self.random_return = float(random.true_returns.mean())
        every_fourth = slice(None, None, 4)  # enough to tell a correlation
        self._random_steps = random.observations[every_fourth], random.actions[every_fourth]
        self._random_true_rewards = random.true_rewards[every_fourth]

    @property
    def random_steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Observations and true rewards of every fourth step of a random policy's episodes."""
        return self._random_steps[0], self._random_true_rewards

    @property
    def episodes(self) -> int:
        """How many are played at each evaluation."""
        return self._how.episodes

    def ends_early(self, episodes: Episodes) -> bool:
        """Whether some of these episodes were shorter than all are to be."""
        return self._how.steps is not None and len(episodes.true_rewards) < self._how.steps * self.episodes

    def state(self) -> State:
        """What evaluation goes on from."""
        return {"generator": state_of(self._generator)}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        restore(self._generator, state["generator"])

    def evaluate(self, policy: Policy, reward: RewardFunction | None) -> Evaluation:
        """Play episodes with `policy`, and compare the learned `reward`, if there is one, with the true one."""
        episodes = self._play(policy)
        if reward is None:
            return Evaluation(episodes, np.nan, np.nan, np.empty(0), np.empty(0))
        own = reward(episodes.observations, episodes.actions)
        learned = np.concatenate([own, reward(*self._random_steps)])
        true = np.concatenate([episodes.true_rewards, self._random_true_rewards])
        return Evaluation(episodes, float(own.sum() / self.episodes), correlation(learned, true), true, learned)

    def close(self) -> None:
        """Stop the environments."""
        self._venv.close()

    def _play(self, policy: Policy) -> Episodes:
        """Play the episodes, as many at a time as there are environments; each has a seed of its own."""
        seed = int(self._generator.integers(2**31 - self.episodes))
        rounds = [self._play_round(policy, seed + first) for first in range(0, self.episodes, self._copies)]
        if self._how.anew:
            self._venv.close()
        last = slice(0, self.episodes - self._copies * (len(rounds) - 1))  # of the last round, which may be fuller
        rounds[-1] = tuple(array[:, last] for array in rounds[-1])
        steps = [[array[in_episode] for array in arrays] for *arrays, in_episode in rounds]
        observations, actions, rewards = (np.concatenate(column) for column in zip(*steps, strict=True))
        first_observations, first_actions, _, first_episode = (array[:, 0] for array in rounds[0])
        return Episodes(
            observations=observations,
            actions=actions,
            true_rewards=rewards,
            true_returns=np.concatenate(
                [np.where(in_episode, played, 0).sum(axis=0, dtype=np.float64) for *_, played, in_episode in rounds]
            ),
            seed=seed,
            first_actions=first_actions[first_episode],
            first_seen=np.array([checksum(each) for each in first_observations[first_episode]], np.int64),
        )

    def _play_round(self, policy: Policy, seed: int) -> tuple[np.ndarray, ...]:
        """An episode in each environment: observations, actions, rewards, and whether they are in it; (T, copies, …).

        A step after an episode's end belongs to the next one.
        """
        self._venv.seed(seed)
        observations = one_array(self._venv.reset())
        running = np.ones(self._copies, dtype=bool)
        steps = []
        while running.any():
            actions = policy(observations)
            following, rewards, dones, _ = self._venv.step(actions)
            steps.append((observations, actions, rewards, running))
            if not_finite(one_array(following)) or not_finite(rewards):
                raise RunError(
                    f"{self._env_id} cannot be evaluated: after step {len(steps)} of an episode an observation or a "
                    "reward is not finite (NaN, infinity, or too large for float32)."
                )
            observations, running = one_array(following), running & ~dones
        return tuple(np.stack(column) for column in zip(*steps, strict=True))


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's correlation of two arrays of shape (k,), NaN where one of them does not vary."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])
