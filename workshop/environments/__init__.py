"""The environments: the pole and Gymnasium's, what the networks see of them, and pictures of them."""

from workshop.environments.cartpole import POLE_ACTIONS, POLE_INPUTS, FixedHorizonCartPoleEnv
from workshop.environments.pole_pictures import pole_pictures
from workshop.environments.pole_sizes import needed_of
from workshop.environments.registry import needs_code_of_others, without_module
from workshop.environments.rendering import Renderer, why_another_fails, why_not_drawn
from workshop.environments.spaces import as_vectors, encode, encoded_size
from workshop.environments.specs import (
    EnvironmentConfig,
    environment_spec,
    episode_steps,
    keyword_arguments,
    return_range,
    solved_at,
    spaces_of,
)
from workshop.environments.trial import Trial, checksum, known_of_gymnasium, not_finite
from workshop.environments.what_moves import what_moves
from workshop.environments.wrappers import WithoutInfo
