"""The environments: the pole and Gymnasium's, what the networks see of them, and pictures of them."""

from workshop.environments.cartpole import FixedHorizonCartPoleEnv
from workshop.environments.rendering import can_be_drawn, draw, make_renderer, replay
from workshop.environments.spaces import as_vectors, encode, encoded_size
from workshop.environments.specs import EnvironmentConfig, environment_spec, episode_steps, solved_at, spaces_of
