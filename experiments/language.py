"""The slide "RLHF with LLMs", put to the test: `python experiments/language.py` prints the tables and draws figures.

| table | what |
| --- | --- |
| claims | gold at the end, with few iterations or many, few clean labels or many noisy ones, and other methods |
| labels | how often the reward model is right, against labels, begun from the SFT model or from scratch |
| optimisation | gold and proxy along the way, for several KL coefficients, best-of-n and DPO; the form of Gao et al. \
(2022), fitted to them |

All of a seed shares one SFT model, and takes about ten minutes of one core. What was measured is kept in
`plots/language.csv`, a seed at a time: an experiment that was interrupted goes on where it was, and figures are drawn
again for nothing; `--measure` begins anew.
"""

import csv
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from multiprocessing import get_context

import numpy as np
import torch
from language_figures import draw_claims, draw_labels, draw_optimisation
from language_tables import NUMBERS, Row, claims_table, labels_table, optimisation_table
from many_runs import ROOT, Seeds

from oracle import OracleConfig, SyntheticOracle
from workshop.commands import read_flags, run_program
from workshop.data import Comparisons
from workshop.exercise import ChoiceModelConfig, choice_model
from workshop.language import (
    BestOfNConfig,
    LanguageModel,
    Policy,
    PolicyConfig,
    SequencePPOConfig,
    SupervisedConfig,
    TextQuestions,
    TextQuestionsConfig,
    TextRewardConfig,
    TextRewardModel,
    answer_lengths,
    draw_questions,
    fit_to_demonstrations,
    fragments,
    gold_scores,
    is_broken,
    is_right,
    kl_of,
    make_policy,
    rollouts,
)

FILE = ROOT / "plots" / "language.csv"
COLUMNS = ("seed", "table", "setting", "x", *NUMBERS)
EVALUATED_ON, SPREAD_FROM = 512, 512  # answers
PAIRS_TO_JUDGE = 1000  # of answers of the SFT model that differ in gold
EVERY = 3  # updates between two looks at a policy on its way
LABELS = 25, 50, 100, 200, 400
COEFFICIENTS = 0.0, 0.05, 0.1, 0.2, 0.4
BEST_OF = 1, 4, 16, 64, 256


@dataclass(frozen=True)
class Setting:
    """A way to train: how the labels are spread, how many are wrong, and what is made of them."""

    iterations: int = 3
    labels: int = 120
    mistakes: float = 0.0
    reward: TextRewardConfig = field(default_factory=TextRewardConfig)
    policy: PolicyConfig = field(default_factory=PolicyConfig)


ONCE = Setting(iterations=1, labels=100)
AT_END = TextRewardConfig(reward_at="end")
CLAIMS = {
    "1 iteration": Setting(iterations=1),
    "2 iterations": Setting(iterations=2),
    "3 iterations: the defaults": Setting(),
    "4 iterations": Setting(iterations=4),
    "100 clean labels": ONCE,
    "400 clean labels": replace(ONCE, labels=400),
    "400 labels, 30 % turned round": replace(ONCE, labels=400, mistakes=0.3),
    "reward model from scratch": Setting(reward=TextRewardConfig(reward_from="scratch")),
    "best of 16": Setting(policy=PolicyConfig("best-of-n", updates=0, best_of_n=BestOfNConfig(16))),
    "DPO": Setting(policy=PolicyConfig("dpo", updates=6)),
    "reward at the end alone": Setting(reward=AT_END),
    "reward at the end alone, β = 0": Setting(reward=AT_END, policy=PolicyConfig(ppo=SequencePPOConfig(0.0))),
}


@dataclass(frozen=True)
class Options(Seeds):
    """Measure on several seeds what is not measured yet, then print the tables and draw the figures."""

    first_seed: int = 5000
    """The first seed."""
    measure: bool = False
    """Measure everything again."""


def main() -> None:
    options = read_flags(Options, sys.argv[1:])
    rows = [] if options.measure else kept()
    # of some seeds the other tables alone were measured
    missing = sorted(set(options.numbers) - {row["seed"] for row in rows if row["table"] == "claims"})
    with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
        for done in as_completed([pool.submit(measure, seed) for seed in missing]):
            measured = done.result()
            rows = [row for row in rows if row["seed"] != measured[0]["seed"]] + measured
            keep(rows)
            print(f"seed {rows[-1]['seed']} is measured", file=sys.stderr)
    rows = [row for row in rows if row["seed"] in options.numbers]
    for table, draw in (
        (claims_table, draw_claims),
        (labels_table, draw_labels),
        (optimisation_table, draw_optimisation),
    ):
        table(rows)
        name = draw.__name__.removeprefix("draw_")
        draw(rows).savefig(ROOT / "plots" / f"language_{name}.png")


