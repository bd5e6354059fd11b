"""The agent, in its own training environments, and all that is asked of it."""

import io
import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize
from torch import nn

from workshop import state as states
from workshop.agent.learned_reward import LearnedRewardVecEnv, RewardFunction
from workshop.agent.ppo import AgentConfig, make_ppo, split_into_updates
from workshop.agent.vectors import make_vec_env
from workshop.data import Rollouts
from workshop.environments import as_vectors
from workshop.messages import RunError
from workshop.networks import in_numpy
from workshop.safe_files import write_safely
from workshop.state import State

# observations (n, *shape) in, actions (n, *shape) out
Policy = Callable[[np.ndarray], np.ndarray]

STATISTICS = ("obs_rms", "ret_rms")  # of VecNormalize


class Agent:
    """A PPO agent in its own training environments.

    It trains for at most `steps_per_iteration` steps an iteration, in all environments together: as many as make whole
    PPO updates. `on_step` is called with the number of steps taken, after each step of the vector of environments. Its
    copies are seeded `seed`, `seed + 1`, …. With `only_copy`, where there can be but one at a time, it is there while
    the agent acts, and each iteration begins with an episode of its own.
    """

    only_copy = False
    planned_steps = math.inf  # that training takes in the whole run

    def __init__(
        self,
        spec: EnvSpec,
        config: AgentConfig,
        steps_per_iteration: int,
        generator: np.random.Generator,
        device: str,
        on_step: Callable[[int], object],
    ):
        updates, rollout_steps = split_into_updates(steps_per_iteration // config.n_envs, config.rollout_steps)
        self._generator, self._learning_rate, self._anneal_to = generator, config.agent_learning_rate, config.anneal_to
        self.seed = seed = int(generator.integers(2**31))
        self._venv = LearnedRewardVecEnv(make_vec_env(spec, config.n_envs, seed, config.stepping), spec.id)
        self._normalised = None
        if config.normalise:  # without clipping of observations, so that the policy's first layer can take it in
            box = isinstance(self._venv.observation_space, spaces.Box)
            self._normalised = VecNormalize(self._venv, norm_obs=box, gamma=config.gamma, clip_obs=np.inf)
        self._ppo = make_ppo(self._normalised or self._venv, config, rollout_steps, seed, device)
        self._numbers = _Numbers()
        self._ppo.set_logger(Logger(folder=None, output_formats=[self._numbers]))
        self.steps_per_iteration = updates * rollout_steps * config.n_envs
        self._on_step = on_step
        self.spaces = self._venv.observation_space, self._venv.action_space

    def random_rollouts(self, steps_each: int) -> Rollouts:
        """Let a uniformly random policy take so many steps in each environment."""
        self._venv.reset()
        space = self._venv.action_space
        space.seed(int(self._generator.integers(2**31)))
        for _ in range(steps_each):
            self._venv.step(np.stack([space.sample() for _ in range(self._venv.num_envs)]))
            self._on_step(self._venv.num_envs)
        return self._take_rollouts()

    def train(self, reward: RewardFunction | None) -> Rollouts:
        """Train for one iteration's steps on `reward` (None: the true one), and return what happened.

        Raises a RunError if a reward or the agent's weights are not finite any more.
        """
        self._venv.reward_function = reward
        rate = self._learning_rate * (1 - (1 - self._anneal_to) * self._ppo.num_timesteps / self.planned_steps)
        self._ppo.lr_schedule = lambda _: rate
        if self.only_copy:
            self._venv.seed(int(self._generator.integers(2**31)))
            self._ppo._last_obs = None  # so that SB3 resets, and with it the environment is made anew
        try:
            self._ppo.learn(
                self.steps_per_iteration,
                callback=self._stepped,
                log_interval=None,  # type: ignore[arg-type]  # so it never logs: `log` does, once an iteration
                reset_num_timesteps=False,
            )
        except (ValueError, RuntimeError, RunError):  # such weights: nothing to draw from, or rewards as bad as they
            self._require_finite_weights()
            raise
        self._require_finite_weights()
        return self._take_rollouts()

    def _take_rollouts(self) -> Rollouts:
        if self.only_copy:
            self._venv.close()
        return self._venv.take_rollouts()

    def _stepped(self, *_: object) -> bool:
        self._on_step(self._venv.num_envs)
        return True  # which lets SB3 go on

    def _require_finite_weights(self) -> None:
        if not all(torch.isfinite(parameter).all() for parameter in self._ppo.policy.parameters()):
            raise RunError(
                "Training has blown up: the agent's weights are not finite any more. Try a smaller "
                f"--agent-learning-rate than {self._ppo.learning_rate:g}, or a smaller --max-grad-norm."
            )

    def policy(self) -> Policy:
        """The deterministic policy as it is now: observations (n, *shape) to actions (n, *shape).

        It acts as `PPO.predict` does, in a fifth of the time.
        """
        policy = self._ppo.policy
        modules = [*policy.mlp_extractor.policy_net, policy.action_net]
        linear = [module for module in modules if isinstance(module, nn.Linear)]
        layers = [(in_numpy.to_numpy(layer.weight).T, in_numpy.to_numpy(layer.bias)) for layer in linear]
        layers[0] = self._on_raw_observations(*layers[0])
        activation = in_numpy.relu if policy.activation_fn is nn.ReLU else np.tanh
        observation_space, action_space = self.spaces

        def act(observations: np.ndarray) -> np.ndarray:
            output = in_numpy.forward(layers, as_vectors(observation_space, observations), activation)
            if isinstance(action_space, spaces.Discrete):
                chosen: np.ndarray = output.argmax(axis=1) + action_space.start
                return chosen
            assert isinstance(action_space, spaces.Box)
            return output.reshape(-1, *action_space.shape).clip(action_space.low, action_space.high)

        return act

    def _on_raw_observations(self, weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A first layer, (inputs, outputs) and (outputs,), for observations as they come, not as PPO gets them."""
        if self._normalised is None or not self._normalised.norm_obs:
            return weight, bias
        statistics = self._normalised.obs_rms
        assert isinstance(statistics, RunningMeanStd), "there is one observation, not a dict of them"
        std = np.sqrt(statistics.var.reshape(-1, 1) + self._normalised.epsilon)
        scaled = weight / std
        return scaled.astype(np.float32), (bias - statistics.mean.reshape(-1) @ scaled).astype(np.float32)

    def state(self) -> State:
        """Everything that training goes on from, but for the environments: see `play_again`."""
        ppo = self._ppo
        state: State = {
            "policy": ppo.policy.state_dict(),
            "optimizer": ppo.policy.optimizer.state_dict(),
            "num_timesteps": ppo.num_timesteps,
            "updates": ppo._n_updates,
            "global_generators": states.global_state(),
            "generator": states.state_of(self._generator),
        }
        if self._normalised is not None:
            there = vars(self._normalised)  # without obs_rms where observations are Discrete
            state["normalised"] = {name: vars(there[name]) for name in STATISTICS if name in there}
            state["discounted_returns"] = self._normalised.returns
        return state

    def restore(self, state: State) -> None:
        """Go on from `state`, once `play_again` has brought the environments to where they were."""
        ppo = self._ppo
        ppo.policy.load_state_dict(state["policy"])
        ppo.policy.optimizer.load_state_dict(state["optimizer"])
        ppo.num_timesteps, ppo._n_updates = state["num_timesteps"], state["updates"]
        if self._normalised is not None:
            for name, values in state["normalised"].items():
                vars(getattr(self._normalised, name)).update(values)
            self._normalised.returns = state["discounted_returns"]
            if ppo._last_obs is not None:
                ppo._last_obs = self._normalised.normalize_obs(self._venv.observations)
        states.restore(self._generator, state["generator"])
        states.restore_global(state["global_generators"])

    def play_again(self, rollouts: Rollouts, random_each: int) -> bool:
        """Bring the environments to where they were after these rollouts, a random policy's `random_each` steps first.

        Their state cannot be saved, but they do the same again: their seeds and all actions are known. Returns whether
        they did; where not, the next training begins with new episodes.
        """
        if self.only_copy:
            return True  # it begins each iteration anew anyway
        self._venv.reset()
        same = self._same_again(rollouts, range(random_each))
        if len(rollouts.actions) > random_each:
            self._ppo._setup_learn(0, reset_num_timesteps=False)  # as `learn` does when it is first called: it resets
            same = same and self._same_again(rollouts, range(random_each, len(rollouts.actions)))
            self._ppo._last_obs = self._venv.observations if same else None
        self._venv.take_rollouts()
        return same

    def _same_again(self, rollouts: Rollouts, steps: range) -> bool:
        """Take these steps of the rollouts again, as long as they are what they were."""
        ppo = self._ppo
        for step in steps:
            if not np.array_equal(self._venv.observations, rollouts.observations[step]):
                return False
            _, rewards, dones, infos = self._venv.step(rollouts.actions[step])
            if not np.array_equal(rewards, rollouts.true_rewards[step]):
                return False
            if ppo.ep_info_buffer is not None:  # once training has begun
                ppo._last_episode_starts = dones
                ppo._update_info_buffer(infos)
        return True

    def numbers(self) -> tuple[int, dict[str, Any]]:
        """SB3's own numbers of its training, by its names for them, and the steps trained so far."""
        if self._ppo.ep_info_buffer is None:  # before the first training
            self._ppo.logger.dump(self._ppo.num_timesteps)
        else:
            self._ppo.dump_logs()
        return self._numbers.steps, self._numbers.latest

    def save(self, path: Path) -> None:
        """Write what `stable_baselines3.PPO.load` reads: an agent that takes observations as they come."""
        nets = self._ppo.policy.mlp_extractor
        first_layers = [cast(nn.Linear, net[0]) for net in (nets.policy_net, nets.value_net)]
        as_trained = deepcopy([layer.state_dict() for layer in first_layers])
        for layer in first_layers:
            weight, bias = self._on_raw_observations(in_numpy.to_numpy(layer.weight).T, in_numpy.to_numpy(layer.bias))
            layer.load_state_dict({"weight": torch.from_numpy(weight.T), "bias": torch.from_numpy(bias)})
        write_safely(path, lambda stream: self._ppo.save(cast(io.BufferedIOBase, stream)))
        for layer, state in zip(first_layers, as_trained, strict=True):
            layer.load_state_dict(state)

    def close(self) -> None:
        """Stop the environments, which may have processes of their own, or be the only ones that can be."""
        self._venv.close()


class _Numbers(KVWriter):
    """Keeps the numbers that SB3 logs, in place of a file."""

    def write(self, key_values: dict[str, Any], key_excluded: Mapping[str, tuple[str, ...]], step: int = 0) -> None:
        self.latest, self.steps = dict(key_values), step  # SB3 empties what it hands over

    def close(self) -> None:
        pass
