"""What learns to answer: the language model, the reward model, PPO for sequences, DPO and best-of-n."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from workshop.data import Comparisons
from workshop.exercise import ChoiceModelConfig, choice_model
from workshop.language import (
    ANSWER_LENGTH,
    DPO,
    END,
    QUESTION_LENGTH,
    VOCABULARY,
    BestOfN,
    BestOfNConfig,
    DPOConfig,
    LanguageModel,
    SequencePPO,
    SequencePPOConfig,
    SupervisedConfig,
    TextRewardConfig,
    TextRewardModel,
    draw_questions,
    fit_to_demonstrations,
    fragments,
    kl_divergence,
)
from workshop.language.language_model import answer_features
from workshop.language.sequence_ppo import advantages_of, ppo_loss
from workshop.language.transformer import Transformer
from workshop.messages import UsageError

BRADLEY_TERRY = choice_model(ChoiceModelConfig(solution=True), lambda *_: 0)
BRIEF = SupervisedConfig(demonstrations=200, sft_steps=5)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def model(seed: int = 0, width: int = 8) -> LanguageModel:
    """One with random weights, larger than those it begins with, so that its answers are not all alike."""
    network = Transformer(torch.Generator().manual_seed(seed), width, layers=2, heads=2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(4)
        network.tokens.weight[END] += 0.3 * network.tokens.weight.std()
    return LanguageModel(network)


def asked(policy: LanguageModel, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    questions = draw_questions(rng(seed), n)
    return questions, policy.sample(questions, rng(seed + 1))


def ending(policy: LanguageModel, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Questions and answers that end early, at different places."""
    questions, answers = asked(policy, n)
    for row, place in enumerate(rng(3).integers(0, 20, size=n)):
        answers[row, place:] = END
    return questions, answers


def comparisons(policy: LanguageModel, n: int) -> Comparisons:
    questions, a = asked(policy, n)
    _, b = asked(policy, n, seed=7)
    return Comparisons(fragments(questions, a), fragments(questions, b), rng(5).choice([0.0, 0.5, 1.0], size=n))


@pytest.fixture
def sft() -> LanguageModel:
    """One that was fitted to nothing, and is to be moved from."""
    return model(2, width=16)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("greedy", [False, True])
def test_sampling_with_the_cache_is_sampling_without(greedy: bool):
    policy = model()
    questions = draw_questions(rng(), 30)
    with_cache = policy.sample(questions, rng(1), greedy)
    numbers = rng(1).random((30, ANSWER_LENGTH), dtype=np.float32)
    texts = [list(question) for question in questions]
    for row, text in enumerate(texts):
        while len(text) < QUESTION_LENGTH + ANSWER_LENGTH and END not in text:
            logits = policy.network.logits(policy.network(torch.tensor([text]))[0, -1]).detach().double()
            cumulated = logits.softmax(-1).cumsum(-1).numpy()
            place = len(text) - QUESTION_LENGTH
            drawn = np.searchsorted(cumulated, numbers[row, place], side="right")
            text.append(int(logits.argmax()) if greedy else int(drawn))
        text += [END] * (QUESTION_LENGTH + ANSWER_LENGTH - len(text))
    np.testing.assert_array_equal(with_cache, np.array(texts)[:, QUESTION_LENGTH:])
    assert greedy or len(np.unique(with_cache)) > 20


def test_it_samples_what_it_says_is_probable():
    policy = model()
    question = draw_questions(rng(), 1)
    first = policy.sample(question.repeat(4000, axis=0), rng(1))[:, 0]
    one_word = np.full((len(VOCABULARY), ANSWER_LENGTH), END)
    one_word[:, 0] = np.arange(len(VOCABULARY))
    likely = np.exp(policy.log_probabilities(question.repeat(len(VOCABULARY), axis=0), one_word)[:, 0])
    assert abs(likely.sum() - 1) < 1e-5
    counted = np.bincount(first, minlength=len(VOCABULARY)) / 4000
    assert (np.abs(counted - likely) < 5 * np.sqrt(likely * (1 - likely) / 4000) + 1e-3).all()


