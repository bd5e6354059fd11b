"""The workshop's pole: Gymnasium's dynamics, no early end, cos(angle) as reward, wrapped angle."""

import os
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from workshop import CARTPOLE_ID
from workshop.environments.cartpole import FixedHorizonCartPoleEnv, observe

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")


def random_actions(steps: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 2, size=(steps, *shape))


def test_gymnasium_finds_nothing_wrong():
    env = gymnasium.make(CARTPOLE_ID, render_mode="rgb_array").unwrapped
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # positions and velocities have no bounds, which the checker remarks on
        warnings.filterwarnings("ignore", ".*A Box observation space (minimum|maximum) value is")
        check_env(env)


def test_dynamics_are_gymnasiums_even_where_gymnasium_has_ended():
    ours, theirs = FixedHorizonCartPoleEnv(), CartPoleEnv()
    ours.reset(seed=3)
    theirs.reset(seed=3)
    fell = False
    for action in random_actions(300):
        acted_in = theirs.state
        _, reward, terminated, truncated, _ = ours.step(action)
        theirs.steps_beyond_terminated = None
        _, _, gymnasium_ended, _, _ = theirs.step(action)
        fell = fell or gymnasium_ended
        np.testing.assert_array_equal(ours.state, theirs.state)
        assert reward == pytest.approx(np.cos(acted_in[2]))
        assert not terminated
        assert not truncated
    assert fell, "the test must go beyond the point where Gymnasium's pole has fallen"


def test_one_step_by_hand():
    """From rest, upright, pushed right: the equations of the cart-pole system with sin = 0 and cos = 1."""
    env = FixedHorizonCartPoleEnv()
    env.reset(seed=0)
    env.state = np.zeros(4)
    observation, reward, *_ = env.step(1)
    temp = 10 / 1.1
    angular = -temp / (0.5 * (4 / 3 - 0.1 / 1.1))
    linear = temp - 0.05 * angular / 1.1
    np.testing.assert_allclose(observation, [0, 0.02 * linear, 0, 0.02 * angular], rtol=1e-6)
    assert reward == 1.0


@pytest.mark.parametrize(
    ("angle", "wrapped"),
    [(0, 0), (1.5, 1.5), (-3, -3), (4, 4 - 2 * np.pi), (-4, 2 * np.pi - 4), (20, 20 - 6 * np.pi)],
)
def test_angle_is_wrapped(angle: float, wrapped: float):
    assert observe(np.array([0, 0, angle, 0]))[2] == pytest.approx(wrapped, abs=1e-5)


def test_wrapped_angle_lies_in_half_open_interval():
    for turns in range(-5, 6):
        for nudge in (-1e-12, 0, 1e-12):
            angle = float(observe(np.array([0, 0, (2 * turns + 1) * np.pi + nudge, 0]))[2])
            assert -np.pi < angle <= np.pi
    assert observe(np.array([0, 0, np.pi, 0]))[2] == pytest.approx(np.pi, abs=1e-6)
    assert observe(np.array([0, 0, -np.pi, 0]))[2] == pytest.approx(np.pi, abs=1e-6)


def test_episode_is_truncated_after_200_steps():
    env = gymnasium.make(CARTPOLE_ID)
    env.reset(seed=0)
    ends = [env.step(1)[2:4] for _ in range(200)]
    assert ends == [(False, False)] * 199 + [(False, True)]


def test_vector_gives_the_same_trajectories_as_single_poles_across_resets():
    vector = gymnasium.make_vec(CARTPOLE_ID, 3)
    singles = gymnasium.make_vec(
        CARTPOLE_ID, 3, vectorization_mode="sync", vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP}
    )
    np.testing.assert_array_equal(vector.reset(seed=5)[0], singles.reset(seed=5)[0])
    for action in random_actions(410, 3):
        ours, theirs = vector.step(action), singles.step(action)
        for mine, other in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)
        assert ("final_obs" in ours[4]) == ("final_obs" in theirs[4])
        if "final_obs" in ours[4]:
            np.testing.assert_allclose(
                np.stack(ours[4]["final_obs"]), np.stack(theirs[4]["final_obs"]), rtol=1e-5, atol=1e-6
            )
    # a second reset without a seed goes on with each pole's own generator
    np.testing.assert_array_equal(vector.reset()[0], singles.reset()[0])


def test_same_seed_same_poles_and_other_seed_others():
    env = gymnasium.make_vec(CARTPOLE_ID, 2)
    first, again, other = (env.reset(seed=seed)[0] for seed in (1, 1, 9))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def pictures(*states: tuple[float, float]) -> list[np.ndarray]:
    """The pole at these positions of the cart and angles."""
    env = FixedHorizonCartPoleEnv(render_mode="rgb_array")
    env.reset(seed=0)
    drawn = []
    for position, angle in states:
        env.state = np.array([position, 0, angle, 0])
        drawn.append(env.render())
        assert tuple(env.state) == (position, 0, angle, 0), "drawing changes nothing"
    return drawn


WOOD = (202, 152, 101)


def box(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """The left, top, right and bottom end of what has this colour."""
    rows, columns = np.nonzero((picture == colour).all(axis=-1))
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_picture_keeps_the_cart_in_the_middle_wherever_it_is():
    here, far = pictures((0.5, 0.1), (0.5 + 3 * 4.8, 0.1))
    assert here.shape == (400, 480, 3)
    assert here.dtype == np.uint8
    assert box(here, WOOD) == box(far, WOOD)
    left, _, right, _ = box(here[180:196], (0, 0, 0))
    assert abs((left + right) / 2 - 240) <= 1


@pytest.mark.parametrize("angle", [0, 0.7, np.pi / 2, 3, np.pi, -1, -2.5])
def test_picture_shows_the_pole_whole_and_large(angle: float):
    """Its length is a metre, of which the picture shows less than three across."""
    (picture,) = pictures((0.3, angle))
    left, top, right, bottom = box(picture, WOOD)
    assert min(left, top) > 5
    assert right < 474
    assert bottom < 394
    assert np.hypot(right - left, bottom - top) > 150
    tip = 240 + 160 * np.sin(angle), 196 - 160 * np.cos(angle)
    assert tuple(picture[round(tip[1]), round(tip[0])]) == WOOD


def test_picture_shows_that_the_cart_moves():
    """The marks pass by: a tenth of a metre to the right is 17 pixels to the left, on all of the track."""
    before, after = pictures((0, 0), (0.1, 0))
    marks, later = (np.flatnonzero((picture[210] != 255).any(axis=-1)) for picture in (before, after))
    assert len(marks) > 10
    beside = [x for x in marks if 17 < x < 200]
    assert {x - 17 for x in beside} <= {*later, *(later + 1), *(later - 1)}


def test_whole_turns_look_the_same():
    once, again = pictures((0, 0.4), (0, 0.4 + 2 * np.pi))
    assert (once != again).any(axis=-1).mean() < 0.001


def test_nothing_is_drawn_unless_asked_for():
    env = gymnasium.make(CARTPOLE_ID)
    env.reset(seed=0)
    env.step(0)
    assert env.unwrapped.screen is None
