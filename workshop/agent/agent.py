"""The agent: PPO from Stable-Baselines3, and the wrapper that swaps the learned reward in for the true one."""

import io
import warnings
import zipfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecNormalize
from torch import nn

from workshop import state as randomness
from workshop.data.rollouts import Rollouts
from workshop.environments.spaces import Space, flatten
from workshop.environments.vectors import Stepping, make_vec_env, one_array
from workshop.messages import RunError, require_number, require_sizes
from workshop.networks import in_numpy
from workshop.records.checkpoint import State, load_tensors, require_stored
from workshop.reports.tensorboard import EventFile
from workshop.safe_files import write_safely

# observations (n, *shape) and actions (n, *shape) in, one reward for each, shape (n,), out
RewardFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]
# observations (n, *shape) in, actions (n, *shape) out
Policy = Callable[[np.ndarray], np.ndarray]

STATISTICS = ("obs_rms", "ret_rms")  # of VecNormalize


@dataclass(frozen=True)
class AgentConfig:
    """The agent: PPO (Schulman et al. 2017), as Stable-Baselines3 has it."""

    n_envs: int = 16
    """Environments stepped in parallel."""
    stepping: Stepping = "auto"
    """Where environments that have no NumPy-vectorised version are stepped; auto: in subprocesses if slow enough."""
    rollout_steps: int = 50
    """Steps in each environment between two PPO updates; adjusted so that updates fill an iteration evenly."""
    agent_learning_rate: float = 2e-3
    """Adam's step size for the agent."""
    agent_weight_decay: float = 0.0
    """AdamW's pull of the agent's weights towards zero: lets go of what it has learned for a reward that was wrong."""
    agent_epochs: int = 10
    """Passes over each rollout in a PPO update."""
    agent_batch_size: int = 400
    """Transitions in a minibatch of a PPO update."""
    agent_hidden_sizes: tuple[int, ...] = (64, 64)
    """Widths of the hidden layers of the policy and of the value function."""
    agent_activation: Literal["tanh", "relu"] = "tanh"
    """What follows each hidden layer of the policy and of the value function."""
    entropy_bonus: float = 0.2
    """Weight of the policy's entropy in PPO's objective: keeps it exploring while the learned reward is still poor."""
    clip_range: float = 0.2
    """How far one PPO update may change the probability of an action, as a share of it."""
    initial_log_std: float = 0.0
    """With continuous actions: the logarithm of the policy's initial standard deviation."""
    orthogonal_init: bool = True
    """Begin with orthogonal weights, and so with actions near 0; without it, with PyTorch's own."""
    value_coefficient: float = 0.5
    """Weight of the value function's loss in PPO's objective."""
    max_grad_norm: float = 0.5
    """PPO's gradients are scaled down to this norm if theirs is larger."""
    normalise: bool = False
    """Give PPO observations and rewards scaled by running statistics, as Stable-Baselines3's VecNormalize does."""
    gamma: float = 0.98
    """Discount of future rewards, between 0 and 1."""
    gae_lambda: float = 0.9
    """Trade-off of bias (0) and variance (1) in the advantages (Schulman et al. 2016)."""

    def __post_init__(self) -> None:
        require_number("--n-envs", self.n_envs, at_least=1, at_most=1024)
        require_number("--rollout-steps", self.rollout_steps, at_least=2, at_most=100_000)
        require_number("--agent-learning-rate", self.agent_learning_rate, above=0, at_most=1e30)
        require_number("--agent-weight-decay", self.agent_weight_decay, at_least=0, at_most=1000)
        require_number("--agent-epochs", self.agent_epochs, at_least=1, at_most=1000)
        require_number("--agent-batch-size", self.agent_batch_size, at_least=2, at_most=1_000_000)
        require_number("--entropy-bonus", self.entropy_bonus, at_least=0, at_most=1000)
        require_number("--clip-range", self.clip_range, above=0, at_most=10)
        require_number("--initial-log-std", self.initial_log_std, at_least=-20, at_most=5)
        require_number("--value-coefficient", self.value_coefficient, at_least=0, at_most=1000)
        require_number("--max-grad-norm", self.max_grad_norm, above=0, at_most=1000)
        require_number("--gamma", self.gamma, at_least=0, at_most=1)
        require_number("--gae-lambda", self.gae_lambda, at_least=0, at_most=1)
        require_sizes("--agent-hidden-sizes", self.agent_hidden_sizes)
        if self.agent_weight_decay * self.agent_learning_rate > 1:
            raise ValueError(
                "--agent-weight-decay times --agent-learning-rate, the share of each weight that a step takes away, "
                f"must be at most 1, not {self.agent_weight_decay:g} * {self.agent_learning_rate:g}."
            )


