"""The machinery behind the workshop, which a participant need not open.

Importing it registers the workshop's own environments with Gymnasium: the pole, 200 steps, as in
`workshop.environments.cartpole`, and the visitors' desk, 24 words, as in `workshop.language.desk_environment`.
"""

from workshop import supported

supported.require()

import gymnasium  # noqa: E402 (first a look whether it is there)

CARTPOLE_ID = "FixedHorizonCartPole-v0"
DESK_ID = "VisitorsDesk-v0"

gymnasium.register(
    id=CARTPOLE_ID,
    entry_point="workshop.environments.cartpole:FixedHorizonCartPoleEnv",
    vector_entry_point="workshop.environments.cartpole:FixedHorizonCartPoleVectorEnv",
    max_episode_steps=200,
    reward_threshold=190.0,
)
gymnasium.register(id=DESK_ID, entry_point="workshop.language.desk_environment:VisitorsDeskEnv", max_episode_steps=24)
