"""One run of `llm.py`: what happens around the steps of the slide."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from workshop.data import Comparisons, Fragments, Rollouts
from workshop.desk.directory import POLICY, REWARD_MODEL, SAMPLES, SFT, LanguageDirectory
from workshop.desk.report import LanguageReport, token_rewards
from workshop.labellers import DESK, agrees
from workshop.labelling import Text, ask_a_person
from workshop.language import (
    BEST_SCORE,
    LanguageModel,
    Policy,
    draw_questions,
    fragments,
    of_answers,
    rollouts,
    texts_of,
)
from workshop.messages import RunError, say
from workshop.program import AnyRun
from workshop.records import as_command
from workshop.reports import attempt, title_of
from workshop.state import Part, State

ASKING = "Which answer would you rather get?"
ANSWERS = 512  # of the SFT model, by whose gold scores the synthetic oracle knows what is much and what is little
SPREAD = 3  # beside the run's seed: the stream of randomness that they are drawn from


class LanguageRun(AnyRun):
    """A run of `llm.py`. It evaluates, reports and saves every few updates, and writes what is left at the end."""

    directory: LanguageDirectory

    def __init__(
        self, config: Any, device: str, directory: LanguageDirectory, report: LanguageReport, recorded: Comparisons
    ):
        super().__init__(config, device, directory, recorded)
        self._report = report
        self.wants = {name: of_answers(goal) for name, goal in DESK.items()}
        self._updates = 0  # of the policy so far
        self._tell: Callable[[str, float], None] = lambda doing, share: None  # a person, what is being done

    def supervised(self, fit: Callable[[Callable[[int, float], object]], LanguageModel]) -> LanguageModel:
        """The language model that `fit` makes, calling what it is given after each step, or that it made before.

        Once made it is written to the run's directory.
        """
        path = self.directory.path / SFT
        if path.exists():
            try:
                self._sft = LanguageModel.load(path, self.device)
            except Exception as problem:  # whatever zipfile and PyTorch raise for what they cannot read
                raise RunError(f"{path} is damaged: it is not a language model of this version.") from problem
        else:
            self._sft = fit(self._report.imitated)
            self._sft.save(path)
        return self._sft

    def answers_of(self, sft: LanguageModel) -> Rollouts:
        """Answers of the SFT model, for the synthetic oracle's unit."""
        generator = np.random.default_rng([self._config.seed, SPREAD])
        questions = draw_questions(generator, ANSWERS)
        return rollouts(questions, sft.sample(questions, generator))

    def pairs_for_all(self, generator: np.random.Generator, n: int) -> tuple[Fragments, Fragments]:
        """What n pairs are put to all groups: two answers of the policy, as it is by then, to the same question."""
        questions = draw_questions(generator, n)
        a, b = (fragments(questions, self._policy.sample(questions, generator)) for _ in range(2))
        return a, b

    def person(self, comparisons: Comparisons, generator: np.random.Generator) -> Any:
        """The person who answers until the run is over, if that is what `--oracle` says; None if not."""
        config = self._config
        how = config.oracle.oracle
        if how == "synthetic":
            return None
        wanted = config.preferences.comparisons
        oracle = ask_a_person(how, config.labelling, wanted, self.directory, _texts, comparisons, generator, ASKING)
        self._end.enter_context(oracle.way)
        self._tell = oracle.session.tell
        return oracle

    def iterations(
        self, policy: Policy, reward_model: Any, questions: Any, oracle: Any, comparisons: Comparisons
    ) -> Iterator[int]:
        """The run's iterations, or those that are left; what is handed in is brought to where it was.

        At the end the models are written to the run's directory.
        """
        self._policy, self._reward_model, self._questions, self._oracle = policy, reward_model, questions, oracle
        self._comparisons = comparisons
        self._parts: dict[str, Part] = {
            "policy": policy, "reward_model": reward_model, "questions": questions, "oracle": oracle,
            "run": self.directory, "report": self._report,
        }  # fmt: skip
        first = self._go_on()
        for iteration in range(first, self._config.iterations):
            self.directory.iteration = iteration
            yield iteration
        reward_model.save(self.directory.path / REWARD_MODEL)
        trained = getattr(policy, "policy", None)  # best-of-n has none of its own
        if trained is not None:
            trained.save(self.directory.path / POLICY)

    def updates(self, iteration: int) -> Iterator[int]:
        """The updates of this iteration, or those that are left, with an evaluation and a checkpoint every few.

        A person may take answers back until the last of all; the reward model is then fitted again, as if they had
        never been given, before the policy goes on.
        """
        config, self._iteration = self._config, iteration
        end = round(config.policy.updates * (iteration + 1) / config.iterations)
        if not self.directory.rows:
            self._evaluate()  # the SFT model, before it has learned anything
        for update in range(self._updates, end):
            self._learn_again()
            yield update
            self._updates += 1
            self._report.updated()
            self._tell("training", self._updates / config.policy.updates)
            if self._updates == config.policy.updates:
                self._learn_again(last=True)
            if self._updates % config.evaluate_every == 0 or self._updates == end:
                self._evaluate()
        if config.policy.updates == 0 and iteration == config.iterations - 1:
            self._learn_again(last=True)
            self._evaluate()  # best-of-n, or a policy that stays what it is

    def _learn_again(self, last: bool = False) -> None:
        """Wait for what is answered in place of answers that were taken back, and learn from that."""
        while self._oracle.revised(last):
            self._comparisons.add(self._oracle.compare(self._comparisons[:0]))
            self._reward_model.fit(self._comparisons)

    def finish(self) -> dict[str, Any]:
        """The run's result, which is written first; then what is drawn of it. Nothing is left to go on from."""
        result = self._report.result()
        self.directory.write_result(result)
        attempt("The report on the labeller", lambda: self._oracle.finish(result))
        self._report.finish(title_of(self.directory.path, self._config.seed))
        self.directory.checkpoints.delete()
        return result

    def conclude(self, result: dict[str, Any]) -> None:
        """Say to a person how the run went, where to look, and what to try next."""
        peak = f" (at best {result['gold_peak']:g})" if result["gold_peak"] > result["gold"] + 0.5 else ""
        gold = f"Gold score {result['gold_sft']:g} → {result['gold']:g} of {BEST_SCORE:g}{peak}, proxy "
        goal = self._config.labelling.goal or self._config.labellers.goal
        say(
            f"{f'The goal: {goal}. Proxy ' if goal else gold}{result['proxy']:g}, KL {result['kl']:g}; "
            f"{result['comparisons']} answers, {result['seconds']:g} s."
        )
        path = self.directory.path
        say(f"Look at:  {path / 'plots'}, and {SAMPLES} beside it")
        say(f"Try next: {self._next(result)}")

    def _next(self, result: dict[str, Any]) -> str:
        chat = as_command(["--chat", result["run"]], self.directory.program)
        config = self._config
        if config.policy.method == "ppo" and config.policy.ppo.kl_coefficient > 0:
            return f"no KL penalty (--kl-coefficient 0); or ask it something: {chat}"
        return f"ask it something: {chat}"

    def _evaluate(self) -> None:
        ppo = self._config.policy.ppo
        tokens = self._updates * ppo.questions_each * ppo.answers_each * self._comparisons.fragments_a.actions.shape[1]
        learned_from = {
            "env_steps": tokens if self._config.policy.method == "ppo" else 0,
            "comparisons": self._comparisons.answers if self._updates or self.directory.rows else 0,
            "skipped": self._questions.skipped,
            "update": self._updates,
        }
        if self.groups:
            learned_from |= agrees(self.groups, self._comparisons, partial(token_rewards, self._reward_model))
        self._report.evaluate(self._policy, self._sft, self._reward_model, learned_from)
        state: State = {name: part.state() for name, part in self._parts.items()}
        state["done"] = (self._iteration, self._updates)
        self.directory.checkpoints.save(state, self._comparisons[self._saved :].arrays())
        self._saved = len(self._comparisons)

    def _go_on(self) -> int:
        """Bring everything to where it was when it was saved; the iteration that it was in."""
        if self.directory.saved is None:
            return 0
        (state, pieces), self.directory.saved = self.directory.saved, None
        try:
            for piece in pieces:
                self._comparisons.extend(Comparisons.from_arrays(piece))
            for name, part in self._parts.items():
                if name != "report":
                    part.restore(state[name])
            self._report.restore(state["report"])  # which looks at the rows
            iteration, self._updates = state["done"]
        except (OSError, RunError):
            raise
        except Exception as problem:  # whatever the parts raise for what they did not save
            path = self.directory.path
            raise RunError(f"--resume {path}: the checkpoint is damaged: it is not this run's.") from problem
        self._saved = len(self._comparisons)
        return int(iteration)


def _texts(pairs: Comparisons) -> Sequence[tuple[Text, Text]]:
    """What a person is shown of pairs."""
    sides = (texts_of(each.observations, each.actions) for each in (pairs.fragments_a, pairs.fragments_b))
    a, b = ([Text(*each) for each in zip(*texts, strict=True)] for texts in sides)
    return list(zip(a, b, strict=True))
