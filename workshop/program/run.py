"""One run: what happens around the loop of the slides, so that the loop itself is the slides' and nothing else."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from workshop.agent import Agent, RewardFunction
from workshop.data import Comparisons, Fragments, Rollouts, cut
from workshop.exercise import explain
from workshop.flags import from_json
from workshop.labellers import Wants, agrees, goals_of, of_steps, who_answers
from workshop.messages import RunError, UsageError, say, shown
from workshop.program.plan import Plan
from workshop.records import (
    CONFIG,
    BrokenRecordError,
    Checkpoints,
    RunDirectory,
    read_config,
    refuse_import,
    refuse_links_and_code,
)
from workshop.reports import Dependence, Report, attempt, conclude, partial_dependence
from workshop.state import Part

Config = TypeVar("Config")
Person = TypeVar("Person", bound=Any)  # workshop.labelling.HumanOracle, which not every run imports

PREFIX = "comparisons_"  # before the names of their arrays, in one file with those of the rollouts


class AnyRun:
    """A run of any program, from its beginning or from where it was interrupted, to its end.

    `config` is the program's flags, `recorded` the answers of other runs that they name. It is a context, in which a
    person can answer.

    | attribute | what |
    | --- | --- |
    | device | where the networks live |
    | directory | the run's files |
    | recorded | answers of other runs, to be learned from first |
    | labellers | the names of all whose answers it learns from |
    | groups | of labellers, where they want something else than the true reward |
    | wants | what groups want, by the names of the goals |
    """

    wants: Mapping[str, Wants]

    def __init__(self, config: Any, device: str, directory: RunDirectory, recorded: Comparisons):
        self.device, self.directory, self.recorded = device, directory, recorded
        self.labellers = who_answers(config, recorded)
        self.groups = config.labellers.told_of
        self._config = config
        self._saved = 0  # comparisons, in checkpoints
        self._end = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    def generators(self, n: int) -> list[np.random.Generator]:
        """Generators that everything random in the run is drawn from: n of them, so that no part changes another's."""
        return [np.random.default_rng(seed) for seed in np.random.SeedSequence(self._config.seed).spawn(n)]

    def pairs_for_all(self, generator: np.random.Generator, n: int) -> tuple[Fragments, Fragments]:
        """What n pairs are put to all groups, to see how far they agree; both sides of them."""
        raise NotImplementedError


