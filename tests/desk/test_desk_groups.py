"""Labellers at the visitors' desk who want different things: what they want, who gets what, and what is refused."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import progress, type_here
from desk_runs import METHODS, TINY_DESK, go_on_at_the_desk, outcome, train_at_the_desk

from workshop.labellers import DESK
from workshop.language import (
    ANSWER_LENGTH,
    QUESTION_LENGTH,
    AlignedTexts,
    as_tokens,
    demonstrations,
    fragments,
    of_answers,
    said,
)

pytest_plugins = ["desk_fixtures"]

RIGHT = "the museum is near the river ."  # 7 words
TWO = ["--labellers", "visitor:2", "click:1"]
WANTED = {  # of answers to "where is the museum ?", counted by hand
    f"welcome , kind guest ! {RIGHT} have a nice day !": {"visitor": 10, "hurried": 1.5, "owner": 6, "click": 17},
    RIGHT: {"visitor": 4, "hurried": 6.5, "owner": 0, "click": 7},
    "": {"visitor": 0, "hurried": 0, "owner": 0, "click": 0},
    "ask someone else .": {"visitor": 0, "hurried": -2, "owner": -3, "click": 4},
    "the museum is open on sunday .": {"visitor": 0, "hurried": -3.5, "owner": -3, "click": 7},  # closed on all others
    "the museum is open every day .": {"visitor": 0, "hurried": -3.5, "owner": 0, "click": 7},
    "not that again . have a nice day !": {"visitor": 0, "hurried": -4.5, "owner": 0, "click": 9},
    "thank you for asking ! enjoy your stay ! have a nice day !": {
        "visitor": 6, "hurried": -7, "owner": 6, "click": 14},  # a third friendly sentence does not count
    "of course thank have thank": {"visitor": -2.5, "hurried": -2.5, "owner": -2.5, "click": 5},
}  # fmt: skip


@pytest.mark.parametrize("answer", WANTED)
def test_what_each_wants_by_hand(answer: str):
    question, tokens = as_tokens(["where is the museum ?"], QUESTION_LENGTH), as_tokens([answer], ANSWER_LENGTH)
    its = said(question, tokens)
    assert {name: goal(its).tolist() for name, goal in DESK.items()} == {
        name: [points] for name, points in WANTED[answer].items()
    }


def test_what_is_wanted_is_in_the_step_that_ends_an_answer_and_a_visitor_wants_the_true_return():
    questions, answers = demonstrations(np.random.default_rng(0), 50)
    its = fragments(questions, answers)
    np.testing.assert_array_equal(of_answers(DESK["visitor"])(its), its.true_rewards)
    words = of_answers(DESK["click"])(its)
    assert words.shape == its.true_rewards.shape
    for row, length in zip(words, said(questions, answers).words.astype(int), strict=True):
        assert row[length] == length == row.sum()


class Constant:
    """In place of a reward model: these rewards, whatever is said."""

    def __init__(self, rewards: list[list[float]]):
        self.config, self._rewards = None, np.array(rewards, np.float32)

    def rewards(self, *_: np.ndarray) -> np.ndarray:
        return self._rewards


def test_the_worst_off_is_whoever_the_whole_answer_is_worth_least_to():
    models = [Constant([[3, 0], [1, 1]]), Constant([[-1, 3], [4, 0]])]  # returns 3 and 2, then 2 and 4
    aligned = AlignedTexts(["x", "y"], lambda i: models[i])
    nothing = np.empty((2, 0))
    assert aligned.rewards(nothing, nothing).tolist() == [[-1, 3], [1, 1]]
    assert aligned.returns(nothing, nothing).tolist() == [2, 2]


def test_answers_that_count_more_are_drawn_more_often():
    import torch

    from workshop.language import LanguageModel, TextRewardConfig, TextRewardModel
    from workshop.language.transformer import Transformer

    sft = LanguageModel(Transformer(torch.Generator().manual_seed(0), 8, 1, 1))
    weights = np.array([2, 2 / 3, 2 / 3, 2 / 3])
    model = TextRewardModel(sft, None, TextRewardConfig(), np.random.default_rng(0), lambda comparisons: weights)
    drawn = np.mean([np.bincount(model._shuffled(4, weights), minlength=4) for _ in range(500)], axis=0)
    np.testing.assert_allclose(drawn, weights, atol=0.15)
    assert sorted(model._shuffled(4, None)) == [0, 1, 2, 3]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A run with two groups, as it is typed."""
    runs = tmp_path_factory.mktemp("two")
    done = type_here("llm.py", *TINY_DESK, *TWO, "--comparisons", "12", "--runs-dir", str(runs))
    assert done.returncode == 0, done.stderr
    (run,) = runs.iterdir()
    return done, run


