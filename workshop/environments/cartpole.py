"""CartPole without an early end: the environment of the workshop.

The dynamics are those of Gymnasium's `CartPoleEnv` and `CartPoleVectorEnv` (Barto, Sutton and Anderson 1983;
Florian 2007 for the corrected equations), integrated by Euler's method with a step of 0.02 s. What differs:

| what | Gymnasium's CartPole-v1 | FixedHorizonCartPole-v0 |
| --- | --- | --- |
| end of an episode | when the pole or the cart leaves its bounds | truncation after 200 steps, never termination |
| reward | 1 a step | cos(angle) of the state acted in, from -1 (hanging) to 1 (upright) |
| angle in the observation | as integrated, many turns if the pole spins | wrapped to (-pi, pi] |

An episode that ends when the pole falls would give the reward away by its length, and with 1 a step every
fragment of a given length would be worth the same: nothing would be left to learn from comparisons.

Observation, float32 of shape (4,):

| index | what | range | unit |
| --- | --- | --- | --- |
| 0 | cart position | unbounded | m |
| 1 | cart velocity | unbounded | m/s |
| 2 | pole angle, 0 is upright | (-pi, pi] | rad |
| 3 | pole angular velocity | unbounded | rad/s |

Actions, `Discrete(2)`: 0 pushes the cart to the left, 1 to the right, with 10 N.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.envs.classic_control.cartpole import CartPoleEnv, CartPoleVectorEnv
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

POLE_INPUTS = ("cart position, m", "cart velocity, m/s", "pole angle θ, rad", "angular velocity, rad/s")
POLE_ACTIONS = ("push left", "push right")

# float32(pi) lies above pi; the largest float32 that does not keeps the observation within (-pi, pi].
LARGEST_ANGLE = np.nextafter(np.float32(np.pi), np.float32(0))

OBSERVATION_BOUND = np.array([np.inf, np.inf, LARGEST_ANGLE, np.inf], dtype=np.float32)
OBSERVATION_SPACE = spaces.Box(-OBSERVATION_BOUND, OBSERVATION_BOUND, dtype=np.float32)


def observe(state: np.ndarray) -> np.ndarray:
    """Turn a state into what the agent sees: the angle wrapped to (-pi, pi], everything as float32.

    `state` has shape (4,), or (4, n) for n poles; the result has shape (4,), or (n, 4).
    """
    observation = state.T.astype(np.float32)
    wrapped = np.pi - (np.pi - state[2]) % (2 * np.pi)
    observation[..., 2] = np.minimum(np.maximum(wrapped, -LARGEST_ANGLE), LARGEST_ANGLE)
    return observation


class FixedHorizonCartPoleEnv(CartPoleEnv):
    """One pole. The 200 steps are counted by the `TimeLimit` that `gymnasium.make` adds.

    `render_mode` is None, "rgb_array" (pictures, without a window) or "human" (a window).
    """

    screen: Any  # pygame's window and clock, which Gymnasium declares as None, for they are so until there is one
    clock: Any

    def __init__(self, render_mode: str | None = None):
        super().__init__(render_mode=render_mode)
        self.observation_space = OBSERVATION_SPACE

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode: all four numbers of the state uniform in (-0.05, 0.05)."""
        super().reset(seed=seed, options=options)
        assert self.state is not None, "it has just been drawn"
        return observe(self.state), {}

    def step(self, action: int | np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Push the cart once; the reward is cos(angle) of the state before the push."""
        assert self.state is not None, "Call reset before using step method."
        reward = float(np.cos(self.state[2]))
        super().step(action)  # type: ignore[no-untyped-call]  # Gymnasium has not annotated it
        self.steps_beyond_terminated = None  # a fallen pole is no end here, so Gymnasium need not warn of one
        return observe(self.state), reward, False, False, {}

    def render(self) -> np.ndarray | None:
        """Draw the pole with the cart in the middle, "rgb_array" as an array (400, 480, 3), "human" in a window."""
        if self.render_mode is None or self.state is None:
            super().render()  # type: ignore[no-untyped-call]  # nor this; it warns, or does nothing
            return None
        import pygame  # which not every run needs

        from workshop.environments.pole_picture import as_array, pole_picture

        picture = pole_picture(float(self.state[0]), float(self.state[2]))
        if self.render_mode == "rgb_array":
            return as_array(picture)
        if self.screen is None:
            pygame.display.init()
            self.screen = pygame.display.set_mode(picture.get_size())
            self.clock = pygame.time.Clock()
        self.screen.blit(picture, (0, 0))
        pygame.event.pump()
        self.clock.tick(self.metadata["render_fps"])
        pygame.display.flip()
        return None


class FixedHorizonCartPoleVectorEnv(CartPoleVectorEnv):
    """Many poles stepped at once in NumPy, each reset in the step that ends its episode (`SAME_STEP`).

    Every pole has a generator of its own, seeded `seed + index`, so that a vector of poles gives the same
    trajectories as `gymnasium.vector.SyncVectorEnv` over single ones, resets included.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (as Gymnasium declares it)
        **CartPoleVectorEnv.metadata,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }
    state: np.ndarray  # type: ignore[assignment]  # which Gymnasium declares as None, for it is so until the first reset

    def __init__(self, num_envs: int = 1, max_episode_steps: int = 200, render_mode: str | None = None):
        super().__init__(num_envs=num_envs, max_episode_steps=max_episode_steps, render_mode=render_mode)
        self.single_observation_space = OBSERVATION_SPACE
        self.observation_space = batch_space(OBSERVATION_SPACE, num_envs)
        self._generators: list[np.random.Generator] = []

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start all episodes. `seed`: one for each pole, or an integer s for s, s + 1, …"""
        super().reset(options=options)  # the bounds of the initial state, and the counters
        if seed is None:
            seed = [None] * self.num_envs
        elif isinstance(seed, int | np.integer):
            seed = [int(seed) + index for index in range(self.num_envs)]
        for index, pole_seed in enumerate(seed):
            if pole_seed is not None or index == len(self._generators):
                generator, _ = seeding.np_random(pole_seed)
                self._generators[index : index + 1] = [generator]
        self._draw_initial_states(range(self.num_envs))
        return observe(self.state), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Push every cart once; the rewards, shape (n,), are cos(angle) of the states before the push."""
        assert self.state is not None, "Call reset before using step method."
        rewards = np.cos(self.state[2])
        self.state = self._pushed(action, rewards)
        self.steps += 1
        truncated = self.steps >= self.max_episode_steps
        observations = observe(self.state)
        infos: dict[str, Any] = {}
        if truncated.any():
            ended = np.flatnonzero(truncated)
            final = np.full(self.num_envs, None, dtype=object)
            for index in ended:
                final[index] = observations[index].copy()
            infos = {"final_obs": final, "_final_obs": truncated.copy()}
            self.steps[ended] = 0
            self._draw_initial_states(ended)
            observations = observe(self.state)
        return observations, rewards, np.zeros_like(truncated), truncated, infos

    def _pushed(self, action: np.ndarray, cosine: np.ndarray) -> np.ndarray:
        """The states a step later, by Gymnasium's equations in Gymnasium's order, so to the bit; shape (4, n).

        Gymnasium's own step looks at each action first, and whether poles have fallen, which takes twice as long.
        """
        _, x_dot, theta, theta_dot = self.state
        sine = np.sin(theta)
        push = np.where(action == 1, self.force_mag, -self.force_mag)
        temp = (push + self.polemass_length * np.square(theta_dot) * sine) / self.total_mass
        angular = (self.gravity * sine - cosine * temp) / (
            self.length * (4.0 / 3.0 - self.masspole * np.square(cosine) / self.total_mass)
        )
        linear = temp - self.polemass_length * angular * cosine / self.total_mass
        changes = np.array((x_dot, linear, theta_dot, angular))
        states: np.ndarray = self.state + self.tau * changes
        return states

    def _draw_initial_states(self, indices: Sequence[int] | np.ndarray) -> None:
        for index in indices:
            self.state[:, index] = self._generators[index].uniform(self.low, self.high, size=4)