class Run(AnyRun):
    """A run of `main.py`. It evaluates and reports, saves after each iteration, and writes what is left at the end.

    | attribute | what |
    | --- | --- |
    | spec, spaces | the environment, and its spaces of observations and of actions |
    | random_steps | that a random policy takes first, in each copy of the environment |
    | steps_per_iteration | then, in all together |
    | steps_each | in each copy, in the whole run |
    """

    def __init__(
        self, config: Any, plan: Plan, device: str, directory: RunDirectory, report: Report, recorded: Comparisons
    ):
        super().__init__(config, device, directory, recorded)
        self.spec, self.spaces, self._trial = plan.spec, plan.spaces, plan.trial
        self.steps_each = plan.total // config.agent.n_envs
        self.random_steps, self.steps_per_iteration = plan.random_each, plan.per_iteration
        self._report, self.steps_taken = report, report.steps_taken
        self.wants = {name: of_steps(goal) for name, goal in goals_of(plan.spec.id).items()}

    def pairs_for_all(self, generator: np.random.Generator, n: int) -> tuple[Fragments, Fragments]:
        """What n pairs are put to all groups: drawn from all rollouts so far."""
        length = self._config.preferences.fragment_length
        starts = self._rollouts.fragment_starts(length)
        a, b = (cut(self._rollouts, each, length) for each in starts[generator.integers(len(starts), size=(2, n))])
        return a, b

    def with_person(self, oracle: Person) -> Person:
        """Let a person answer from now on, and see what the agent is doing, until the run is over."""
        random_steps = self.random_steps * self._config.agent.n_envs
        self._report.listen(oracle.make_spectator(self.spec, random_steps, self.steps_per_iteration, self._dependence))
        oracle.on_goal = self._report.judge_by
        self._end.enter_context(oracle.way)
        return oracle

    def iterations(
        self, agent: Agent, reward_model: Any, questions: Any, oracle: Any, rollouts: Rollouts, comparisons: Comparisons
    ) -> Iterator[int]:
        """The run's iterations, from 0, in which the agent has not trained yet, or from the one after the last saved.

        What is handed in is all that a run consists of. It is brought to where it was at first, and saved after each
        iteration, when nothing is pending; a RunError says so if what was saved is not this run's. At the end the
        agent and the reward model are written to the run's directory, before anything is made of them.
        """
        self._agent, self._reward_model, self._questions = agent, reward_model, questions
        self._oracle, self._rollouts, self._comparisons = oracle, rollouts, comparisons
        self._parts: dict[str, Part] = {
            "agent": agent, "run": self.directory, "reward_model": reward_model, "oracle": oracle,
            "questions": questions, "report": self._report,
        }  # fmt: skip
        agent.only_copy = not self._trial.copies
        agent.planned_steps = self._config.iterations * agent.steps_per_iteration
        for iteration in range(self._go_on(), self._config.iterations + 1):
            self.directory.iteration = iteration
            yield iteration
            reward_model.standardise(rollouts)
            self._save()
        agent.save(self.directory.path / "agent.zip")
        reward_model.save(self.directory.path / "reward_model.pt")
        agent.close()

    def report(self, reward: RewardFunction | None) -> None:
        """Evaluate the agent, which was trained on this learned reward (None: the true one), and add to the progress.

        Then the reward model and the questions take note of what is new.
        """
        held_out = self._reward_model.held_out(self._comparisons)
        learned_from = self._questions.progress() | self._reward_model.progress(held_out)
        learned_from["held_out_answers"] = int((held_out.preferences != 0.5).sum())  # of which the accuracy is
        if self.groups and reward is not None:
            learned_from |= agrees(self.groups, self._comparisons, reward)
        self._report.iteration(self._agent, reward, len(self._rollouts), learned_from)
        self._reward_model.observe(self._rollouts.new)
        self._questions.judge(held_out.loss)

    def finish(self) -> dict[str, Any]:
        """The run's result, which is written first; then what is told and drawn of it. Nothing is left to go on from.

        A report, a plot or a picture that cannot be made is said to be so, and nothing else is lost.
        """
        result = self._report.result()
        self.directory.write_result(result)
        attempt("The report on the labeller", lambda: self._oracle.finish(result))
        self._explained: dict[str, tuple[float, float]] = {}
        self._held_out = 0
        attempt("The comparison of choice models", self._explain)
        learned: list[Dependence] = []
        if self._config.reward == "learned":
            attempt("What the reward is over each input", lambda: learned.extend(self._dependence()))
        # moving pictures are made by doing the same again
        self._report.finish(self._config.pictures and self._trial.repeats, learned)
        self.directory.checkpoints.delete()
        return result

    def _explain(self) -> None:
        held_out = self._reward_model.held_out(self._comparisons)
        self._explained = explain(self._config.choice_model, held_out.differences, held_out.preferences)
        self._held_out = len(held_out.preferences)
        if self._explained:
            self.directory.write_choice_models(self._explained, self._held_out)

    def _dependence(self) -> list[Dependence]:
        return partial_dependence(self._reward_model.member_rewards, self._rollouts, *self.spaces)

    def conclude(self, result: dict[str, Any]) -> None:
        """Say to a person how the run went, and where to look."""
        conclude(result, self.directory.rows[-1], self._report.about, self._explained, self._held_out)

    def _go_on(self) -> int:
        """Bring everything to where it was after the last iteration that was saved; the one that comes next."""
        if self.directory.saved is None:
            return 0
        (state, pieces), self.directory.saved = self.directory.saved, None
        try:
            for piece in pieces:
                of_comparisons = {name.removeprefix(PREFIX): piece.pop(name) for name in list(piece) if PREFIX in name}
                self._rollouts.add(Rollouts.from_arrays(piece))
                self._comparisons.extend(Comparisons.from_arrays(of_comparisons))
            if not self._agent.play_again(self._rollouts, self.random_steps):
                say(
                    f"{self.spec.id} cannot be resumed exactly: with the same seed and actions it does not do the same "
                    "again. The run goes on with new episodes, and not as if it had never been stopped."
                )
            for name, part in self._parts.items():
                part.restore(state[name])
        except (OSError, RunError):
            raise
        except Exception as problem:  # whatever the parts raise for what they did not save
            path = self.directory.path
            raise RunError(f"--resume {path}: the checkpoint is damaged: it is not this run's.") from problem
        self._saved = len(self._comparisons)
        return len(pieces)

    def _save(self) -> None:
        """Save all parts as they are after an iteration, and what it added to the rollouts and the comparisons."""
        state = {name: part.state() for name, part in self._parts.items()}
        new = self._comparisons[self._saved :].arrays()
        arrays = self._rollouts.new.arrays() | {f"{PREFIX}{name}": array for name, array in new.items()}
        self.directory.checkpoints.save(state, arrays)
        self._saved = len(self._comparisons)


def recorded_config(run: Path, kind: type[Config], env: str | None = None, fixed: Collection[str] = ()) -> Config:
    """The options of an interrupted run, from its `config.json`.

    `env` is the environment if the user has named it, which one that is a module's takes: see `refuse_import`; `fixed`
    are the names of what stands there beside the options. Raises a
    UsageError if it is not named, or there is no such run, and a RunError if it is finished, has links or code in it,
    or its options cannot be read.
    """
    if not os.path.isfile(run / CONFIG):  # noqa: PTH113 (Path.is_file raises for a name that is too long)
        raise UsageError(f"--resume {shown(run)}: there is no run; name the directory of one, such as runs/….")
    if is_finished(run):
        raise RunError(f"--resume {run}: the run is finished.")
    try:
        options = read_config(run)
    except BrokenRecordError as problem:
        raise RunError(f"--resume {run}: {CONFIG} is damaged.") from problem
    refuse_links_and_code(run)
    refuse_import("--resume", run, options.get("env"), env)
    for name in ("packages", *fixed):
        options.pop(name, None)
    try:
        return from_json(kind, options)
    except ValueError as problem:  # what there is to say is about flags that nobody typed
        raise RunError(f"--resume {run}: {CONFIG} does not hold options of this version of the workshop.") from problem


def is_finished(run: Path) -> bool:
    """Whether there is nothing left to go on from in this directory of a run."""
    saved = (run / "agent.zip").exists() or (run / "result.json").exists()
    return saved and not Checkpoints(run).exist
