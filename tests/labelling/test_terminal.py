"""The labelling dialogue on a terminal: the same session, the same answers, without a browser."""

import contextlib
import errno
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import start_command
from fake_training import bar
from PIL import Image

from workshop.labelling.clips import NO_FRAMES, Clip
from workshop.labelling.pole_text import HEIGHT, WIDTH, draw_pole
from workshop.labelling.questions import Answer, LabellerLeft, Question
from workshop.labelling.session import LabellingSession
from workshop.labelling.terminal import TerminalLabeller

needs_unix = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is made, which Windows has not")


def questions(n: int) -> list[Question]:
    return [Question(number, bar(1), bar(2)) for number in range(n)]


def type_lines(session: LabellingSession, lines: str, folder: Path, numbers: list[int]) -> str:
    """Answer these questions by lines of text; what was shown."""
    shown = io.StringIO()
    with TerminalLabeller(session, folder, io.StringIO(lines), shown):
        session.wait(numbers)
        session.finish({"answers": "as given"})
    return shown.getvalue()


def test_lines_answer_skip_and_undo(tmp_path: Path):
    recorded: list[Answer] = []
    session = LabellingSession(recorded.append, 4, goal="spin the bar")
    session.ask(questions(4))
    shown = type_lines(session, "l\nu\nright\n=\nS\nup\n", tmp_path, [0, 1, 2, 3])
    assert [(answer.number, answer.preference, answer.undone) for answer in recorded] == [
        (0, 0.0, False),
        (0, 0.0, True),
        (0, 1.0, False),
        (1, 0.5, False),
        (2, None, False),
        (3, 0.5, False),
    ]
    for words in ("The goal: spin the bar", "1/16 speed", "LEFT", "1 of 4 answered", "Undone", "Finished. Thank you!"):
        assert words in shown
    assert shown.isascii()  # not every terminal shows more


def test_what_is_no_answer_gets_help_and_the_question_again(tmp_path: Path):
    recorded: list[Answer] = []
    session = LabellingSession(recorded.append, 1)
    session.ask(questions(1))
    shown = type_lines(session, "\n?\nbetter\nu\nr\n", tmp_path, [0])
    assert [answer.preference for answer in recorded] == [1.0]
    assert shown.count("0 of 1 answered") == 5
    assert shown.count("this help") >= 3
    assert "nothing to undo" in shown


def test_an_answer_that_is_not_saved_does_not_count(tmp_path: Path):
    failures = [OSError(errno.ENOSPC, "No space left on device")]
    recorded: list[Answer] = []

    def record(answer: Answer) -> None:
        if failures:
            raise failures.pop()
        recorded.append(answer)

    session = LabellingSession(record, 1)
    session.ask(questions(1))
    shown = type_lines(session, "l\nr\n", tmp_path, [0])
    assert [answer.preference for answer in recorded] == [1.0]
    assert "could not be saved, so it does not count: [Errno 28] No space left on device" in shown


def test_the_trainer_hears_when_the_input_ends(tmp_path: Path):
    session = LabellingSession(print, 2)
    session.ask(questions(2))
    with (
        TerminalLabeller(session, tmp_path, io.StringIO("l\n"), io.StringIO()),
        pytest.raises(LabellerLeft, match="input has ended"),
    ):
        session.wait([0, 1])


def test_clips_without_text_are_files_to_open(tmp_path: Path):
    shown = io.StringIO()
    opened: list[int] = []

    class Person(io.StringIO):
        """Opens the two files before answering."""

        def readline(self, size: int = -1) -> str:
            for path in re.findall(r"(?:left|right): (.*\.gif)", shown.getvalue()):
                with Image.open(path) as clip:
                    opened.append(clip.n_frames)
            return "r\n"

    session = LabellingSession(lambda answer: None, 1)
    session.ask([Question(7, Clip(bar(1).frames, 50.0), Clip(bar(2).frames, 50.0))])
    with TerminalLabeller(session, tmp_path / "clips", Person(), shown):
        assert session.wait([7]) == {7: 1.0}
        session.finish("")
    assert opened == [8, 8]
    assert list((tmp_path / "clips").iterdir()) == []  # answered, so no longer needed


class Terminal:
    """A pseudo-terminal: what a person types, and what they see."""

    def __init__(self) -> None:
        self.person, self.program = os.openpty()
        self.stdin, self.output = os.fdopen(self.program, "r"), os.fdopen(os.dup(self.program), "w")
        self.seen = ""
        threading.Thread(target=self._look, daemon=True).start()

    def type(self, keys: str) -> None:
        time.sleep(0.2)  # no key counts sooner after another, or after a new question
        os.write(self.person, keys.encode())

    def until(self, condition: Callable[[], bool]) -> None:
        start = time.monotonic()
        while not condition():
            assert time.monotonic() < start + 60, self.seen
            time.sleep(0.01)

    def _look(self) -> None:
        while True:
            self.seen += os.read(self.person, 1000).decode()