def test_log_probabilities_kl_and_returns_stop_at_the_first_end():
    policy, other = model(0), model(1)
    questions, answers = ending(policy, 20)
    reward_model = TextRewardModel(policy, BRADLEY_TERRY, TextRewardConfig(), rng())
    torch.nn.init.normal_(reward_model.network["head"].weight, generator=torch.Generator().manual_seed(0))
    changed = answers.copy()
    after = np.cumsum(answers == END, axis=1) > 1
    changed[after] = rng(9).integers(1, len(VOCABULARY), size=after.sum())
    for measured in (policy.log_probabilities, reward_model.rewards, lambda *x: kl_divergence(policy, other, *x)):
        np.testing.assert_array_equal(measured(questions, answers), measured(questions, changed))
    assert (policy.log_probabilities(questions, answers) != 0).tolist() == (~after).tolist()
    assert (reward_model.rewards(questions, answers)[after] == 0).all()


def test_kl_is_the_mean_log_ratio_of_what_the_policy_says_and_nothing_against_itself():
    policy, other = model(0), model(1)
    questions, answers = asked(policy, 3000)
    exact = kl_divergence(policy, other, questions, answers)
    drawn = (policy.log_probabilities(questions, answers) - other.log_probabilities(questions, answers)).sum(axis=1)
    assert exact.min() > 0
    assert abs(exact.mean() - drawn.mean()) < 4 * (exact - drawn).std() / math.sqrt(3000)
    assert np.abs(kl_divergence(policy, policy, questions, answers)).max() < 1e-6


@pytest.mark.parametrize("reward_at", ["every-token", "end"])
def test_a_reward_model_begun_from_the_sft_model_is_the_sft_model(sft: LanguageModel, reward_at: str):
    questions, answers = ending(sft, 20)
    begun, fresh = (
        TextRewardModel(sft, BRADLEY_TERRY, TextRewardConfig(reward_from=start, reward_at=reward_at), rng())
        for start in ("sft", "scratch")
    )
    copied = LanguageModel(begun.network["trunk"]).log_probabilities(questions, answers)
    np.testing.assert_array_equal(copied, sft.log_probabilities(questions, answers))
    assert (LanguageModel(fresh.network["trunk"]).log_probabilities(questions, answers) != copied).any()
    assert (begun.rewards(questions, answers) == 0).all()
    before = sft.log_probabilities(questions, answers)
    begun.fit(comparisons(sft, 20))
    np.testing.assert_array_equal(before, sft.log_probabilities(questions, answers))  # a copy learns
    rewards = begun.rewards(questions, answers)
    assert ((rewards != 0).sum(axis=1) > 1).any() == (reward_at == "every-token")
    np.testing.assert_allclose(begun.returns(questions, answers), rewards.sum(axis=1), atol=1e-5)


def test_a_fitted_reward_model_is_standardised_on_sft_answers_and_says_what_was_answered(sft: LanguageModel):
    reward_model = TextRewardModel(sft, BRADLEY_TERRY, TextRewardConfig(reward_learning_rate=3e-3), rng())
    pairs = comparisons(sft, 20)
    assert (reward_model.difference(pairs.fragments_a, pairs.fragments_b) == 0).all()
    reward_model.fit(pairs)
    learned = np.sign(reward_model.difference(pairs.fragments_a, pairs.fragments_b))
    decided = pairs.preferences != 0.5
    assert (learned == np.sign(pairs.preferences - 0.5))[decided].mean() > 0.9
    returns = reward_model.returns(*asked(sft, 2000))
    assert abs(returns.mean()) < 0.25
    assert abs(returns.std() - 1) < 0.25


def test_a_loss_that_is_not_finite_is_refused(sft: LanguageModel):
    broken = choice_model(ChoiceModelConfig(), lambda a, b, p: (a - b).mean() * math.nan)
    with pytest.raises(UsageError, match="preference_loss"):
        TextRewardModel(sft, broken, TextRewardConfig(), rng()).fit(comparisons(sft, 5))