class LearnedRewardVecEnv(VecEnvWrapper):
    """Gives the agent the learned reward in place of the true one, and keeps what happened.

    `reward_function` is the reward swapped in, from the state acted in and the action; None leaves the true one.
    `observations` are those that the environments gave last.
    The true reward is only ever recorded, and what is recorded is not handed out for PPO to change: at the end of a
    truncated episode PPO adds the value of the last state to the reward, in place.
    """

    def __init__(self, venv: VecEnv):
        super().__init__(venv)
        self.reward_function: RewardFunction | None = None
        self._steps: list[tuple[np.ndarray, ...]] = []

    def reset(self) -> np.ndarray:
        self.observations = one_array(self.venv.reset())
        self._episode_starts = np.ones(self.num_envs, dtype=bool)
        return self.observations

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions
        self.venv.step_async(actions)

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        observations, true_rewards, dones, infos = self.venv.step_wait()
        self._steps.append((self.observations, self._actions, true_rewards, self._episode_starts))
        if self.reward_function is None:
            rewards = true_rewards.copy()
        else:
            rewards = self.reward_function(self.observations, self._actions)
        if not np.isfinite(rewards).all():
            whose, advice = ("environment's own", "It cannot be trained on.")
            if self.reward_function is not None:
                whose, advice = "learned", "Try a smaller --reward-learning-rate."
            raise RunError(f"Training has blown up: the {whose} reward is not finite. {advice}")
        self.observations, self._episode_starts = one_array(observations), dones
        return self.observations, rewards, dones, infos

    def take_rollouts(self) -> Rollouts:
        """The transitions since this was last called."""
        if not self._steps:
            return Rollouts.empty(self.num_envs, self.observation_space, self.action_space)
        rollouts = Rollouts(*(np.stack(column) for column in zip(*self._steps, strict=True)))
        self._steps = []
        return rollouts


