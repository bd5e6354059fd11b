"""What a run asks, in which order: other runs' answers first, then its own questions, one of them maybe ahead."""

from dataclasses import replace

import numpy as np
import pytest
from gymnasium import spaces

from preferences import PreferencesConfig, Questions
from workshop.data import Comparisons, Fragments, Rollouts

SPACES = spaces.Box(-1, 1, (1,), np.float32), spaces.Discrete(2)


def made_up(n: int) -> Fragments:
    return Fragments(np.zeros((n, 2, 1), np.float32), np.zeros((n, 2), np.int64), np.zeros((n, 2), np.float32))


def a_run(recorded: int, rollouts: int = 20, **options) -> tuple[Questions, Comparisons]:
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
    return Questions(config, 2, steps, comparisons, others, None, np.random.default_rng(0)), comparisons


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


def test_what_is_asked_ahead_is_the_first_batch_and_not_asked_again():
    questions, comparisons = a_run(recorded=0)
    ahead = questions.ahead(0)
    batches = []
    for pairs in questions.pairs(0):
        batches.append(pairs)
        comparisons.add(answer(pairs))
    assert [pairs is ahead for pairs in batches] == [True]
    assert questions.answered == 2
    assert questions.ahead(2) is not None, "the rest is due after the second iteration"


@pytest.mark.parametrize("options", [{"rollouts": 0}, {"comparisons": 0}])
def test_without_rollouts_or_a_budget_nothing_is_asked(options: dict[str, int]):
    questions, _ = a_run(recorded=0, **options)
    assert list(questions.pairs(0)) == []
    assert questions.ahead(1) is None


def test_asking_goes_on_from_what_was_saved_and_draws_the_same():
    questions, comparisons = a_run(recorded=0)
    comparisons.add(answer(next(questions.pairs(0))))
    again, its_comparisons = a_run(recorded=0)
    again.restore(questions.state())
    its_comparisons.add(comparisons)
    one, other = (next(each.pairs(2)) for each in (questions, again))
    np.testing.assert_array_equal(one.fragments_a.observations, other.fragments_a.observations)
    assert np.isnan(other.preferences).all()