def test_the_gradient_of_ppos_loss_is_that_of_finite_differences():
    policy = LanguageModel(model().network.double())
    questions, answers = ending(policy, 6)
    tokens = torch.from_numpy(questions), torch.from_numpy(answers)
    there = torch.from_numpy(np.cumsum(answers == END, axis=1) - (answers == END) == 0)
    before = torch.from_numpy(policy.log_probabilities(questions, answers))
    before = before + 0.3 * torch.from_numpy(rng(4).normal(size=before.shape))  # so that some are clipped
    advantages = torch.from_numpy(rng(5).normal(size=before.shape))
    weight = policy.network.layers[1].up.weight

    def loss() -> torch.Tensor:
        logits = policy.network.logits(answer_features(policy.network, *tokens))
        now = logits.log_softmax(-1).gather(-1, tokens[1].unsqueeze(-1)).squeeze(-1)
        return ppo_loss(now, before, advantages, there, clip_range=0.2)

    loss().backward()
    direction = torch.from_numpy(rng(6).normal(size=tuple(weight.shape)))
    with torch.no_grad():
        weight += 1e-6 * direction
        above = loss()
        weight -= 2e-6 * direction
        below = loss()
    assert (weight.grad * direction).sum().item() == pytest.approx(((above - below) / 2e-6).item(), rel=1e-5)
    assert weight.grad.abs().max() > 0


def test_ppos_loss_and_advantages_are_those_worked_out_by_hand():
    now, before = torch.tensor([[math.log(1.5), math.log(0.5), 0.0]]), torch.zeros(1, 3)
    there = torch.tensor([[True, True, False]])
    # 1.5 counts as 1.2 where more is good; 0.5 as itself where less is good, but no lower than 0.8
    assert ppo_loss(now, before, torch.tensor([[2.0, -1.0, 9.0]]), there, 0.2).item() == pytest.approx(-(2.4 - 0.8) / 2)
    assert ppo_loss(now, before, torch.tensor([[-2.0, 1.0, 9.0]]), there, 0.2).item() == pytest.approx(-(-3 + 0.5) / 2)
    rewards, values = torch.tensor([[1.0, 2.0, 0.0]]), torch.tensor([[0.5, 0.25, 0.0]])
    errors = [1 + 0.25 - 0.5, 2 - 0.25, 0]
    assert advantages_of(rewards, values, 0.5).tolist() == [[errors[0] + 0.5 * errors[1], errors[1], 0]]


def test_dpos_loss_is_its_formula():
    sft = model()
    dpo = DPO(sft, BRADLEY_TERRY, DPOConfig(dpo_beta=0.3), rng())
    dpo.policy.restore(model(1).state())
    pairs = comparisons(sft, 12)
    expected = 0.0
    for number in range(12):
        ratios = []
        for its in (pairs.fragments_a, pairs.fragments_b):
            text = [*its.observations[number, 0, :QUESTION_LENGTH].tolist(), *its.actions[number].tolist()]
            ratio = 0.0
            for place in range(QUESTION_LENGTH, len(text)):
                for each, sign in ((dpo.policy, 1), (sft, -1)):
                    logits = each.network.logits(each.network(torch.tensor([text[:place]]))[0, -1]).detach().double()
                    ratio += sign * logits.log_softmax(-1)[text[place]].item()
                if text[place] == END:
                    break
            ratios.append(0.3 * ratio)
        preferred_b = 1 / (1 + math.exp(ratios[0] - ratios[1]))
        answer = pairs.preferences[number]
        expected -= answer * math.log(preferred_b) + (1 - answer) * math.log(1 - preferred_b)
    assert dpo.loss(pairs).item() == pytest.approx(expected / 12, rel=1e-4)


def test_dpo_learns_what_was_answered(sft: LanguageModel):
    dpo = DPO(sft, BRADLEY_TERRY, DPOConfig(), rng())
    pairs = comparisons(sft, 20)
    first = dpo.loss(pairs).item()
    assert first == pytest.approx(math.log(2))  # the policy is the SFT model yet
    for _ in range(3):
        dpo.update(None, pairs)
    assert dpo.loss(pairs).item() < first


def test_best_of_n_gives_the_best_of_the_sft_models_answers(sft: LanguageModel):
    reward_model = TextRewardModel(sft, BRADLEY_TERRY, TextRewardConfig(), rng())
    reward_model.fit(comparisons(sft, 20))
    best = BestOfN(sft, reward_model, BestOfNConfig(8))
    questions = draw_questions(rng(), 5)
    all_answers = sft.sample(questions.repeat(8, axis=0), rng(1))
    returns = reward_model.returns(questions.repeat(8, axis=0), all_answers).reshape(5, 8)
    chosen = best.sample(questions, rng(1))
    np.testing.assert_allclose(reward_model.returns(questions, chosen), returns.max(axis=1), atol=1e-5)
    assert best.kl == pytest.approx(math.log(8) - 7 / 8)


