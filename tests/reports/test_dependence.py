"""The learned reward over each input: of made-up rewards, whose dependence is known."""

from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from PIL import Image

from workshop import CARTPOLE_ID
from workshop.data import Rollouts
from workshop.environments.cartpole import OBSERVATION_SPACE
from workshop.reports.about import About
from workshop.reports.dependence import MOST_INPUTS, Dependence, partial_dependence
from workshop.reports.what_it_learned import draw_what_it_learned

POLE = spaces.Discrete(2)


def rollouts(observations: np.ndarray, actions: np.ndarray) -> Rollouts:
    """Of one environment: these steps."""
    steps = len(actions)
    return Rollouts(
        observations[:, None], actions[:, None], np.zeros((steps, 1), np.float32), np.zeros((steps, 1), bool)
    )


def of_the_pole(steps: int = 400) -> Rollouts:
    rng = np.random.default_rng(1)
    observations = rng.normal(size=(steps, 4)).astype(np.float32)
    observations[:, 2] = rng.uniform(-np.pi, np.pi, steps)
    return rollouts(observations, rng.integers(2, size=steps))


def two_members(observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """One likes cos θ, and pushes to the right; the other twice as much of the former, and nothing else."""
    cosine = np.cos(observations[:, 2])
    return np.stack([cosine + 0.5 * (actions == 1), 2 * cosine])


def test_an_input_is_varied_while_the_others_stay():
    found = partial_dependence(two_members, of_the_pole(), OBSERVATION_SPACE, POLE)
    assert [(each.of, each.index, each.discrete) for each in found] == [
        ("observation", 0, False), ("observation", 1, False), ("observation", 2, False), ("observation", 3, False),
        ("action", 0, True),
    ]  # fmt: skip
    angle, action = found[2], found[4]
    assert angle.values[[0, -1]] == pytest.approx([-np.pi, np.pi], abs=1e-5)
    pushed = 0.5 * (found[4].seen == 1).mean()
    np.testing.assert_allclose(angle.rewards, [np.cos(angle.values) + pushed, 2 * np.cos(angle.values)], atol=1e-5)
    np.testing.assert_array_equal(action.values, [0, 1])
    np.testing.assert_allclose(np.diff(action.rewards, axis=1)[:, 0], [0.5, 0], atol=1e-6)
    assert [each.importance for each in found[:2]] == pytest.approx([0, 0], abs=1e-6)
    assert angle.importance > action.importance > 0


def test_what_is_varied_goes_along_with_none_of_the_others():
    """Of a product, the dependence is the factor times the mean of the other, not what both were together."""
    data = of_the_pole()
    found = partial_dependence(lambda o, a: (o[:, 0] * o[:, 1])[None], data, OBSERVATION_SPACE, POLE)
    np.testing.assert_allclose(found[0].rewards[0], found[0].values * found[1].seen.mean(), atol=1e-5)


def test_an_input_is_varied_as_far_as_it_has_been_seen_and_not_as_far_as_it_may_be():
    space = spaces.Box(-1000, 1000, (2,), np.float32)
    seen = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    seen[np.random.default_rng(0).permutation(500)[0]] = 900  # the first that is drawn
    first, _, _ = partial_dependence(lambda o, a: o[None, :, 0], rollouts(seen, np.zeros(500, int)), space, POLE)
    assert 900 in first.seen
    assert -4 < first.values.min() < -1
    assert 1 < first.values.max() < 4


def test_any_observations_and_actions_are_taken():
    discrete, box = spaces.Discrete(500), spaces.Box(-2, 2, (3,), np.float32)
    states, pushes = np.arange(300) % 500, np.random.default_rng(0).uniform(-2, 2, (300, 3)).astype(np.float32)
    found = partial_dependence(lambda o, a: (o + a[:, 1])[None], rollouts(states, pushes), discrete, box)
    assert [(each.of, each.index, each.discrete) for each in found] == [
        ("observation", 0, True), ("action", 0, False), ("action", 1, False), ("action", 2, False),
    ]  # fmt: skip
    assert len(found[0].values) <= 60
    assert found[2].importance > 100 * found[1].importance


def test_of_very_many_inputs_those_are_looked_at_that_the_reward_goes_along_with():
    pictures = np.random.default_rng(0).integers(0, 255, (300, 1000)).astype(np.uint8)
    space = spaces.Box(0, 255, (1000,), np.uint8)
    found = partial_dependence(
        lambda o, a: (o[:, 123].astype(float) + o[:, 987])[None], rollouts(pictures, np.zeros(300, int)), space, POLE
    )
    assert len(found) == MOST_INPUTS
    assert {each.index for each in sorted(found, key=lambda each: -each.importance)[:2]} == {123, 987}


def test_a_few_steps_are_enough():
    found = partial_dependence(two_members, of_the_pole(3), OBSERVATION_SPACE, POLE)
    assert all(np.isfinite(each.rewards).all() for each in found)


def some(of: str, index: int, slope: float, members: int = 3, discrete: bool = False) -> Dependence:
    values = np.arange(3.0) if discrete else np.linspace(-1, 1, 11)
    rewards = slope * values * np.linspace(0.8, 1.2, members)[:, None]
    return Dependence(of, index, discrete, values, rewards, values)


@pytest.mark.parametrize("members", [1, 15])
@pytest.mark.parametrize("goal", ["", "spin the pole"])
def test_the_picture_of_the_pole_is_drawn(members: int, goal: str, tmp_path: Path):
    found = partial_dependence(
        lambda o, a: np.repeat(two_members(o, a)[:1], members, axis=0), of_the_pole(), OBSERVATION_SPACE, POLE
    )
    about = About(gymnasium.spec(CARTPOLE_ID), 0, "python main.py", 24, goal)
    draw_what_it_learned(found, about, tmp_path / "pole.png")
    with Image.open(tmp_path / "pole.png") as picture:
        black = sum(n for n, colour in picture.convert("RGB").getcolors(1_000_000) if sum(colour) < 30)
    draw_what_it_learned(found, About(about.spec, 0, "python main.py", 24, "else"), tmp_path / "without.png")
    with Image.open(tmp_path / "without.png") as picture:
        without = sum(n for n, colour in picture.convert("RGB").getcolors(1_000_000) if sum(colour) < 30)
    assert (black > without + 1000) == (goal == ""), "the true reward is a black line, where it counts"


@pytest.mark.parametrize("n", [1, 2, 4, 9])
def test_elsewhere_the_inputs_that_matter_most_are_shown(n: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from matplotlib.axes import Axes

    named = []
    monkeypatch.setattr(Axes, "set_xlabel", lambda self, text, **how: named.append(text))
    found = [some("observation", index, slope=index + 1) for index in range(n)] + [
        some("action", 0, 0.5, discrete=True)
    ]
    draw_what_it_learned(found, About(gymnasium.spec("Pendulum-v1"), 0), tmp_path / "figure.png")
    expected = [f"observation {index}" for index in reversed(range(n))] + ["action"]
    assert named == expected[:6]
