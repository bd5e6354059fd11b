"""Questions that nobody has looked at yet are taken back for better ones, and a run that goes on knows of it."""

import shutil
import time
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from conftest import SMALL, go_on, progress
from made_up_comparisons import random_fragments

import main
from workshop.data import Comparisons
from workshop.labelling import open as way_to_answer
from workshop.labelling.human import HumanOracle
from workshop.labelling.options import LabellingConfig
from workshop.labelling.session import LabellingSession
from workshop.labelling.texts import Text
from workshop.records.answers import withdrawn_on_record
from workshop.records.checkpoint import Checkpoints
from workshop.records.directory import RunDirectory
from workshop.records.untrusted import BrokenRecordError

PERSON = [*SMALL, "--oracle", "terminal", "--iterations=4", "--comparisons=12", "--ask-ahead=2", "--no-pictures"]


def pairs(n: int) -> Comparisons:
    return Comparisons.questions(random_fragments(n), random_fragments(n, seed=1))


def a_person(directory: RunDirectory, comparisons: Comparisons) -> HumanOracle:
    sides = lambda asked: [(Text("?", "a"), Text("?", "b"))] * len(asked)  # noqa: E731
    return HumanOracle(LabellingConfig(ask_again=0), 10, directory, sides, comparisons, np.random.default_rng(0))


def files(directory: RunDirectory) -> list[str]:
    return sorted(path.stem for path in (directory.path / "fragments").iterdir())


def test_what_is_on_screen_stays_and_the_rest_is_taken_back(tmp_path: Path):
    directory = RunDirectory(tmp_path, "env")
    oracle = a_person(directory, pairs(0))
    oracle.show(pairs(3))
    assert oracle.session.current().number == 0
    assert oracle.withdraw() == 2
    assert (files(directory), withdrawn_on_record(tmp_path)) == (["000000"], {1, 2})
    assert oracle.withdraw() == 0
    oracle.show(pairs(1))
    oracle.session.answer(0, 1.0, 1.0)
    assert oracle.session.current().number == 3  # the numbers of those that were taken back are not used again
    assert oracle.withdraw() == 0
    oracle.session.answer(3, 0.0, 1.0)
    assert oracle.compare(pairs(2)).preferences.tolist() == [1.0, 0.0]


def test_what_was_looked_at_and_not_answered_stays(tmp_path: Path):
    oracle = a_person(RunDirectory(tmp_path, "env"), pairs(0))
    oracle.show(pairs(3))
    oracle.session.current()
    oracle.session.answer(0, 1.0, 1.0)
    oracle.session.current()
    oracle.session.undo(0)  # and so 1 waits again
    assert oracle.withdraw() == 1
    assert withdrawn_on_record(tmp_path) == {2}


def test_what_had_an_answer_that_was_taken_back_before_a_kill_stays(tmp_path: Path):
    directory = RunDirectory(tmp_path, "env")
    oracle = a_person(directory, pairs(0))
    oracle.show(pairs(2))
    directory.lines = {1: None}  # a line, which takes an answer back, so that the question is asked again
    assert oracle.withdraw() == 0


def test_what_was_taken_back_is_shown_to_nobody_in_a_run_that_goes_on(tmp_path: Path):
    directory = RunDirectory(tmp_path, "env")
    directory.withdrawn = {1, 2}
    oracle = a_person(directory, pairs(0))
    oracle.show(pairs(3))
    oracle.session.current()
    oracle.session.answer(0, 1.0, 1.0)
    assert oracle.session.current() is None
    assert oracle.withdraw() == 2
    assert files(directory) == ["000000"]


def test_no_number_but_those_that_a_run_writes_is_read(tmp_path: Path):
    file = tmp_path / "withdrawn.txt"
    assert withdrawn_on_record(tmp_path) == set()
    file.write_bytes(b"3\n12\n4")  # the last was being written
    assert withdrawn_on_record(tmp_path) == {3, 12}
    for wrong in (b"3\n\n", b"-1\n", b"three\n", b"1" * 16 + b"\n", b"\xff\n"):
        file.write_bytes(wrong)
        with pytest.raises(BrokenRecordError, match="does not say what a run writes"):
            withdrawn_on_record(tmp_path)


class Slow:
    """Answers at the last moment, when the agent waits for it, and has the next question on screen then."""

    def __init__(self, session: LabellingSession, *_: object):
        self._session = session

    def __enter__(self) -> "Slow":
        self._wait, self._session.wait = self._session.wait, self._answer
        self._session.wait_for_farewell = lambda seconds: True
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _answer(self, numbers: Collection[int]) -> dict[int, float | None]:
        while not self._session.has(numbers):
            number = self._session.current().number
            self._session.answer(number, float(number % 2), 1.0)
            self._session.current()
        return self._wait(numbers)


class Nobody(Slow):
    """Answers nothing: all is on record."""

    def _answer(self, numbers: Collection[int]) -> dict[int, float | None]:
        assert self._session.has(numbers)
        return self._wait(numbers)


@pytest.mark.usefixtures("without_plots")
def test_a_run_that_goes_on_asks_what_it_had_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """From a checkpoint of its middle, with all that was answered and taken back later, it ends as it has."""
    saved: list[Path] = []
    save = Checkpoints.save

    def save_and_copy(checkpoints: Checkpoints, *arguments: object) -> None:
        save(checkpoints, *arguments)
        saved.append(shutil.copytree(checkpoints.directory.parent, tmp_path / str(len(saved)) / "run"))

    monkeypatch.setattr(Checkpoints, "save", save_and_copy)
    monkeypatch.setattr(way_to_answer, "TerminalLabeller", Slow)
    typed = [*PERSON, f"--runs-dir={tmp_path / 'runs'}"]
    result = main.program.train(main.program.read_config(typed), time.perf_counter())
    run = Path(result["run"])
    assert len(withdrawn_on_record(run)) > 4
    monkeypatch.setattr(Checkpoints, "save", save)
    monkeypatch.setattr(way_to_answer, "TerminalLabeller", Nobody)
    before = what_is_there(run)
    for interrupted in saved[:3]:
        for name in ("comparisons.jsonl", "withdrawn.txt"):
            shutil.copy(run / name, interrupted)
        shutil.copytree(run / "fragments", interrupted / "fragments", dirs_exist_ok=True)
        go_on(interrupted)
        assert what_is_there(interrupted) == before


def what_is_there(run: Path) -> tuple[list[dict[str, str]], set[int], dict[str, bytes]]:
    rows = [{name: cell for name, cell in row.items() if name != "seconds"} for row in progress(run)]
    answered = {path.name: path.read_bytes() for path in (run / "fragments").iterdir()}
    return rows, withdrawn_on_record(run), answered
