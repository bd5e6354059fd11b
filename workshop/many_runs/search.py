"""Search among flags by Optuna (Akiba et al. 2019): where trials are kept, what may be tried, what counts as better."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from workshop.many_runs.grid import Axis
from workshop.messages import UsageError
from workshop.records import FinishedRun, Row

Objective = Literal["comparisons_to_solve", "true_return_mean"]
DIRECTIONS: Mapping[Objective, Literal["minimize", "maximize"]] = {
    "comparisons_to_solve": "minimize",
    "true_return_mean": "maximize",
}
TRIALS_BEFORE_PRUNING = 4
PERCENT_BEFORE_PRUNING = 30  # of a run: before that, all look alike
FINISHED = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)


@dataclass(frozen=True)
class Search:
    """A study, so described that a worker, maybe on another machine, can open it.

    `storage` is a file, or a URL as Optuna takes it. `seed` makes the sampler's draws; trials at once see one another's
    results as they come, so that a search is the same again only with one job.
    """

    study: str
    storage: str
    objective: Objective
    seed: int

    def open(self, trial: int = 0) -> optuna.Study:
        """The study, made if it is not there yet, with draws of its own for this `trial`.

        Raises a UsageError if the storage cannot be used.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        storage: str | JournalStorage = self.storage
        try:
            if "://" not in self.storage:
                Path(self.storage).parent.mkdir(parents=True, exist_ok=True)
                lock = JournalFileOpenLock(self.storage)
                storage = JournalStorage(JournalFileBackend(self.storage, lock_obj=lock))
            return optuna.create_study(
                study_name=self.study,
                storage=storage,
                direction=DIRECTIONS[self.objective],
                sampler=optuna.samplers.TPESampler(seed=self.seed + trial),
                pruner=optuna.pruners.MedianPruner(TRIALS_BEFORE_PRUNING, PERCENT_BEFORE_PRUNING),
                load_if_exists=True,
            )
        except Exception as problem:  # of Optuna, SQLAlchemy, a database's driver, the file system
            raise UsageError(f"--storage {self.storage} cannot be used: {str(problem).splitlines()[0]}.") from problem

    def refuse_another(self, study: optuna.Study, searched: Mapping[str, Any]) -> None:
        """Raise a UsageError if the study's earlier trials were among other flags; note what is `searched`."""
        searched = json.loads(json.dumps(searched))
        if study.user_attrs.setdefault("searched", searched) != searched:
            raise UsageError(
                f"--name {self.study}: {self.storage} holds a search of this name among other flags, seeds or "
                "values; choose another --name."
            )
        study.set_user_attr("searched", searched)


def follow_trial(trial: optuna.trial.Trial, objective: Objective, place: int, iterations: int, row: Row) -> None:
    """Tell Optuna how a trial's run does, and break it off, by a `TrialPruned`, if it falls behind.

    `row` is one of its `progress.csv`, of so many iterations, `place` its place among the trial's runs. Runs are
    compared by their true return, at the same share of each.
    """
    sign = 1 if DIRECTIONS[objective] == "maximize" else -1
    trial.report(sign * row["true_return_mean"], 100 * place + round(100 * row["iteration"] / iterations))
    if trial.should_prune():
        raise optuna.TrialPruned


def suggest(trial: optuna.trial.Trial, axes: Sequence[Axis]) -> list[str]:
    """Let Optuna choose arguments for `main.py`: one alternative of each axis."""
    arguments: list[str] = []
    for axis in axes:
        place = {shlex.join(alternative): alternative for alternative in axis.alternatives}
        arguments += place[trial.suggest_categorical(axis.flag, list(place))]
    return arguments


def chosen(trial: optuna.trial.FrozenTrial) -> list[str]:
    """The arguments that were chosen for this trial."""
    return shlex.split(" ".join(trial.params.values()))


def score(objective: Objective, runs: Sequence[FinishedRun]) -> float:
    """What a trial is worth, from its runs, one for each seed: their mean.

    In the mean of the comparisons to solve a run that was not solved counts as twice those that it asked for.
    """
    if objective == "true_return_mean":
        return float(np.mean([run.columns["true_return_mean"][-1] for run in runs]))
    to_solve = [run.comparisons_to_solve if run.solved else 2 * run.columns["comparisons"][-1] for run in runs]
    return float(np.mean(to_solve))


def best_first(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The trials that came to their end, the best first, each choice once."""
    trials = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    sign = 1 if study.direction == optuna.study.StudyDirection.MINIMIZE else -1
    best: dict[tuple[str, ...], optuna.trial.FrozenTrial] = {}
    for trial in sorted(trials, key=lambda trial: (sign * trial.values[0], trial.number)):
        best.setdefault(tuple(chosen(trial)), trial)
    return list(best.values())
