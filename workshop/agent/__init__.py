"""The agent: PPO from Stable-Baselines3, in a wrapper that gives it the learned reward."""

from workshop.agent.agent import Agent, Policy
from workshop.agent.learned_reward import LearnedRewardVecEnv, RewardFunction
from workshop.agent.ppo import AgentConfig, load_policy, make_ppo, split_into_updates
from workshop.agent.vectors import Stepping, is_slow, make_vec_env, one_array