@needs_unix
def test_keys_answer_while_the_clips_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import termios

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    recorded: list[Answer] = []
    session = LabellingSession(recorded.append, 5, show_true_return=True)
    session.tell("rolling out", 0.25)
    before = termios.tcgetattr(terminal.program)
    with TerminalLabeller(session, tmp_path, terminal.stdin, terminal.output):
        terminal.until(lambda: "The agent: rolling out, 25%" in terminal.seen)
        session.show(None, None, 150.0)
        session.ask(questions(5))
        terminal.until(lambda: len(set(re.findall(r"^ *\|.*\|", terminal.seen, re.MULTILINE))) == 8)  # it moves
        assert "True return now: 150" in terminal.seen
        for number, key in enumerate(["\x1b[D", "\x1bOC", "\x1b[A", "l" * 9]):  # left, right, up; and one held down
            terminal.type(key)
            terminal.until(lambda number=number: len(recorded) > number)
        terminal.type("u")
        terminal.until(lambda: len(recorded) > 4)
        terminal.type("r")
        terminal.until(lambda: len(recorded) > 5)
        terminal.type("s")
        assert session.wait(range(5)) == {0: 0.0, 1: 1.0, 2: 0.5, 3: 1.0, 4: None}
        session.finish("Well done.")
    terminal.until(lambda: "Finished. Thank you!" in terminal.seen)
    assert termios.tcgetattr(terminal.program) == before


@needs_unix
def test_the_terminal_is_as_before_after_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import termios

    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    before = termios.tcgetattr(terminal.program)
    labeller = TerminalLabeller(LabellingSession(print, 1), tmp_path, terminal.stdin, terminal.output)
    with contextlib.suppress(KeyboardInterrupt), labeller:
        assert termios.tcgetattr(terminal.program) != before
        raise KeyboardInterrupt
    assert termios.tcgetattr(terminal.program) == before


@needs_unix
def test_an_interrupt_ends_a_program_that_waits_for_a_line(tmp_path: Path):
    code = f"""
from pathlib import Path
from tests.labelling.fake_training import bar
from workshop.labelling.session import LabellingSession, Question
from workshop.labelling.terminal import TerminalLabeller
session = LabellingSession(print, 1)
session.ask([Question(0, bar(1), bar(2))])
with TerminalLabeller(session, Path({str(tmp_path)!r})):
    session.wait([0])
"""
    with start_command("-c", code, stdin=subprocess.PIPE, stdout=None) as program:
        while program.stderr.read(1) != ">":  # it asks for a line
            assert program.poll() is None
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=60)
    assert program.returncode == -signal.SIGINT  # which nothing but KeyboardInterrupt leads to
    assert "Fatal" not in errors


def test_a_narrow_terminal_shows_the_clips_one_above_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "40")
    session = LabellingSession(lambda answer: None, 1)
    session.ask(questions(1))
    assert max(map(len, type_lines(session, "l\n", tmp_path, [0]).split("LEFT")[1].splitlines())) <= 40


def where(text: str, character: str) -> tuple[int, int]:
    """The row and the column of the first of these characters."""
    rows = text.split("\n")
    row = next(index for index, line in enumerate(rows) if character in line)
    return row, rows[row].index(character)


def test_the_pole_points_where_it_does():
    upright, right, hanging, left, out = draw_pole(
        np.array([[0, 0, 0, 0], [0, 0, np.pi / 2, 0], [0, 0, np.pi, 0], [0, 0, -np.pi / 2, 0], [2.41, 0, 0, 0]])
    )
    for text in (upright, right, hanging, left, out):
        assert [len(line) for line in text.split("\n")] == [WIDTH] * HEIGHT
        assert text.count("o") == 1
    middle = HEIGHT // 2, WIDTH // 2
    assert where(upright, "o") == (middle[0] - 4, middle[1])
    assert where(hanging, "o") == (middle[0] + 4, middle[1])
    assert where(right, "o") == (middle[0], middle[1] + 8)
    assert where(left, "o") == (middle[0], middle[1] - 8)
    assert where(out, "o") == where(upright, "o"), "the cart stays in the middle, wherever it is"


def test_marks_on_the_track_pass_by_as_the_cart_moves():
    """Three columns of 0.16 m to the right, the cart sees everything three columns further to the left."""
    track, later = (text.split("\n")[HEIGHT // 2] for text in draw_pole(np.array([[0, 0, 0, 0], [0.48, 0, 0, 0]])))
    marks, after = ({column for column, each in enumerate(row) if each == "+"} for row in (track, later))
    assert len(marks) > 4
    under_the_cart = set(range(WIDTH // 2 - 2, WIDTH // 2 + 3))
    assert {column - 3 for column in marks if column >= 3} - under_the_cart <= after


def test_a_clip_may_have_text_alone():
    clip = Clip(NO_FRAMES, 50.0, draw_pole(np.zeros((20, 4))))
    assert (len(clip), clip.speed) == (20, 1 / 8)
