"""The agent: PPO, and the wrapper that swaps its reward."""
