"""The machinery behind the workshop, which a participant need not open.

Importing it registers the workshop's own environment with Gymnasium: 200 steps, as in `workshop.environments.cartpole`.
"""

import gymnasium

CARTPOLE_ID = "FixedHorizonCartPole-v0"

gymnasium.register(
    id=CARTPOLE_ID,
    entry_point="workshop.environments.cartpole:FixedHorizonCartPoleEnv",
    vector_entry_point="workshop.environments.cartpole:FixedHorizonCartPoleVectorEnv",
    max_episode_steps=200,
    reward_threshold=190.0,
)