def kept() -> list[Row]:
    """What was measured before."""
    if not FILE.exists():
        return []
    with FILE.open(newline="", encoding="utf-8") as file:
        text = {"table", "setting"}
        return [{k: v if k in text else float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def keep(rows: Sequence[Row]) -> None:
    with FILE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="nan")
        writer.writeheader()
        writer.writerows({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows)


def measure(seed: int) -> list[Row]:
    """Everything, with this seed."""
    torch.set_num_threads(1)
    sft = fit_to_demonstrations(SupervisedConfig(), generator(seed, "sft"))
    rows = [*of_claims(seed, sft), *of_labels(seed, sft), *of_optimisation(seed, sft)]
    return [{"seed": seed, **row} for row in rows]


def generator(seed: int, *what: object) -> np.random.Generator:
    """One for each thing that is measured, so that it does not matter what else is."""
    return np.random.default_rng([seed, *"/".join(map(str, what)).encode()])


def of_claims(seed: int, sft: LanguageModel) -> Iterator[Row]:
    for name, setting in CLAIMS.items():
        *_, (_, row) = train(sft, setting, generator(seed, "claims", name))
        yield {"table": "claims", "setting": name, **row}


def of_labels(seed: int, sft: LanguageModel) -> Iterator[Row]:
    its = generator(seed, "labels")
    pairs, judged = compared(sft, max(LABELS), 0.0, its), compared(sft, PAIRS_TO_JUDGE, 0.0, its, temperature=0)
    judged = judged[judged.preferences != 0.5]
    for start, config in {"sft": TextRewardConfig(), "scratch": TextRewardConfig(reward_from="scratch")}.items():
        for labels in LABELS:
            reward_model = fitted(sft, config, pairs[:labels], its)
            learned = reward_model.difference(judged.fragments_a, judged.fragments_b)
            accuracy = ((learned > 0) == (judged.preferences == 1)).mean()
            yield {"table": "labels", "setting": start, "x": labels, "accuracy": float(accuracy)}


def of_optimisation(seed: int, sft: LanguageModel) -> Iterator[Row]:
    """All with the same labels, by the SFT model's answers, and the same reward model."""
    its = generator(seed, "optimisation")
    pairs = compared(sft, ONCE.labels, 0.0, its)
    reward_model = fitted(sft, ONCE.reward, pairs, its)
    ppos = {f"{c:g}": PolicyConfig(ppo=SequencePPOConfig(c)) for c in COEFFICIENTS}
    chosen = {f"best of {n}": PolicyConfig("best-of-n", best_of_n=BestOfNConfig(n)) for n in BEST_OF}
    for name, config in {**ppos, **chosen, "DPO": PolicyConfig("dpo", updates=6)}.items():
        policy = make_policy(config, sft, reward_model, BRADLEY_TERRY, its)
        every = {"ppo": EVERY, "best-of-n": 1, "dpo": 1}[config.method]
        for done in range(1 if config.method == "best-of-n" else config.updates + 1):
            if done > 0:
                policy.update(reward_model, pairs)
            if done % every == 0:
                row = evaluation(policy, sft, reward_model, its)
                yield {"table": "optimisation", "setting": name, "x": done, **row}


def train(sft: LanguageModel, setting: Setting, its: np.random.Generator) -> Iterator[tuple[Policy, Row]]:
    """The loop of `llm.py`; the policy and how it does, after each iteration."""
    comparisons = compared(sft, 0, 0.0, its)
    reward_model = TextRewardModel(sft, BRADLEY_TERRY, setting.reward, its)
    policy = make_policy(setting.policy, sft, reward_model, BRADLEY_TERRY, its)
    questions = TextQuestions(
        TextQuestionsConfig(setting.labels), setting.iterations, comparisons, comparisons[:0], policy, its
    )
    oracle = teacher(sft, setting.mistakes, its)
    updates = setting.policy.updates * np.arange(setting.iterations + 1) // setting.iterations
    for iteration in range(setting.iterations):
        for pairs in questions.pairs(iteration):
            comparisons.add(answered(oracle, pairs))
            reward_model.fit(comparisons)
        for _ in range(updates[iteration + 1] - updates[iteration]):
            policy.update(reward_model, comparisons)
        yield policy, evaluation(policy, sft, reward_model, its)


def evaluation(policy: Policy, sft: LanguageModel, reward_model: TextRewardModel, its: np.random.Generator) -> Row:
    """What the policy answers to questions drawn anew."""
    questions = draw_questions(its, EVALUATED_ON)
    answers = policy.sample(questions, its)
    return {
        "gold": float(gold_scores(questions, answers).mean()),
        "proxy": float(reward_model.returns(questions, answers).mean()),
        "kl": kl_of(policy, sft, questions, answers),
        "answer_length": float(answer_lengths(answers).mean()),
        "broken_share": float(is_broken(answers).mean()),
        "right_share": float(is_right(questions, answers).mean()),
    }


def compared(
    sft: LanguageModel, n: int, mistakes: float, its: np.random.Generator, temperature: float = 0.1
) -> Comparisons:
    """Pairs of answers of the SFT model to the same questions, with what the synthetic oracle says of them."""
    questions = draw_questions(its, n)
    a, b = (fragments(questions, sft.sample(questions, its)) for _ in range(2))
    return answered(teacher(sft, mistakes, its, temperature), Comparisons.questions(a, b))


def teacher(sft: LanguageModel, mistakes: float, its: np.random.Generator, temperature: float = 0.1) -> SyntheticOracle:
    """The oracle, whose unit is the spread of what the SFT model's answers are worth."""
    questions = draw_questions(its, SPREAD_FROM)
    config = OracleConfig(oracle_temperature=temperature, oracle_mistakes=mistakes)
    some = rollouts(questions, sft.sample(questions, its))
    oracle = SyntheticOracle(config, some, None, its)  # type: ignore[arg-type]  # it writes nothing down
    oracle.observe(some, len(some.true_rewards))
    return oracle


def answered(oracle: SyntheticOracle, pairs: Comparisons) -> Comparisons:
    return replace(pairs, preferences=oracle.answers(pairs.fragments_a, pairs.fragments_b))


def fitted(
    sft: LanguageModel, config: TextRewardConfig, pairs: Comparisons, its: np.random.Generator
) -> TextRewardModel:
    reward_model = TextRewardModel(sft, BRADLEY_TERRY, config, its)
    reward_model.fit(pairs)
    return reward_model


SOLUTION = ChoiceModelConfig(solution=True)
BRADLEY_TERRY = choice_model(SOLUTION, lambda a, *_: a)  # which the flag puts in the place of a participant's

if __name__ == "__main__":
    run_program(main, end=sys.exit)
