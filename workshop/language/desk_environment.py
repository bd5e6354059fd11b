"""The desk as an environment of Gymnasium's, token by token, and answers in the types of `workshop.data`."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from workshop import DESK_ID
from workshop.data import Fragments, Rollouts
from workshop.labellers import TextGoal, Wants
from workshop.language.desk import (
    ANSWER_LENGTH,
    END,
    QUESTION_LENGTH,
    VOCABULARY,
    answer_lengths,
    as_words,
    draw_questions,
)
from workshop.language.gold import gold_scores, said
from workshop.messages import UsageError

# The question, then the words of the answer so far; where none stands yet, and after the answer, <end>
OBSERVATIONS = spaces.Box(0, len(VOCABULARY) - 1, (QUESTION_LENGTH + ANSWER_LENGTH,), np.uint8)
ACTIONS = spaces.Discrete(len(VOCABULARY))
SPACES = OBSERVATIONS, ACTIONS


class VisitorsDeskEnv(gymnasium.Env[np.ndarray, np.int64]):
    """One visitor an episode of 24 steps; the reward of the step that ends the answer is its gold score, all others 0.

    An answer ends with `<end>`, or with the last step; what is done after `<end>` changes nothing. The steps are
    counted by the `TimeLimit` that `gymnasium.make` adds.
    """

    observation_space, action_space = OBSERVATIONS, ACTIONS

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """The next visitor's question, and no answer yet."""
        super().reset(seed=seed)
        self._question = draw_questions(self.np_random, 1)
        self._answer, self._length, self._ended = np.full((1, ANSWER_LENGTH), END), 0, False
        return self._observation(), {}

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Say the next word."""
        reward = 0.0
        if not self._ended:
            self._answer[0, self._length] = action
            self._length += 1
            self._ended = bool(action == END) or self._length == ANSWER_LENGTH
            reward = float(gold_scores(self._question, self._answer)[0]) if self._ended else 0.0
        return self._observation(), reward, False, False, {}

    def _observation(self) -> np.ndarray:
        return np.concatenate([self._question[0], self._answer[0]]).astype(np.uint8)


def fragments(questions: np.ndarray, answers: np.ndarray) -> Fragments:
    """Answers as fragments of 24 steps, whose true returns are their gold scores.

    Questions (n, 5) and answers (n, 24) become observations (n, 24, 29), actions (n, 24), true rewards (n, 24).
    """
    so_far = np.tril(np.ones((ANSWER_LENGTH, ANSWER_LENGTH), dtype=bool), -1)  # what stands there before each step
    words = np.where(so_far, answers[:, np.newaxis], END)
    observations = np.concatenate([np.repeat(questions[:, np.newaxis], ANSWER_LENGTH, axis=1), words], axis=2)
    true_rewards = at_their_ends(answers, gold_scores(questions, answers))
    return Fragments(observations.astype(np.uint8), answers.astype(np.int64), true_rewards)


def at_their_ends(answers: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The points of n answers in the steps that end them: float32 of shape (n, 24), 0 in all others."""
    rewards = np.zeros(answers.shape, dtype=np.float32)
    rewards[np.arange(len(answers)), np.minimum(answer_lengths(answers), ANSWER_LENGTH - 1)] = points
    return rewards


def of_answers(goal: TextGoal) -> Wants:
    """What somebody with this goal wants of fragments: its points in the steps that end the answers."""
    return lambda its: at_their_ends(its.actions, goal(said(*questions_and_answers(its))))


def questions_and_answers(its: Fragments) -> tuple[np.ndarray, np.ndarray]:
    """The tokens of the questions (n, 5) and of the answers (n, 24) of such fragments, int64."""
    return its.observations[:, 0, :QUESTION_LENGTH].astype(np.int64), its.actions


def texts_of(observations: np.ndarray, actions: np.ndarray) -> tuple[list[str], list[str]]:
    """The questions and the answers of fragments in words, n each; a UsageError if they are not of the desk."""
    of_desk = observations.shape[1:] == (ANSWER_LENGTH, *OBSERVATIONS.shape) and actions.shape[1:] == (ANSWER_LENGTH,)
    known = all(np.isin(each, range(len(VOCABULARY))).all() for each in (observations, actions))
    if not (of_desk and known):
        raise UsageError(f"{DESK_ID}: what is recorded are not answers at the visitors' desk.")
    questions = observations[:, 0, :QUESTION_LENGTH].astype(np.int64)
    return [as_words(each) for each in questions], [as_words(each) for each in actions.astype(np.int64)]


def rollouts(questions: np.ndarray, answers: np.ndarray) -> Rollouts:
    """The same answers as rollouts: 24 steps of n environments, an episode in each."""
    its = fragments(questions, answers)
    observations, actions, true_rewards = (x.swapaxes(0, 1) for x in (its.observations, its.actions, its.true_rewards))
    starts = np.zeros((ANSWER_LENGTH, len(answers)), dtype=bool)
    starts[0] = True
    return Rollouts(observations, actions, true_rewards, starts)
