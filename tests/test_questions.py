"""What a run asks, in which order: other runs' answers first, then its own questions, one of them maybe ahead."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from preferences import PreferencesConfig, Questions
from workshop.data import Comparisons, Fragments, Rollouts

SPACES = spaces.Box(-1, 1, (1,), np.float32), spaces.Discrete(2)


def made_up(n: int) -> Fragments:
    return Fragments(np.zeros((n, 2, 1), np.float32), np.zeros((n, 2), np.int64), np.zeros((n, 2), np.float32))


def a_run(recorded: int, rollouts: int = 20, oracle: Any = None, **options) -> tuple[Questions, Comparisons]:
    """The questions of a run with so many answers of other runs, and the comparisons that it learns from."""
    config = PreferencesConfig(**{"comparisons": 4, "schedule": "constant", "query": "uniform", "fragment_length": 2,
                                  "comparisons_per_fit": 2} | options)  # fmt: skip
    steps = Rollouts.empty(1, *SPACES)
    observations = np.arange(float(rollouts))[:, None, None]
    actions, starts = np.zeros((rollouts, 1), np.int64), np.arange(rollouts)[:, None] == 0
    steps.add(Rollouts(observations, actions, observations[..., 0], starts))
    comparisons, others = (
        Comparisons.empty(2, *SPACES),
        Comparisons(made_up(recorded), made_up(recorded), np.ones(recorded)),
    )
    return Questions(config, 2, steps, comparisons, others, None, np.random.default_rng(0), oracle), comparisons


def answer(pairs: Comparisons) -> Comparisons:
    return replace(pairs, preferences=np.zeros(len(pairs)))


def test_other_runs_answers_come_first_and_are_not_in_the_budget():
    questions, comparisons = a_run(recorded=3)
    batches = []
    for pairs in questions.pairs(0):
        batches.append(pairs.preferences.tolist())
        comparisons.add(pairs if len(pairs.answered) else answer(pairs))
    assert str(batches) == "[[1.0, 1.0], [1.0], [nan, nan]]"
    assert questions.progress() == {"comparisons": 5, "skipped": 0, "stopped_asking": ""}


class Shown:
    """An oracle that keeps what it is shown, of which so many are never looked at before it is their turn.

    It says that an answer was taken back `revisions` times.
    """

    def __init__(self, revisions: int = 0, unseen: int = 0):
        self.pairs: list[Comparisons] = []
        self.revisions, self.unseen, self.shown = revisions, unseen, 0

    def withdraw(self) -> int:
        for _ in range(self.unseen):
            self.pairs.pop()
        return self.unseen

    def show(self, pairs: Comparisons) -> None:
        self.pairs += [pairs[row : row + 1] for row in range(len(pairs))]
        self.shown += len(pairs)

    def ahead(self, least: int) -> int:
        return least

    def revised(self, last: bool) -> bool:
        self.revisions -= 1
        return self.revisions >= 0


def first_steps(pairs: list[Comparisons]) -> list[float]:
    return np.concatenate([each.fragments_a.observations[:, 0, 0] for each in pairs]).tolist()


def test_what_is_asked_ahead_is_compared_in_its_turn_and_never_more_than_is_wanted():
    oracle = Shown()
    questions, comparisons = a_run(0, oracle=oracle, comparisons=8, comparisons_per_fit=1, ask_ahead=3)
    ahead, compared = [], []
    for iteration in (0, 1, 2):  # 4 answers are due, then 8
        for pairs in questions.pairs(iteration):
            compared.append(pairs)
            ahead.append(sum(map(len, oracle.pairs)) - len(comparisons) - len(pairs))
            comparisons.add(answer(pairs))
    assert ahead == [3, 3, 3, 3, 3, 2, 1, 0]
    assert first_steps(compared) == first_steps(oracle.pairs)
    assert questions.stopped == "budget"


def test_what_nobody_has_looked_at_yet_is_chosen_anew_before_each_batch():
    oracle = Shown(unseen=1)
    questions, comparisons = a_run(0, oracle=oracle, comparisons=8, comparisons_per_fit=1, ask_ahead=2)
    compared = []
    for pairs in questions.pairs(0):  # of the two that are asked ahead, one has been looked at
        compared.append(pairs)
        comparisons.add(answer(pairs))
    assert first_steps(compared) == first_steps(oracle.pairs)[:4]
    assert oracle.shown == 3 + 2 + 2 + 2
    assert len(oracle.pairs) == 4 + 2


def test_what_was_asked_ahead_is_kept_over_an_interruption():
    questions, comparisons = a_run(0, oracle=Shown(), comparisons=8, ask_ahead=2)
    for pairs in questions.pairs(0):
        comparisons.add(answer(pairs))
    oracle = Shown()
    again, its_comparisons = a_run(0, oracle=oracle, comparisons=8, ask_ahead=2)
    again.restore(questions.state())
    its_comparisons.add(comparisons)
    one, other = (next(each.pairs(1)) for each in (questions, again))
    assert first_steps([one]) == first_steps([other])
    assert first_steps([other]) != first_steps(oracle.pairs)  # whoever answers knows these already


def test_an_answer_that_was_taken_back_makes_a_turn_of_the_loop_of_its_own():
    questions, comparisons = a_run(0, oracle=Shown(revisions=1))
    sizes = []
    for pairs in questions.pairs(0):
        sizes.append(len(pairs))
        if len(pairs):
            comparisons.add(answer(pairs))
        else:
            comparisons.preferences[0] = np.nan  # it was skipped then
    assert sizes == [2, 0, 1]
    assert (questions.answered, questions.skipped) == (2, 1)


@pytest.mark.parametrize("options", [{"rollouts": 0}, {"comparisons": 0}])
def test_without_rollouts_or_a_budget_nothing_is_asked(options: dict[str, int]):
    questions, _ = a_run(recorded=0, **options)
    assert list(questions.pairs(0)) == []


def test_asking_goes_on_from_what_was_saved_and_draws_the_same():
    questions, comparisons = a_run(recorded=0)
    comparisons.add(answer(next(questions.pairs(0))))
    again, its_comparisons = a_run(recorded=0)
    again.restore(questions.state())
    its_comparisons.add(comparisons)
    one, other = (next(each.pairs(2)) for each in (questions, again))
    np.testing.assert_array_equal(one.fragments_a.observations, other.fragments_a.observations)
    assert np.isnan(other.preferences).all()
