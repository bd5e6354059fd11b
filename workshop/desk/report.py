"""What a run of `llm.py` tells: evaluations, the same ten questions again and again, the alarm, and its figures."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from workshop import DESK_ID
from workshop.data import Comparisons, Fragments
from workshop.desk.directory import SAMPLES, LanguageDirectory
from workshop.desk.figures import draw_answers, draw_film_strip, draw_gold_and_proxy
from workshop.labellers import DESK, what_each_gets
from workshop.language import (
    ANSWER_LENGTH,
    BEST_SCORE,
    SPACES,
    TEN_QUESTIONS,
    AlignedTexts,
    LanguageModel,
    Policy,
    TextRewardModel,
    answer_lengths,
    as_words,
    fragments,
    is_broken,
    is_right,
    kl_of,
    questions_and_answers,
    said,
)
from workshop.language import draw_questions as draw
from workshop.messages import say
from workshop.records import Row
from workshop.reports import Episodes, Evaluation, HackingAlarm, Iteration, TensorBoard, attempt
from workshop.safe_files import write_safely
from workshop.state import State, restore, state_of

EVALUATION = 1  # beside the run's seed: the stream of randomness that evaluation draws from
JUDGED = 512  # pairs of the SFT model's answers by which the reward model is judged
ADVICE = "a larger {}, or comparisons along the way (--iterations 4), may help"
Learned = TextRewardModel | AlignedTexts
UPDATE = 8  # steps of the bar that an update takes as long as, one of the SFT model's being one


@dataclass(frozen=True)
class Sample:
    """What a policy answered to the ten questions after so many updates, with its gold score and proxy then."""

    update: int
    gold: float
    proxy: float
    answers: tuple[str, ...]


class LanguageReport:
    """Follows one run: `sft_steps` of the language model, then so many `updates` of the policy.

    `started` is the time, by `time.perf_counter`, from which the run's seconds count; `follow` is called with each row
    of the progress. The true return is the gold score, the learned one the proxy. Nothing of it reaches what learns.
    """

    def __init__(
        self,
        directory: LanguageDirectory,
        config: Any,
        started: float,
        follow: Callable[[Row], object] | None = None,
        show_bar: bool = True,
    ):
        self._directory, self._config, self._started, self._follow = directory, config, started, follow
        self._generator = np.random.default_rng([config.seed, EVALUATION])
        self._goal = config.labelling.goal or config.labellers.goal
        self._groups = config.labellers.told_of
        evaluations = -(-config.policy.updates // config.evaluate_every)
        advice = ADVICE.format("--dpo-beta" if config.policy.method == "dpo" else "--kl-coefficient")
        self._alarm = HackingAlarm(evaluations, true_return="gold score", advice=advice)
        self._tensorboard = TensorBoard(directory.path)
        self.samples: list[Sample] = []
        self._judgement = dict.fromkeys(("reward_model_loss", "reward_model_accuracy"), float("nan"))
        self._fitted = -1
        self._pairs: Comparisons | None = None  # of answers of the SFT model, by which the reward model is judged
        self._bar = tqdm(
            total=config.supervised.sft_steps + UPDATE * config.policy.updates,
            disable=None if show_bar else True,
            dynamic_ncols=True,
            bar_format="{percentage:3.0f}%|{bar}| {elapsed}, {remaining} to go{postfix}",
        )

    def __enter__(self) -> "LanguageReport":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def imitated(self, step: int, loss: float) -> None:
        """The SFT model has taken a gradient step, at which its loss, in nats a word, was so much."""
        self._bar.update(1)
        if step % 20 == 0:
            self._bar.set_postfix_str(f"imitating people: {np.exp(loss):.1f} words to choose from")

    def updated(self) -> None:
        """The policy has been updated."""
        self._bar.update(UPDATE)

    def evaluate(
        self,
        policy: Policy,
        sft: LanguageModel,
        reward_model: Learned,
        learned_from: Mapping[str, Any],
    ) -> None:
        """Let the policy answer, and add a row to the progress; `learned_from` are the columns that tell of what."""
        questions = draw(self._generator, self._config.evaluation_answers)
        answers = policy.sample(questions, self._generator)
        its, proxy = fragments(questions, answers), reward_model.returns(questions, answers)
        evaluation = Evaluation(_episodes(its), float(proxy.mean()), np.nan, np.empty(0), np.empty(0))
        when = f"after {learned_from['update']} updates"
        reward = None if self._goal else partial(token_rewards, reward_model)  # the gold score is not all goals'
        alarm = self._alarm.check(evaluation, reward, when)
        if alarm is not None:
            with self._bar.external_write_mode():
                say(alarm[0])
        row = {
            "iteration": len(self._directory.rows),
            "true_return_mean": float(its.true_returns.mean()),
            "true_return_std": float(its.true_returns.std()),
            "learned_return_mean": float(proxy.mean()),
            **self._judged(sft, reward_model),
            "reward_correlation": _correlation(its.true_returns, proxy),
            "seconds": time.perf_counter() - self._started,
            "reward_hacking": int(alarm is not None and alarm[1]),
            "kl": kl_of(policy, sft, questions, answers),
            "answer_length": float(answer_lengths(answers).mean()),
            "broken_share": float(is_broken(answers).mean()),
            "right_share": float(is_right(questions, answers).mean()),
            "gradient_steps": reward_model.gradient_steps,
            **learned_from,
        }
        row |= self._what_each_gets(questions, answers)
        self._directory.append_row(row)
        self._sample(policy, row)
        gold, proxy_mean, kl = row["true_return_mean"], row["learned_return_mean"], row["kl"]
        told = Iteration(self._directory.rows, evaluation, learned_from["update"], {"rollout/ep_rew_mean": gold})
        self._tensorboard.iteration(told)
        achieved = "" if self._goal else f"gold {gold:.1f} of {BEST_SCORE:g}, "
        self._bar.set_postfix_str(f"{achieved}proxy {proxy_mean:.1f}, KL {kl:.1f}")
        if self._follow is not None:  # which may break the run off, and so comes last
            self._follow(row)

    def _what_each_gets(self, questions: np.ndarray, answers: np.ndarray) -> dict[str, float]:
        """The columns that tell what each group gets; the first row is the SFT model's."""
        its = said(questions, answers)
        returns = {name: float(DESK[name](its).mean()) for name in self._groups}
        rows = self._directory.rows
        untrained = {name: rows[0][f"return_{name}"] for name in self._groups} if rows else returns
        return what_each_gets(DESK_ID, returns, untrained)

    def _judged(self, sft: LanguageModel, reward_model: Learned) -> dict[str, float]:
        """The columns that tell how well the reward model says which of two SFT answers has the higher gold score."""
        if self._fitted != reward_model.gradient_steps:
            if self._pairs is None:
                generator = np.random.default_rng([self._config.seed, EVALUATION + 1])
                questions = draw(generator, JUDGED)
                a, b = (fragments(questions, sft.sample(questions, generator)) for _ in range(2))
                self._pairs = Comparisons(a, b, (1 + np.sign(b.true_returns - a.true_returns)) / 2)
            pairs = self._pairs
            self._judgement = {
                "reward_model_loss": reward_model.loss(pairs[pairs.preferences != 0.5]),
                "reward_model_accuracy": reward_model.accuracy(pairs),
            }
            self._fitted = reward_model.gradient_steps
        return self._judgement if reward_model.gradient_steps else dict.fromkeys(self._judgement, float("nan"))

    def _sample(self, policy: Policy, row: Row) -> None:
        generator = np.random.default_rng([self._config.seed, EVALUATION + 2])  # the same luck each time
        answers = policy.sample(TEN_QUESTIONS, generator)
        texts = tuple(as_words(answer) for answer in answers)
        self.samples.append(Sample(row["update"], row["true_return_mean"], row["learned_return_mean"], texts))
        lines = ["# The same ten questions, again and again", ""]
        measure = "proxy" if self._goal else "gold"
        for number, question in enumerate(TEN_QUESTIONS):
            lines += [f"## {as_words(question)}", "", f"| updates | {measure}, all answers | answer |"]
            lines.append("| --- | --- | --- |")
            lines += [
                f"| {each.update} | {getattr(each, measure):.1f} | {each.answers[number]} |" for each in self.samples
            ]
            lines.append("")
        write_safely(self._directory.path / SAMPLES, lambda stream: stream.write("\n".join(lines).encode()))

    def result(self) -> dict[str, Any]:
        """What came of the run."""
        rows = self._directory.rows
        gold = [row["true_return_mean"] for row in rows]
        accuracy = rows[-1]["reward_model_accuracy"]
        return {
            "run": str(self._directory.path),
            "gold_sft": round(gold[0], 2) + 0.0,
            "gold": round(gold[-1], 2) + 0.0,
            "gold_peak": round(max(gold), 2) + 0.0,
            "proxy": round(rows[-1]["learned_return_mean"], 2) + 0.0,
            "kl": round(rows[-1]["kl"], 2) + 0.0,
            "reward_model_accuracy": None if np.isnan(accuracy) else round(accuracy, 3),
            "comparisons": rows[-1]["comparisons"],
            "seconds": round(time.perf_counter() - self._started, 1),
        }

    def finish(self, title: str) -> None:
        """Draw the figures."""
        rows, plots = self._directory.rows, self._directory.path / "plots"
        for name, figure in {
            "gold_and_proxy": partial(draw_gold_and_proxy, rows, self._goal, title),
            "answers": partial(draw_answers, rows, title),
            "film_strip": partial(draw_film_strip, self.samples, self._goal, title),
        }.items():
            attempt(plots / f"{name}.png", partial(figure, plots / f"{name}.png"))

    def state(self) -> State:
        """What the report goes on from."""
        return {
            "generator": state_of(self._generator),
            "alarm": self._alarm.state(),
            "tensorboard": self._tensorboard.state(),
            "samples": [vars(sample) for sample in self.samples],
            "judged": (self._judgement, self._fitted),
            "seconds": time.perf_counter() - self._started,
        }

    def restore(self, state: State) -> None:
        """Go on from `state`; what was between it and now does not count into the run's seconds."""
        restore(self._generator, state["generator"])
        self._alarm.restore(state["alarm"])
        self._tensorboard.restore(state["tensorboard"])
        self.samples = [Sample(**each) for each in state["samples"]]
        self._judgement, self._fitted = state["judged"]
        self._started -= state["seconds"]
        self._bar.update(UPDATE * self._directory.rows[-1]["update"])


def _episodes(its: Fragments) -> Episodes:
    """Answers as the episodes by which the alarm is raised, one after another."""
    observations, actions, true_rewards = (
        array.reshape(-1, *array.shape[2:]) for array in (its.observations, its.actions, its.true_rewards)
    )
    return Episodes(observations, actions, true_rewards, its.true_returns, 0, its.actions[0], np.empty(0, np.int64))


def _correlation(gold: np.ndarray, proxy: np.ndarray) -> float:
    """Of the gold scores with the proxy, over answers; NaN where either is always the same."""
    return float(np.corrcoef(gold, proxy)[0, 1]) if gold.std() > 0 and proxy.std() > 0 else float("nan")


def token_rewards(reward_model: Learned, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """The rewards of words, (k,), as of steps of the environment."""
    by_answer = observations.reshape(-1, ANSWER_LENGTH, *SPACES[0].shape), actions.reshape(-1, ANSWER_LENGTH)
    none = np.zeros(by_answer[1].shape, np.float32)
    rewards: np.ndarray = reward_model.rewards(*questions_and_answers(Fragments(*by_answer, none))).reshape(-1)
    return rewards
