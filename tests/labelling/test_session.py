"""The session that the trainer and a labeller share, and the clips in it, without a server."""

import io
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import type_command
from fake_training import bar, three_questions
from PIL import Image

from workshop.labelling.clips import MOST_PIXELS, Clip, speed_in_words
from workshop.labelling.session import (
    AlreadyAnswered,
    Answer,
    CannotUndo,
    LabellerLeft,
    LabellingSession,
    NotAsked,
    Question,
)


@pytest.fixture
def recorded() -> list[Answer]:
    return []


@pytest.fixture
def session(recorded: list[Answer]) -> LabellingSession:
    return three_questions(recorded)


def test_the_trainer_waits_for_its_own_answers(session: LabellingSession):
    def label() -> None:
        for number in (0, 1, 2):
            time.sleep(0.02)
            assert session.current().number == number
            session.answer(number, 1.0, 0.1)

    person = threading.Thread(target=label)
    person.start()
    assert session.wait([0, 1]) == {0: 1.0, 1: 1.0}
    person.join()
    session.undo(2)  # answered ahead, and not taken yet
    assert not session.revised(last=False)


def test_what_the_trainer_has_taken_can_be_taken_back(session: LabellingSession, recorded: list[Answer]):
    for number in (0, 1):
        session.current()
        session.answer(number, 0.0, 1.0)
    assert session.wait([0, 1]) == {0: 0.0, 1: 0.0}
    assert not session.revised(last=False)
    with pytest.raises(CannotUndo):
        session.undo(0)  # the latest first
    session.undo(1)
    session.undo(0)
    assert [(answer.number, answer.undone) for answer in recorded] == [(0, False), (1, False), (1, True), (0, True)]
    assert session.revised(last=True)
    regret = threading.Timer(0.1, lambda: [(session.current(), session.answer(n, 1.0, 1.0)) for n in (0, 1, 2)])
    regret.start()
    assert session.wait([2]) == {0: 1.0, 1: 1.0, 2: 1.0}  # waits for those that were taken back, too
    assert not session.revised(last=False)
    session.undo(2)
    session.current()
    session.answer(2, 1.0, 1.0)
    assert not session.revised(last=True)  # the same answer again changes nothing
    assert session.state()["undo"] is None
    with pytest.raises(CannotUndo):
        session.undo(2)


def test_a_resumed_trainer_goes_on_from_the_answers_on_record(recorded: list[Answer]):
    session = LabellingSession(recorded.append, 5, recorded={0: 1.0, 1: None}, given=(1, 0))
    session.taken(0, 1.0)
    session.taken(1, None)
    assert (session.has([0, 1]), session.has([2])) == (True, False)
    assert session.wait([1]) == {1: None}
    session.taken(0, 0.0)  # it had learned something else
    assert session.revised(last=False)
    assert session.wait([]) == {0: 1.0}
    assert session.state()["given"] == 1


def test_waiting_ends_when_nobody_is_there_or_nothing_was_asked(session: LabellingSession):
    with pytest.raises(NotAsked):
        session.wait([3])
    threading.Timer(0.05, session.leave, ["The input has ended."]).start()
    with pytest.raises(LabellerLeft, match="The input has ended"):
        session.wait([0])


def test_ctrl_c_reaches_a_trainer_that_waits():
    code = """
import _thread, threading
from workshop.labelling.session import LabellingSession, Question
from tests.labelling.fake_training import bar
session = LabellingSession(print, 1)
session.ask([Question(0, bar(1), bar(2))])
threading.Timer(0.2, _thread.interrupt_main).start()
try:
    session.wait([0])
except KeyboardInterrupt:
    print("interrupted")
"""
    assert type_command("-c", code).stdout == "interrupted\n"


