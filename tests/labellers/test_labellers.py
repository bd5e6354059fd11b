"""Labellers who want different things: what they want, who is asked, how far they agree, and whom it is aligned to."""

from types import SimpleNamespace

import numpy as np
import pytest

from workshop import CARTPOLE_ID, DESK_ID
from workshop.data import Comparisons, Fragments
from workshop.labellers import (
    POLE,
    Aligned,
    LabellersConfig,
    agreement,
    agrees,
    group_columns,
    krippendorff_alpha,
    labellers_goal,
    of_steps,
    refuse_groups,
    scaled,
    weights_in_turns,
)
from workshop.messages import UsageError
from workshop.networks import Bootstraps


def comparisons(preferences: list[float], labellers: list[str], returns_b: list[float] | None = None) -> Comparisons:
    n = len(preferences)
    sides = [np.zeros((n, 1)), np.array(returns_b or [1.0] * n)[:, np.newaxis]]
    a, b = (Fragments(x[..., np.newaxis], np.zeros((n, 1)), np.zeros((n, 1), np.float32)) for x in sides)
    return Comparisons(a, b, np.array(preferences), np.array(labellers))


def test_goals_by_hand():
    seen, true = np.array([[0.5, -2.0, np.pi, -3.0]]), np.array([-1.0])
    expected = {"upright": -1, "spin": 3, "left": -np.tanh(0.5), "still": -2, "gentle": 1 - 0.3, "lean": 0}
    assert {name: float(goal(seen, true)[0]) for name, goal in POLE.items()} == pytest.approx(expected, abs=1e-9)


def test_krippendorffs_worked_example():
    """Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", example C: nominal, four observers, gaps."""
    nan = np.nan
    answers = np.array([
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
        [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ])  # fmt: skip
    assert krippendorff_alpha(answers) == pytest.approx(0.743, abs=5e-4)


def test_agreement_of_two_against_scotts_pi_with_its_correction_for_few():
    """For two raters and no gaps 1 - alpha = (1 - pi) (2n - 1) / 2n, pi being Scott's (1955)."""
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2, 40).astype(float)
    b = np.where(rng.random(40) < 0.3, 1 - a, a)
    share = np.concatenate([a, b]).mean()
    by_chance = share**2 + (1 - share) ** 2
    pi = ((a == b).mean() - by_chance) / (1 - by_chance)
    found = agreement(np.stack([a, b]), rng)
    assert found.alpha == pytest.approx(1 - (1 - pi) * 79 / 80)
    assert found.low < found.alpha < found.high
    assert (found.disagree, found.pairs) == (pytest.approx((a != b).mean()), 40)


def test_only_a_surely_low_agreement_warns():
    same, rng = np.tile([0.0, 1.0], 20), np.random.default_rng(0)
    assert not agreement(np.stack([same, same]), rng).one_reward_cannot_serve_all
    assert agreement(np.stack([same, 1 - same]), rng).one_reward_cannot_serve_all


def test_each_group_counts_the_same_in_turns():
    one = comparisons([0, 1, 1, 0], ["many", "many", "few", "many"])
    weights = weights_in_turns(one)
    assert weights.tolist() == pytest.approx([2 / 3, 2 / 3, 2, 2 / 3])
    bootstraps = Bootstraps(2, False, np.random.default_rng(0))
    bootstraps.weights = weights
    bootstraps.counts = np.ones((2, 4), dtype=np.int64)
    drawn = np.mean([np.bincount(bootstraps.shuffled()[0], minlength=4) for _ in range(300)], axis=0)
    np.testing.assert_allclose(drawn, 4 * weights, atol=0.1)