class Agent:
    """A PPO agent in its own training environments.

    It trains for at most `steps_per_iteration` steps an iteration, in all environments together: as many as make whole
    PPO updates. `on_step` is called with the number of steps taken, after each step of the vector of environments. Its
    copies are seeded `seed`, `seed + 1`, ….
    """

    def __init__(
        self,
        spec: EnvSpec,
        config: AgentConfig,
        steps_per_iteration: int,
        generator: np.random.Generator,
        device: str,
        log_directory: Path,
        on_step: Callable[[int], object],
    ):
        updates, rollout_steps = split_into_updates(steps_per_iteration // config.n_envs, config.rollout_steps)
        self._generator = generator
        self.seed = seed = int(generator.integers(2**31))
        self._venv = LearnedRewardVecEnv(make_vec_env(spec, config.n_envs, seed, config.stepping))
        self._normalised = normalised(self._venv, config.gamma) if config.normalise else None
        self._ppo = make_ppo(self._normalised or self._venv, config, rollout_steps, seed, device)
        self._ppo.set_logger(Logger(folder=None, output_formats=[EventFile(log_directory)]))
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
        return self._venv.take_rollouts()

    def train(self, reward: RewardFunction | None) -> Rollouts:
        """Train for one iteration's steps on `reward` (None: the true one), and return what happened.

        Raises a RunError if a reward or the agent's weights are not finite any more.
        """
        self._venv.reward_function = reward
        try:
            self._ppo.learn(
                self.steps_per_iteration,
                callback=_OnStep(self._on_step),
                log_interval=None,  # type: ignore[arg-type]  # so it never logs: `log` does, once an iteration
                reset_num_timesteps=False,
            )
        except (ValueError, RuntimeError, RunError):  # such weights: nothing to draw from, or rewards as bad as they
            self._require_finite_weights()
            raise
        self._require_finite_weights()
        return self._venv.take_rollouts()

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
        hidden = [layer for layer in policy.mlp_extractor.policy_net if isinstance(layer, nn.Linear)]
        linear = [*hidden, cast(nn.Linear, policy.action_net)]
        layers = [(in_numpy.to_numpy(layer.weight).T, in_numpy.to_numpy(layer.bias)) for layer in linear]
        layers[0] = self._on_raw_observations(*layers[0])
        activation = in_numpy.relu if policy.activation_fn is nn.ReLU else np.tanh
        observation_space, action_space = self.spaces

        def act(observations: np.ndarray) -> np.ndarray:
            output = in_numpy.forward(layers, flatten(observation_space, observations), activation)
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
            "global_generators": randomness.global_state(),
            "generator": randomness.state_of(self._generator),
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
        randomness.restore(self._generator, state["generator"])
        randomness.restore_global(state["global_generators"])

    def play_again(self, rollouts: Rollouts, random_each: int) -> None:
        """Bring the environments to where they were after these rollouts, a random policy's `random_each` steps first.

        Their state cannot be saved, but they do the same again: their seeds and all actions are known.
        """
        ppo = self._ppo
        self._venv.reset()
        for actions in rollouts.actions[:random_each]:
            self._venv.step(actions)
        if len(rollouts.actions) > random_each:
            ppo._setup_learn(0, reset_num_timesteps=False)  # as `learn` does when it is first called: it resets
            for actions in rollouts.actions[random_each:]:
                _, _, ppo._last_episode_starts, infos = self._venv.step(actions)
                ppo._update_info_buffer(infos)
            ppo._last_obs = self._venv.observations
        self._venv.take_rollouts()

    def log(self, values: dict[str, float]) -> None:
        """Write these numbers and SB3's own to TensorBoard, at the number of steps trained so far."""
        for name, value in values.items():
            self._ppo.logger.record(f"rlhf/{name}", value)
        if self._ppo.ep_info_buffer is None:  # before the first training
            self._ppo.logger.dump(self._ppo.num_timesteps)
        else:
            self._ppo.dump_logs()

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
        """Stop the environments, which may have processes of their own."""
        self._venv.close()


def normalised(venv: VecEnv, gamma: float) -> VecNormalize:
    """SB3's running normalisation of observations, unless they are `Discrete`, and of rewards.

    Observations are not clipped, so that the policy's first layer can take the normalisation in.
    """
    boxes = isinstance(venv.observation_space, spaces.Box)
    return VecNormalize(venv, norm_obs=boxes, gamma=gamma, clip_obs=np.inf)


def split_into_updates(steps: int, rollout_steps: int) -> tuple[int, int]:
    """How many PPO updates to make in so many steps of each environment, and after how many steps each.

    The steps between updates are about `rollout_steps`, and fill the steps as nearly as can be.
    """
    updates = max(1, min(round(steps / rollout_steps), steps // 2))  # SB3 takes no single transition as a rollout
    return updates, steps // updates


def make_ppo(venv: VecEnv, config: AgentConfig, rollout_steps: int, seed: int, device: str) -> PPO:
    """SB3's PPO with the options of `config`, `rollout_steps` steps in each environment between updates.

    `seed` seeds the environments and, since SB3 draws from them, the global generators of PyTorch, NumPy and Python.
    """
    # Whether the weights are finite is checked once an iteration; PyTorch would check each distribution made of them.
    torch.distributions.Distribution.set_default_validate_args(False)
    with warnings.catch_warnings():
        # A last minibatch that is smaller than the others does no harm; and who asks for a GPU gets it.
        warnings.filterwarnings("ignore", "You have specified a mini-batch size")
        warnings.filterwarnings("ignore", "You are trying to run PPO on the GPU")
        return PPO(
            "MlpPolicy",
            venv,
            n_steps=rollout_steps,
            learning_rate=config.agent_learning_rate,
            n_epochs=config.agent_epochs,
            batch_size=config.agent_batch_size,
            ent_coef=config.entropy_bonus,
            gamma=config.gamma,
            gae_lambda=config.gae_lambda,
            clip_range=config.clip_range,
            vf_coef=config.value_coefficient,
            max_grad_norm=config.max_grad_norm,
            policy_kwargs=_policy_options(config),
            seed=seed,
            device=device,
        )


def load_policy(path: Path, spaces: tuple[Space, Space], config: AgentConfig) -> ActorCriticPolicy:
    """The policy in an `agent.zip`, for these spaces of observations and actions.

    Its weights alone are read, so that no code in it is run; `PPO.load` unpickles. Raises a RunError if they are not
    those of such an agent.
    """
    try:
        with path.open("rb") as stream:
            require_stored(stream)
            with zipfile.ZipFile(stream) as archive:
                weights = load_tensors(io.BytesIO(archive.read("policy.pth")))
        policy = ActorCriticPolicy(*spaces, lambda _: 0.0, **_policy_options(config))
        policy.load_state_dict(weights)
    except Exception as problem:  # whatever zipfile and PyTorch raise for what they cannot read
        raise RunError(f"{path} is damaged, or is not the agent of this run.") from problem
    if not all(torch.isfinite(parameter).all() for parameter in policy.parameters()):
        raise RunError(f"{path} has weights that are not finite.")
    return policy


def _policy_options(config: AgentConfig) -> dict[str, Any]:
    return {
        "net_arch": list(config.agent_hidden_sizes),
        "activation_fn": nn.ReLU if config.agent_activation == "relu" else nn.Tanh,
        "log_std_init": config.initial_log_std,
        "ortho_init": config.orthogonal_init,
        "optimizer_class": torch.optim.AdamW,
        # SB3's own epsilon; fused, a step is a single call
        "optimizer_kwargs": {"eps": 1e-5, "fused": True, "weight_decay": config.agent_weight_decay},
    }


class _OnStep(BaseCallback):
    """Tells how many environment steps were taken."""

    def __init__(self, on_step: Callable[[int], object]):
        super().__init__()
        self._report = on_step

    def _on_step(self) -> bool:
        self._report(self.training_env.num_envs)
        return True
