"""PPO as Stable-Baselines3 has it: its options, how it is made, and how a trained policy is read."""

import io
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnv
from torch import nn

from workshop.agent.vectors import Stepping
from workshop.bounds import layer_widths, require_bounds, require_decay, within
from workshop.data import Space
from workshop.messages import RunError
from workshop.safe_files import load_tensors, require_stored


@dataclass(frozen=True)
class AgentConfig:
    """The agent: PPO (Schulman et al. 2017), as Stable-Baselines3 has it."""

    n_envs: Annotated[int, within(at_least=1, at_most=1024)] = 16
    """Environments stepped in parallel."""
    stepping: Stepping = "auto"
    """Where environments that have no NumPy-vectorised version are stepped; auto: in subprocesses if slow enough."""
    rollout_steps: Annotated[int, within(at_least=2, at_most=100_000)] = 50
    """Steps in each environment between two PPO updates; adjusted so that updates fill an iteration evenly."""
    agent_learning_rate: Annotated[float, within(above=0, at_most=1e30)] = 3e-3
    """Adam's step size for the agent."""
    anneal_to: Annotated[float, within(at_least=0, at_most=1)] = 0.5
    """To which share of it the agent's step size falls over the run, linearly; 1 to let it be."""
    agent_weight_decay: Annotated[float, within(at_least=0, at_most=1000)] = 0.0
    """AdamW's pull of the agent's weights towards zero: lets go of what it has learned for a reward that was wrong."""
    agent_epochs: Annotated[int, within(at_least=1, at_most=1000)] = 10
    """Passes over each rollout in a PPO update."""
    agent_batch_size: Annotated[int, within(at_least=2, at_most=1_000_000)] = 400
    """Transitions in a minibatch of a PPO update."""
    agent_hidden_sizes: Annotated[tuple[int, ...], layer_widths] = (64, 64)
    """Widths of the hidden layers of the policy and of the value function."""
    agent_activation: Literal["tanh", "relu"] = "tanh"
    """What follows each hidden layer of the policy and of the value function."""
    entropy_bonus: Annotated[float, within(at_least=0, at_most=1000)] = 0.3
    """Weight of the policy's entropy in PPO's objective: keeps it exploring while the learned reward is still poor."""
    clip_range: Annotated[float, within(above=0, at_most=10)] = 0.2
    """How far one PPO update may change the probability of an action, as a share of it."""
    initial_log_std: Annotated[float, within(at_least=-20, at_most=5)] = 0.0
    """With continuous actions: the logarithm of the policy's initial standard deviation."""
    orthogonal_init: bool = True
    """Begin with orthogonal weights, and so with actions near 0; without it, with PyTorch's own."""
    value_coefficient: Annotated[float, within(at_least=0, at_most=1000)] = 0.05
    """Weight of the value function's loss in PPO's objective."""
    max_grad_norm: Annotated[float, within(above=0, at_most=1000)] = 0.5
    """PPO's gradients are scaled down to this norm if theirs is larger."""
    normalise: bool = False
    """Give PPO observations and rewards scaled by running statistics, as Stable-Baselines3's VecNormalize does."""
    gamma: Annotated[float, within(at_least=0, at_most=1)] = 0.98
    """Discount of future rewards, between 0 and 1."""
    gae_lambda: Annotated[float, within(at_least=0, at_most=1)] = 0.9
    """Trade-off of bias (0) and variance (1) in the advantages (Schulman et al. 2016)."""

    def __post_init__(self) -> None:
        require_bounds(self)
        decay, rate = self.agent_weight_decay, self.agent_learning_rate
        require_decay("--agent-weight-decay", decay, "--agent-learning-rate", rate)


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