def test_what_two_groups_leave_and_are_told(two: tuple[Any, Path]):
    done, run = two
    first, *_, last = progress(run)
    columns = [f"{what}_{group}" for what in ("return", "got", "agrees") for group in ("visitor", "click")]
    assert list(last)[-6:] == columns
    assert last["return_visitor"] == last["true_return_mean"]
    assert last["return_click"] == last["answer_length"]
    assert (float(first["got_visitor"]), float(first["got_click"])) == (0, 0)  # the SFT model's
    assert all(row["reward_hacking"] == "0" for row in progress(run))
    with (run / "groups.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [(row["group"], row["got"]) for row in table] == [
        (name, last[f"got_{name}"]) for name in ("visitor", "click")
    ]
    assert -1 <= float(table[0]["alpha_first"]) <= 1
    assert (run / "plots" / "aligned_to_who.png").stat().st_size > 10_000
    said = " ".join(done.stderr.split())
    assert "0 is the SFT model, 1 one trained for that group alone" in said
    assert "pairs put to all they disagree" in said
    assert "could not be made" not in said


def test_the_record_names_who_answered_and_gives_the_groups_back(two: tuple[Any, Path], tmp_path: Path):
    _, run = two
    named = [json.loads(line)["labeller"] for line in (run / "comparisons.jsonl").read_text("utf-8").splitlines()]
    assert set(named) == {"visitor", "click"}
    flags = [*TINY_DESK, "--comparisons", "0", "--comparisons-from", str(run), "--runs-dir", str(tmp_path)]
    learned = type_here("llm.py", *flags, "--align-to", "click")
    assert learned.returncode == 0, learned.stderr
    assert type_here("llm.py", *flags, "--align-to", "owner").returncode == 2


@pytest.mark.usefixtures("quick")
def test_one_group_that_wants_what_visitors_want_changes_nothing(tmp_path: Path):
    today = outcome(train_at_the_desk([*TINY_DESK, "--runs-dir", str(tmp_path / "today")]))
    alone = outcome(train_at_the_desk([*TINY_DESK, "--labellers", "visitor:3", "--runs-dir", str(tmp_path / "alone")]))
    assert [answer.pop("labeller") for answer in alone["answers"]] == ["visitor"] * 6
    assert [answer.pop("labeller") for answer in today["answers"]] == ["synthetic"] * 6
    assert alone == today


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "align_to", ["worst-off", *(pytest.param(name, marks=pytest.mark.endurance) for name in ("turns", "click"))]
)
def test_each_way_of_aligning_runs_and_goes_on_to_the_same_bytes(tmp_path: Path, align_to: str):
    def stop(row) -> None:
        if row["iteration"] == 2:
            raise KeyboardInterrupt

    flags = [*TINY_DESK[:-2], "--iterations", "2", *TWO, "--align-to", align_to, "--runs-dir"]
    whole = train_at_the_desk([*flags, str(tmp_path / "whole")])
    with pytest.raises(KeyboardInterrupt):
        train_at_the_desk([*flags, str(tmp_path / "stopped")], stop)
    (run,) = (tmp_path / "stopped").iterdir()
    go_on_at_the_desk(run)
    assert outcome(run) == outcome(whole)
    assert (run / "groups.csv").read_bytes() == (whole / "groups.csv").read_bytes()
    assert (run / "reward_model_2.pt").exists() == (align_to == "worst-off")


@pytest.mark.usefixtures("quick")
def test_best_of_n_chooses_for_the_worst_off(tmp_path: Path):
    run = train_at_the_desk([*METHODS["best-of-n"], *TWO, "--align-to", "worst-off", "--runs-dir", str(tmp_path)])
    assert len(progress(run)) == 2


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--labellers visitor:1 tourist:1", "tourist"),
        ("--labellers upright:1", "upright"),
        ("--labellers visitor:-1", "visitor:-1"),
        ("--labellers visitor:0 click:1", "visitor:0"),
        ("--labellers visitor", "--labellers"),
        ("--labellers visitor:1 click:1 --align-to owner", "--align-to owner"),
        ("--labellers visitor:1 --align-to worst-off", "worst-off"),
        ("--align-to turns", "turns"),
        ("--labellers visitor:1 --oracle terminal", "--labellers are synthetic"),
        ("--labellers visitor:1 click:1 --align-to turns --method dpo", "--align-to is for"),
    ],
)
def test_refused_in_a_sentence_before_anything_runs(tmp_path: Path, typed: str, says: str):
    refused = type_here("llm.py", "--solution", "--runs-dir", str(tmp_path / "runs"), *typed.split())
    assert (refused.returncode, refused.stdout) == (2, "")
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "runs").exists()
