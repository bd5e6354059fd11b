"""What a person is told in the end, and what they judge by where they have not said it."""

import gymnasium
import numpy as np
import pytest

from workshop import CARTPOLE_ID
from workshop.environments import checksum, needed_of, pole_pictures
from workshop.environments.pole_picture import WOOD, as_array, pole_picture
from workshop.environments.pole_sizes import METRE
from workshop.labelling import judged_by
from workshop.labelling.ending import what_came_of_it
from workshop.labelling.in_words import in_words
from workshop.labelling.known_goals import SENTENCES
from workshop.reports.evaluation import Evaluator, HowToEvaluate
from workshop.reports.labeller import LabellerReport, Share

ROWS = [
    {"true_return_mean": 30.2, "held_out_answers": 0},
    {"true_return_mean": 120.4, "held_out_answers": 20, "reward_model_accuracy": 0.85},
]


def labeller(same: int, twice: int) -> LabellerReport:
    return LabellerReport(40, 0, 0, 0, Share(same, twice), 0, Share(0, 0), Share(0, 0), 1.0, 0.1, 40, 2.0)


def test_what_came_of_it_is_told_in_words():
    told = what_came_of_it({"solved": False}, ROWS, labeller(2, 3), goal="")
    assert told[0].endswith("its true return is 120, and was 30 before it had learned anything.")
    assert told[1] == "The reward model foresaw 17 of the 20 of your answers that it had not learned from."
    assert told[2] == "You were consistent in 2 of the 3 pairs that you were shown twice."
    assert what_came_of_it({"solved": True}, ROWS, labeller(0, 0), goal="")[0].startswith("Your agent has learned it")


def observed(angles: np.ndarray, positions: np.ndarray | float = 0.0) -> np.ndarray:
    """Observations of the pole at these angles, in rad, its cart at these positions, in m."""
    wrapped = (angles + np.pi) % (2 * np.pi) - np.pi
    return np.stack([np.broadcast_to(positions, angles.shape), 0 * angles, wrapped, 0 * angles], axis=1)


STEPS = np.linspace(0, 1, 150)
FILMS = {
    "In the film the pole is upright 100 % of the time.": observed(0.1 * np.sin(30 * STEPS)),
    "In the film the pole is upright 60 % of the time.": observed(np.where(STEPS < 0.6, 0.0, 1.5)),
    "In the film the pole goes round 5 times, to the right.": observed(2 * np.pi * 5 * STEPS),
    "In the film the pole goes round once, to the left.": observed(-2 * np.pi * 1.2 * STEPS),
    "In the film the pole hangs 100 % of the time, and the cart runs 12 m to the left.": observed(
        np.pi + np.sin(20 * STEPS) / 2, -12 * STEPS
    ),
    "In the film the pole leans to the left 100 % of the time.": observed(np.full(150, -1.2)),
    "In the film the pole leans to the right 70 % of the time.": observed(np.where(STEPS < 0.7, 1.2, 0.0)),
    "In the film the pole is upright 40 % of the time, and hangs 30 % of it.": observed(
        np.select([STEPS < 0.4, STEPS < 0.7], [0.0, 1.2], 3.0)
    ),
}


@pytest.mark.parametrize("words", FILMS)
def test_what_can_be_seen_is_said_in_words(words: str):
    assert in_words(FILMS[words]) == words


@pytest.mark.parametrize("how", [HowToEvaluate(), HowToEvaluate(episodes=7, copies=3)])
def test_the_film_is_of_the_first_episode(how: HowToEvaluate):
    evaluator = Evaluator(gymnasium.spec(CARTPOLE_ID), np.random.default_rng(0), how)
    episodes = evaluator.evaluate(lambda observations: np.zeros(len(observations), int), None).episodes
    assert [checksum(each) for each in episodes.first_observations] == episodes.first_seen.tolist()
    assert len(episodes.first_observations) == 200


def test_what_it_does_instead_is_told_unless_it_has_learned_what_is_known_to_be_meant():
    seen = "In the film the pole goes round 5 times, to the right."
    for solved, goal, is_told in ((True, "", False), (False, "", True), (None, "spin the pole", True)):
        told = what_came_of_it({"solved": solved}, ROWS, labeller(2, 3), goal, None, seen)
        assert (told[1] == seen) == is_told


def test_with_a_goal_of_ones_own_nothing_is_said_of_the_true_reward():
    told = " ".join(what_came_of_it({"solved": None}, ROWS, labeller(2, 3), goal="spin the pole"))
    assert "spin the pole" in told
    assert "true return" not in told


def test_of_a_language_model_the_gold_score_is_told_but_for_a_goal_of_ones_own():
    result = {"gold_sft": 1.08, "gold": 8.84}
    told = what_came_of_it(result, ROWS, labeller(2, 3), goal="")
    assert told[0].endswith("is 8.8, and was 1.1 before it had learned from you.")
    assert "--chat" in told[-1]
    told = what_came_of_it(result, ROWS, labeller(2, 3), goal="be short")
    assert "be short" in told[0]
    assert "gold" not in " ".join(told)
    assert "pole" not in " ".join(told)


def test_the_pole_has_a_goal_and_what_is_unknown_has_none():
    assert judged_by(CARTPOLE_ID) == "Keep the pole upright"
    assert judged_by("Unknown-v0") == ""


@pytest.mark.parametrize("env_id", [name for name in SENTENCES if name != CARTPOLE_ID])
def test_environments_with_a_goal_are_gymnasiums_own(env_id: str):
    assert env_id in gymnasium.registry


@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 2, 3.0])
def test_the_cropped_picture_keeps_the_whole_pole_and_shows_it_large(angle: float):
    """At a phone's width, 355 pixels for a clip, the pole is to be 150 pixels long."""
    picture = as_array(pole_picture(0.0, angle))
    left, top, right, bottom = part = needed_of(np.array([angle]))
    cropped = pole_pictures(np.array([[0.0, 0.0, angle, 0.0]]), part)[0]
    np.testing.assert_array_equal(cropped, picture[top:bottom, left:right])
    wood = [(each == WOOD).all(axis=-1).sum() for each in (picture, cropped)]
    assert wood[0] == wood[1] > 0
    assert 355 / cropped.shape[1] * METRE >= 150
    assert cropped.shape[0] < picture.shape[0]
