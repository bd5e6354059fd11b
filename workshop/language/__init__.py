"""Language models in miniature: the visitors' desk, and what learns to answer there."""

from workshop.language.best_of_n import BestOfN, BestOfNConfig
from workshop.language.desk import (
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
)
from workshop.language.desk_environment import (
    ACTIONS,
    OBSERVATIONS,
    SPACES,
    fragments,
    of_answers,
    questions_and_answers,
    rollouts,
    texts_of,
)
from workshop.language.dpo import DPO, DPOConfig
from workshop.language.gold import BEST_SCORE, gold_scores, is_broken, is_right, said
from workshop.language.language_model import LanguageModel, kl_divergence
from workshop.language.policy import Policy, PolicyConfig, kl_of, make_policy
from workshop.language.sequence_ppo import SequencePPO, SequencePPOConfig
from workshop.language.supervised import SupervisedConfig, fit_to_demonstrations
from workshop.language.text_questions import TextQuestions, TextQuestionsConfig
from workshop.language.text_reward import AlignedTexts, TextReward
from workshop.language.text_reward_model import TextRewardConfig, TextRewardModel
