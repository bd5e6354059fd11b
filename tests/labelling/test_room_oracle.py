"""The oracle of a room: whose answer it says each one is, also when another one answers in the end."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from workshop.data import Comparisons, Fragments
from workshop.labelling import LabellingConfig, Text
from workshop.labelling.human import HumanOracle
from workshop.records.answers import QuestionRecord, lines_on_record


def pairs(n: int) -> Comparisons:
    def fragments() -> Fragments:
        return Fragments(np.zeros((n, 3, 2), np.float32), np.zeros((n, 3)), np.zeros((n, 3), np.float32))

    return Comparisons.questions(fragments(), fragments())


class Directory:
    """What an oracle asks of a run's directory."""

    def __init__(self, path: Path):
        self.path, self.asked, self.recorded, self.lines = path, 0, {}, {}
        self.withdrawn = ()

    def record(self, labeller: str, questions: Comparisons) -> QuestionRecord:
        numbers, self.asked = range(self.asked, self.asked + len(questions)), self.asked + len(questions)
        line = {"iteration": 0, "labeller": labeller, "fragments": f"fragments/{numbers.start:06d}.npz"}
        return QuestionRecord(self.path / "comparisons.jsonl", numbers, line, {})


@pytest.fixture
def room(tmp_path: Path) -> tuple[HumanOracle, Comparisons]:
    comparisons = pairs(0)
    config = LabellingConfig(labellers_may_join=True, ask_again=0)
    sides = lambda asked: [(Text("?", "a"), Text("?", "b"))] * len(asked)  # noqa: E731
    oracle = HumanOracle(config, 10, Directory(tmp_path), sides, comparisons, np.random.default_rng(0))
    return oracle, comparisons


def answer(oracle: HumanOracle, person: str, number: int, preference: float) -> None:
    assert oracle.session.current(person).number == number
    oracle.session.answer(number, preference, 1.0, person)


def test_each_answer_is_that_persons_who_gave_it(room: tuple[HumanOracle, Comparisons], tmp_path: Path):
    oracle, comparisons = room
    asked = pairs(3)
    oracle.show(asked)
    for number, person in enumerate(("Ada", "Bob", "Ada")):
        answer(oracle, person, number, 1.0)
    comparisons.add(oracle.compare(asked))
    assert comparisons.labellers.tolist() == ["Ada", "Bob", "Ada"]
    assert [line.labeller for line in lines_on_record(tmp_path).values()] == ["Ada", "Bob", "Ada"]


def test_what_somebody_took_back_and_left_is_the_next_ones(
    room: tuple[HumanOracle, Comparisons], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    oracle, comparisons = room
    first, then = pairs(2), pairs(1)
    oracle.show(first)
    answer(oracle, "Ada", 0, 1.0), answer(oracle, "Bob", 1, 1.0)
    comparisons.add(oracle.compare(first))
    oracle.session.undo(0, "Ada")
    monkeypatch.setattr("workshop.labelling.hands.AWAY", 0.0)
    oracle.show(then)
    answer(oracle, "Christopher", 0, 0.0), answer(oracle, "Bob", 2, 1.0)  # a name that is longer than all before
    assert oracle.revised(last=False)
    comparisons.add(oracle.compare(then))
    assert comparisons.labellers.tolist() == ["Christopher", "Bob", "Bob"]
    assert comparisons.preferences.tolist() == [0.0, 1.0, 1.0]
    assert {number: line.labeller for number, line in lines_on_record(tmp_path).items()} == {
        0: "Christopher", 1: "Bob", 2: "Bob",
    }  # fmt: skip
    restored = HumanOracle(
        LabellingConfig(labellers_may_join=True, ask_again=0), 10,
        SimpleNamespace(path=tmp_path, lines=lines_on_record(tmp_path), recorded={0: 0.0, 1: 1.0, 2: 1.0}, asked=3,
                        withdrawn=()),
        lambda asked: [], as_first_learned(comparisons), np.random.default_rng(0),
    )  # fmt: skip
    restored.restore(oracle.state())
    assert restored.state()["labellers"].tolist() == ["Christopher", "Bob", "Bob"]


def as_first_learned(comparisons: Comparisons) -> Comparisons:
    """As a run's checkpoints have them, which each hold what was new then."""
    return Comparisons(comparisons.fragments_a, comparisons.fragments_b, np.ones(3), np.array(["Ada", "Bob", "Bob"]))
