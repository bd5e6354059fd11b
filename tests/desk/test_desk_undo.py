"""Answers to `llm.py` that a person takes back, as long as there is something to learn: as on the pole."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answering import label, running
from conftest import progress
from desk_runs import METHODS, TINY_DESK, train_at_the_desk

from workshop.data import Comparisons
from workshop.desk import LanguageRun
from workshop.language import TextRewardModel
from workshop.records.comparisons_from import read_record

pytest_plugins = ["desk_fixtures"]


class ChangesItsMind:
    """Prefers a, always; then takes the first answer back at the `at`-th chance, for `instead`."""

    def __init__(self, comparisons: Comparisons, at: int, instead: float):
        self._comparisons, self._at, self._instead = comparisons, at, instead
        self.last: list[bool] = []

    def compare(self, pairs: Comparisons) -> Comparisons:
        if self._taken_back:
            self._comparisons.preferences[0] = self._instead
        return replace(pairs, preferences=np.zeros(len(pairs)), labellers=np.full(len(pairs), "Ada"))

    @property
    def _taken_back(self) -> bool:
        return len(self.last) == self._at

    def revised(self, last: bool) -> bool:
        self.last.append(last)
        return self._taken_back

    def finish(self, result: Mapping[str, Any]) -> None:
        pass

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        pass


@pytest.fixture
def learned_from(monkeypatch: pytest.MonkeyPatch) -> list[list[float]]:
    """The answers of each fit of the reward model."""
    fits: list[list[float]] = []
    fit = TextRewardModel.fit

    def keep(model: TextRewardModel, comparisons: Comparisons) -> None:
        fits.append(comparisons.answered.preferences.tolist())
        fit(model, comparisons)

    monkeypatch.setattr(TextRewardModel, "fit", keep)
    return fits


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("instead", [1.0, np.nan])
@pytest.mark.parametrize(("method", "at"), [("ppo", 2), ("ppo", 5), ("dpo", 3), ("best-of-n", 1)])
def test_an_answer_is_taken_back_until_the_last_update(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    learned_from: list[list[float]],
    method: str,
    at: int,
    instead: float,
):
    people: list[ChangesItsMind] = []

    def person(run: LanguageRun, comparisons: Comparisons, generator: np.random.Generator) -> ChangesItsMind:
        people.append(ChangesItsMind(comparisons, at, instead))
        return people[0]

    monkeypatch.setattr(LanguageRun, "person", person)
    run = train_at_the_desk([*METHODS[method], "--runs-dir", str(tmp_path)])
    assert learned_from == [[0] * 6, [0] * 5 if np.isnan(instead) else [1, *[0] * 5]]
    updates = 0 if method == "best-of-n" else 4  # before each there is a chance, and one after the last of them
    assert people[0].last == [False] * (updates + (at <= updates)) + [True] * (1 + (at > updates))
    last = progress(run)[-1]
    assert (last["comparisons"], last["skipped"]) == (("5", "1") if np.isnan(instead) else ("6", "0"))


@pytest.mark.endurance
def test_what_is_taken_back_while_the_policy_trains_is_asked_again_and_a_killed_run_goes_on_from_that(tmp_path: Path):
    asked = ["--oracle", "human", "--no-open-page", "--ask-again", "0", "--labeller", "Ada", "--updates", "120"]
    arguments = [*TINY_DESK, *asked, "--evaluate-every", "20", "--runs-dir", str(tmp_path)]
    with running(*arguments, program="llm.py") as (_, page, said):
        label(page, lambda count: count == 6, lambda number: 0.0)
        for _ in range(2):
            page.post("undo", number=page.state()["undo"])
        label(page, lambda count: count == 2, lambda number: 1.0 if number == 4 else None)
        (run,) = tmp_path.iterdir()
        deadline = time.monotonic() + 300
        while (not (rows := progress(run)) or rows[-1]["gradient_steps"] == "3") and time.monotonic() < deadline:
            time.sleep(0.02)  # until a checkpoint has what was answered instead
    with running("--resume", str(run), program="llm.py") as (process, page, said):
        label(page, lambda count: False)
        output, _ = process.stdout.read(), process.wait(timeout=300)
    assert process.returncode == 0, said
    record = read_record(run)
    assert (record.times_undone, record.skipped) == (2, 1)
    assert record.preferences.tolist() == [0, 0, 0, 0, 1]
    assert json.loads(output.splitlines()[-1])["comparisons"] == 5
    assert [(row["comparisons"], row["skipped"]) for row in progress(run)][-1] == ("5", "1")