def test_very_many_answers_are_made_and_judged_some_at_a_time(sft: LanguageModel, monkeypatch: pytest.MonkeyPatch):
    reward_model = TextRewardModel(sft, BRADLEY_TERRY, TextRewardConfig(), rng())
    questions = draw_questions(rng(), 20)

    def made() -> list[np.ndarray]:
        answers = sft.sample(questions, rng(1))
        return [answers, sft.log_probabilities(questions, answers), reward_model.rewards(questions, answers)]

    at_once, seen = made(), []
    network = sft.network.forward
    monkeypatch.setattr(
        sft.network, "forward", lambda tokens, *cache: seen.append(len(tokens)) or network(tokens, *cache)
    )
    for module in ("language_model", "text_reward_model"):
        monkeypatch.setattr(f"workshop.language.{module}.AT_ONCE", 8)
    for some, whole in zip(made(), at_once, strict=True):
        np.testing.assert_allclose(some, whole, atol=1e-5)
    assert set(seen) == {8, 4}


class Says:
    """A reward model that pays for one word, wherever it stands."""

    def rewards(self, questions: np.ndarray, answers: np.ndarray) -> np.ndarray:
        return (answers == VOCABULARY.index("please")).astype(np.float32)


def test_ppo_learns_what_pays_and_the_penalty_holds_it_back(sft: LanguageModel):
    moved = {}
    for coefficient in (0.0, 1.0):
        config = SequencePPOConfig(kl_coefficient=coefficient, questions_each=8, answers_each=8)
        ppo = SequencePPO(sft, config, rng())
        for _ in range(8):
            ppo.update(Says())
        questions, answers = asked(ppo.policy, 200)
        paid = Says().rewards(questions, answers).sum(axis=1).mean()
        moved[coefficient] = paid, kl_divergence(ppo.policy, sft, questions, answers).mean()
    assert moved[0.0][0] > 0.5 + Says().rewards(*asked(sft, 200)).sum(axis=1).mean()
    assert moved[1.0][1] < 0.3 * moved[0.0][1]


def test_the_same_seed_gives_the_same_and_so_does_going_on(tmp_path):
    sft, again = fit_to_demonstrations(BRIEF, rng()), fit_to_demonstrations(BRIEF, rng())
    questions, answers = asked(sft, 10)
    np.testing.assert_array_equal(asked(again, 10)[1], answers)
    again.save(tmp_path / "sft.pt")
    again = LanguageModel.load(tmp_path / "sft.pt")
    pairs = comparisons(sft, 10)

    def begin(policy: LanguageModel) -> list:
        reward_model = TextRewardModel(policy, BRADLEY_TERRY, TextRewardConfig(reward_steps=3), rng(1))
        small = SequencePPOConfig(questions_each=2, answers_each=4)
        return [reward_model, SequencePPO(policy, small, rng(2)), DPO(policy, BRADLEY_TERRY, DPOConfig(), rng(3))]

    def go_on(reward_model: TextRewardModel, ppo: SequencePPO, dpo: DPO) -> list[np.ndarray]:
        reward_model.fit(pairs)
        ppo.update(reward_model)
        dpo.update(None, pairs)
        policies = [each.policy.log_probabilities(questions, answers) for each in (ppo, dpo)]
        return [*policies, reward_model.rewards(questions, answers)]

    parts = begin(sft)
    go_on(*parts)
    torch.save([part.state() for part in parts], tmp_path / "state.pt")
    expected = go_on(*parts)
    resumed = begin(again)
    for part, state in zip(resumed, torch.load(tmp_path / "state.pt", weights_only=False), strict=True):
        part.restore(state)
    for one, other in zip(expected, go_on(*resumed), strict=True):
        np.testing.assert_array_equal(one, other)
    parts[0].save(tmp_path / "reward_model.pt")
    assert torch.load(tmp_path / "reward_model.pt", weights_only=True)["config"]["reward_steps"] == 3