class Model:
    """In place of a reward model: a standardised reward that is a function of what is seen."""

    def __init__(self, sign: float):
        self.sign, self.config, self.learned_from = sign, None, None

    def reward(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        return self.sign * observations[:, 0]

    def fit(self, answers: Comparisons) -> None:
        self.learned_from = answers


def test_the_worst_off_is_the_lower_one_and_each_learns_from_its_own():
    aligned = Aligned(["x", "y"], lambda i: Model([1, -0.5][i]))
    assert aligned.reward(np.array([[2.0], [-2.0], [0.0]]), np.zeros(3)).tolist() == [-1, -2, 0]
    aligned.fit(comparisons([0, 1, 0.5], ["x", "y", "x"]))
    assert [model.learned_from.preferences.tolist() for model in aligned.models] == [[0, 0.5], [1]]


def test_the_share_of_answers_that_the_reward_agrees_with():
    given = comparisons([1, 0, 0.5, 1, 1], ["x", "x", "x", "y", "y"], [1, 1, 1, -1, 0])
    found = agrees(["x", "y", "z"], given, lambda seen, _: seen[:, 0])
    assert (found["agrees_x"], found["agrees_y"]) == (0.5, 0.25)
    assert np.isnan(found["agrees_z"])


def test_what_is_got_is_between_a_random_agent_and_its_own():
    assert (scaled(5, 5, 9), scaled(9, 5, 9), scaled(4, 5, 9)) == (0, 1, -0.25)
    assert np.isnan([scaled(1, 5, None), scaled(1, 5, 4)]).all()


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        (["upright"], "as upright:2 spin:1"),
        (["upright:two"], "as upright:2 spin:1"),
        ([":1"], "as upright:2 spin:1"),
        (["spin:-1"], "more than 0 labellers"),
        (["spin:0", "upright:1"], "more than 0 labellers"),
        (["spin:inf"], "more than 0 labellers"),
        (["spin:1", "spin:2"], "twice"),
    ],
)
def test_labellers_that_make_no_sense_are_refused(typed: list[str], part: str):
    with pytest.raises(ValueError, match=part):
        LabellersConfig(tuple(typed))


@pytest.mark.parametrize(
    ("typed", "align_to", "env", "part"),
    [
        ("sideways:1", "everybody", CARTPOLE_ID, "sideways"),
        ("spin:1", "everybody", "Pendulum-v1", "true, true reversed"),
        ("spin:1", "everybody", DESK_ID, "visitor, hurried, owner, click"),
        ("spin:1 upright:1", "left", CARTPOLE_ID, "no such group"),
        ("spin:1", "worst-off", CARTPOLE_ID, "but one"),
        ("spin:1", "turns", CARTPOLE_ID, "but one"),
    ],
)
def test_groups_that_are_not_there_are_refused(typed: str, align_to: str, env: str, part: str):
    config = LabellersConfig(tuple(typed.split()), align_to)
    with pytest.raises(UsageError, match=part):
        refuse_groups(config, env, sorted(group.name for group in config.groups))


def test_only_another_goal_than_the_true_reward_is_one():
    assert (labellers_goal(["upright:3"]), labellers_goal(None), labellers_goal("?")) == ("", "", "")
    assert labellers_goal(["upright:2", "spin:1"]) == "upright:2, spin:1"
    assert group_columns({"labellers": ["true reversed:1"]}) == [
        "return_true reversed", "got_true reversed", "agrees_true reversed",
    ]  # fmt: skip
    assert group_columns({"labellers": ["upright:1"]}) == group_columns({}) == []


def test_who_is_asked_is_drawn_by_how_many_they_are():
    from oracle import GroupsOracle, OracleConfig
    from workshop.data import Rollouts

    recorded: list[str] = []

    class Record:
        def answers(self, preferences: np.ndarray) -> None:
            assert np.isin(preferences, (0, 0.5, 1)).all()

    class Directory:
        def record(self, labeller: list[str], questions: Comparisons) -> Record:
            recorded.extend(labeller)
            return Record()

    run = SimpleNamespace(
        wants={name: of_steps(goal) for name, goal in POLE.items()}, directory=Directory(), groups=[],
        pairs_for_all=lambda *_: (a, b),
    )  # fmt: skip
    config = SimpleNamespace(
        labellers=LabellersConfig(("upright:3", "left:1")), seed=0,
        oracle=OracleConfig(oracle_temperature=0, oracle_unit="raw"),
    )  # fmt: skip
    rng = np.random.default_rng(1)
    n, states = 2000, rng.normal(size=(2, 2000, 2, 4))
    # upright wants the true reward, which prefers a here; left wants x small, which prefers b
    states[0, ..., 0], states[1, ..., 0] = 1, -1
    a = Fragments(states[0], np.zeros((n, 2)), np.ones((n, 2), np.float32))
    b = Fragments(states[1], np.zeros((n, 2)), np.zeros((n, 2), np.float32))
    rollouts = Rollouts(np.zeros((9, 1, 4)), np.zeros((9, 1)), np.zeros((9, 1), np.float32), np.zeros((9, 1), bool))
    answered = GroupsOracle(config, run, rollouts, rng).compare(Comparisons.questions(a, b))
    assert recorded == answered.labellers.tolist()
    assert abs((answered.labellers == "upright").mean() - 0.75) < 3.3 * np.sqrt(0.75 * 0.25 / n)
    assert (answered.preferences == (answered.labellers == "left")).all()
