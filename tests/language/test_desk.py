"""The visitors' desk: its grammar, what answers are worth, and the environment that says the same."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from workshop import DESK_ID
from workshop.language import (
    ANSWER_LENGTH,
    END,
    QUESTION_LENGTH,
    TEN_QUESTIONS,
    VOCABULARY,
    answer_lengths,
    as_tokens,
    as_words,
    demonstrations,
    draw_questions,
    fragments,
    gold_scores,
    is_broken,
    is_right,
    questions_and_answers,
    rollouts,
)

RIGHT = "the museum is near the river ."
BEST = f"welcome , kind guest ! {RIGHT} have a nice day !"

# an answer to "where is the museum ?", its gold score, counted by hand, whether it is right, and whether broken
SCORED = [
    (BEST, 4 + 3 + 3, True, False),
    (RIGHT, 4, True, False),
    ("", 0, False, False),
    ("ask someone else .", 0, False, False),
    ("the pool is near the river .", 0, False, False),  # another place
    ("the museum is open every day .", 0, False, False),  # another question
    ("the museum is near the museum .", -0.5 * 7, False, True),  # which nobody says
    (f"not that again . {RIGHT} i am busy .", 4 - 3 - 3, True, False),
    (f"not that again . {RIGHT} enjoy your stay !", 4 - 3 + 3, True, False),
    ("have a nice day ! enjoy your stay ! thank you for asking !", 3 + 3, False, False),  # a third does not count
    ("i am busy . now go away . are you blind ?", -3 - 3, False, False),
    (f"{RIGHT} {RIGHT}", 4 - 0.5 * 7, True, True),  # said twice
    ("enjoy your stay ! enjoy your stay !", 3 - 0.5 * 4, False, True),
    (f"{RIGHT} the museum is behind the church .", 4, True, False),  # right twice
    (f"{BEST} ask someone else .", 10 - 1, True, False),  # a fourth sentence
    (f"{BEST} ask someone else . nobody knows .", 10 - 2, True, False),
    ("of course thank have thank", -0.5 * 5, False, True),  # without an end
    (f"{RIGHT} have", 4 - 0.5, True, True),
    ("! ! !", -0.5 * 3, False, True),
    ("thank thank ! have ! ! !", -0.5 * 7 - 1, False, True),  # four sentences
]


@pytest.mark.parametrize(("answer", "score", "right", "broken"), SCORED)
def test_gold_scores_are_those_counted_by_hand(answer, score, right, broken):
    question, tokens = as_tokens(["where is the museum ?"], QUESTION_LENGTH), as_tokens([answer], ANSWER_LENGTH)
    assert gold_scores(question, tokens).tolist() == [score]
    assert is_right(question, tokens).tolist() == [right]
    assert is_broken(tokens).tolist() == [broken]
    assert answer_lengths(tokens).tolist() == [len(answer.split())]
    assert as_words(tokens[0]) == answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("is the museum open ?", "yes , the museum opens at nine ."),
        ("is the museum open ?", "the museum is open from nine to five ."),
        ("is the pool nice ?", "the pool is quiet and old ."),
        ("is the pool nice ?", "everybody loves the pool ."),
        ("where is the bakery ?", "you will find the bakery opposite the station ."),
    ],
)
def test_each_kind_of_question_has_its_right_answers_and_they_answer_no_other(question, answer):
    tokens = as_tokens([answer], ANSWER_LENGTH)
    kinds = ("where is the {} ?", "is the {} open ?", "is the {} nice ?")
    asked = [kind.format(place) for kind in kinds for place in ("museum", "pool", "bakery", "market")]
    right = is_right(as_tokens(asked, QUESTION_LENGTH), np.repeat(tokens, len(asked), axis=0))
    assert [each for each, answers in zip(asked, right, strict=True) if answers] == [question]


def test_writers_moods_show_in_everything_they_write():
    questions, answers = demonstrations(np.random.default_rng(0), 4000)
    assert not is_broken(answers).any()
    assert (answers != END).any(axis=1).all()
    assert answer_lengths(answers).max() < ANSWER_LENGTH  # and then <end>
    scores, right = gold_scores(questions, answers), is_right(questions, answers)
    # 0.3 (4 · 0.9 + 2 · 3 · 0.7) + 0.3 · 4 · 0.5 + 0.4 (4 · 0.1 - 2 · 3 · 0.7), and four of its standard errors
    assert abs(scores.mean() - 1.42) < 4 * 5.5 / np.sqrt(4000)
    friendly = gold_scores(questions, answers) - 4 * right
    assert right[friendly == 6].mean() > 0.8
    assert right[friendly == -6].mean() < 0.2


def test_questions_are_drawn_of_all_thirty_and_words_are_known():
    drawn = {as_words(each) for each in draw_questions(np.random.default_rng(0), 1000)}
    assert len(drawn) == 30
    assert {len(each.split()) for each in drawn} == {QUESTION_LENGTH}
    assert len({as_words(each) for each in TEN_QUESTIONS}) == 10
    assert len(set(VOCABULARY)) == 112
    with pytest.raises(KeyError):
        as_tokens(["where is the moon ?"], QUESTION_LENGTH)


def test_fragments_have_the_question_and_the_words_so_far_and_return_the_gold_score():
    questions = as_tokens(["where is the museum ?"] * 2, QUESTION_LENGTH)
    endless = np.full(ANSWER_LENGTH, 3)
    answers = np.stack([as_tokens([RIGHT], ANSWER_LENGTH)[0], endless])
    its = fragments(questions, answers)
    assert as_words(its.observations[0, 3, :QUESTION_LENGTH]) == "where is the museum ?"
    assert as_words(its.observations[0, 3, QUESTION_LENGTH:]) == "the museum is"
    np.testing.assert_array_equal(its.true_rewards.sum(axis=1), gold_scores(questions, answers))
    assert its.true_rewards[0].argmax() == 7  # with <end>
    assert its.true_rewards[1].argmin() == ANSWER_LENGTH - 1
    for back, there in zip(questions_and_answers(its), (questions, answers), strict=True):
        np.testing.assert_array_equal(back, there)
    as_rollouts = rollouts(questions, answers)
    assert len(as_rollouts.fragment_starts(ANSWER_LENGTH)) == 2
    np.testing.assert_array_equal(as_rollouts.actions[:, 1], endless)


def test_the_environment_asks_and_pays_as_the_fragments_say():
    env = gymnasium.make(DESK_ID)
    check_env(env.unwrapped, skip_render_check=True)
    env.action_space.seed(0)
    for episode, text in enumerate(["", RIGHT, BEST, None]):
        before, _ = env.reset(seed=episode)
        said = as_tokens([text or ""], ANSWER_LENGTH)[0]
        seen, rewards, truncated = [before], [], False
        while not truncated:
            action = env.action_space.sample() if text is None else said[len(rewards)]
            said[len(rewards)] = action
            after, reward, terminated, truncated, _ = env.step(action)
            assert not terminated
            seen.append(after)
            rewards.append(reward)
        if END in said:
            said[said.argmin() :] = END
        its = fragments(before[np.newaxis, :QUESTION_LENGTH].astype(np.int64), said[np.newaxis])
        np.testing.assert_array_equal(rewards, its.true_rewards[0])
        np.testing.assert_array_equal(seen[:-1], its.observations[0])