def test_the_session_refuses_what_cannot_be(session: LabellingSession, recorded: list[Answer]):
    session.current()
    for preference, seconds in ((0.3, 1.0), (float("nan"), 1.0), (0.0, float("nan")), (0.0, -1.0)):
        with pytest.raises(ValueError, match="no answer"):
            session.answer(0, preference, seconds)
    with pytest.raises(NotAsked):
        session.answer(1, 0.0, 1.0)  # in the queue, but nobody has seen it
    with pytest.raises(ValueError, match="question 2 comes after question 2"):
        session.ask([Question(2, bar(1), bar(2))])
    assert recorded == []
    session.answer(0, 0.0, 1.0)
    with pytest.raises(AlreadyAnswered):
        session.answer(0, 0.0, 1.0)


def test_many_threads_record_each_question_once():
    recorded: list[Answer] = []
    session = LabellingSession(recorded.append, 200)
    session.ask([Question(number, bar(1), bar(2)) for number in range(200)])

    def label(_: int) -> None:
        while question := session.current():
            try:
                session.answer(question.number, 0.5, 0.0)
            except (AlreadyAnswered, NotAsked):
                continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(label, range(8)))
    assert [answer.number for answer in recorded] == list(range(200))


def test_a_large_clip_is_scaled_to_what_phones_show():
    sheet = Image.open(io.BytesIO(Clip(np.zeros((100, 600, 700, 3), np.uint8), 50.0).sheet))
    assert 0.8 * MOST_PIXELS < sheet.width * sheet.height <= MOST_PIXELS


@pytest.mark.parametrize(
    ("frames", "per_second", "speed"), [(20, 50.0, 1 / 8), (125, 50.0, 1), (60, 30.0, 1 / 2), (1, 50.0, 1 / 64)]
)
def test_short_clips_are_slowed_until_a_person_can_judge(frames: int, per_second: float, speed: float):
    assert Clip(np.zeros((frames, 2, 2, 3), np.uint8), per_second).speed == speed


def test_a_gif_moves_at_the_speed_that_is_said(tmp_path: Path):
    clip = bar(4)
    clip.save_gif(tmp_path / "clip.gif")
    with Image.open(tmp_path / "clip.gif") as picture:
        assert picture.n_frames == 8
        assert picture.info["duration"] == pytest.approx(1000 / 50 / clip.speed, abs=10)
    assert (speed_in_words(clip.speed), speed_in_words(1)) == ("1/16 speed", "normal speed")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Clip(np.zeros((2, 3, 3, 3)), 50.0),
        lambda: Clip(np.zeros((2, 3, 3), np.uint8), 50.0),
        lambda: Clip(np.zeros((0, 3, 3, 3), np.uint8), 50.0),
        lambda: Clip(np.zeros((2, 3, 3, 3), np.uint8), 0.0),
        lambda: Clip(np.zeros((2, 3, 3, 3), np.uint8), float("nan")),
    ],
)
def test_what_is_no_clip_is_refused(make: Callable[[], Clip]):
    with pytest.raises(ValueError, match="fr"):
        make()


def test_the_page_needs_neither_torch_nor_the_top_level():
    code = (
        "import sys, workshop.labelling.server, workshop.labelling.terminal; "
        "print({'torch', 'main', 'oracle', 'preferences', 'reward_model'} & set(sys.modules))"
    )
    assert type_command("-c", code, anew=True).stdout == "set()\n"


def test_a_goal_that_cannot_be_kept_is_not_taken(recorded: list[Answer]):
    def full(goal: str) -> None:
        raise OSError(28, "no space")

    session = LabellingSession(recorded.append, 5, needs_goal=True, record_goal=full)
    with pytest.raises(OSError, match="no space"):
        session.set_goal("spin")
    assert session.state()["needs_goal"]


def test_by_a_goal_of_ones_own_the_true_return_tells_nothing(recorded: list[Answer]):
    goals: list[str] = []
    session = LabellingSession(recorded.append, 5, needs_goal=True, record_goal=goals.append)
    session.show(None, None, 100.0)
    assert session.latest_true_return == 100.0
    session.set_goal("spin")
    session.set_goal("hang")
    session.show(None, None, 100.0)
    assert (session.latest_true_return, goals) == (None, ["spin"])
