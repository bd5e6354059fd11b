"""The labelling dialogue on a plain terminal, over SSH say: the page's questions, session and record without a browser.

| key | what |
| --- | --- |
| l or ← | the left clip is better |
| r or → | the right clip is better |
| = or ↑ | they are equally good |
| s | skip |
| u | undo the last answer |
| ? | help |
"""

import contextlib
import shutil
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TextIO

from workshop.labelling.clips import Clip, speed_in_words
from workshop.labelling.keys import ReadKey, has_keys, single_keys
from workshop.labelling.questions import AlreadyAnswered, CannotUndo, NotAsked, Question
from workshop.labelling.session import LabellingSession
from workshop.labelling.texts import Text

ANSWERS = {"l": 0.0, "left": 0.0, "r": 1.0, "right": 1.0, "=": 0.5, "up": 0.5, "s": None}
WORDS = {0.0: "Left is better", 1.0: "Right is better", 0.5: "Equally good", None: "Skipped"}
HELP = """\
  l, arrow left    the left one is better     r, arrow right   the right one is better
  =, arrow up      they are equally good      s                skip: you cannot tell
  u                undo the last answer       ?                this help"""
GUARD = 0.15  # seconds: a key so soon after a new question, or after another key, was not meant as an answer
HOLD = 0.6  # seconds that the last frame of a loop stays
WAKE = 0.1  # seconds
GAP = "   "
PANELS = 4  # pictures of each clip, where they cannot move


class TerminalLabeller:
    """Asks a session's questions on a terminal, in a thread, for as long as the `with` lasts.

    Single keys are read from a terminal, which is afterwards as it was; from anything else lines, each an answer, and
    at its end the session is told that nobody answers any more. Clips with text are shown as text that moves; others
    are written to `folder` as GIF files, for the person to open, and removed once they are answered.
    """

    def __init__(
        self, session: LabellingSession, folder: Path, stdin: TextIO | None = None, output: TextIO | None = None
    ):
        self._session, self._folder = session, folder
        self._stdin = stdin or sys.stdin
        self._output = output or sys.stderr  # standard output is kept for the result
        self._closing = threading.Event()
        self._cleanup = contextlib.ExitStack()
        self._shown: Question | None = None
        self._since = 0.0
        self._doing = ""

    def __enter__(self) -> "TerminalLabeller":
        by_keys = has_keys(self._stdin, self._output)
        # The main thread makes the terminal as it was, however the `with` ends: a daemon thread may not get to it.
        read_key = self._cleanup.enter_context(single_keys(self._stdin)) if by_keys else None
        self._thread = threading.Thread(target=self._run, args=(read_key,), name="labelling terminal", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._session.finished:
            self._thread.join(1.0)  # it has yet to show the report
        self._closing.set()
        self._thread.join(1.0)  # no longer: it may wait for a line that never comes
        self._cleanup.close()

    def _run(self, read_key: ReadKey | None) -> None:
        try:
            while not (self._closing.is_set() or self._session.finished):
                question = self._session.current()
                if question is None:
                    self._wait(read_key)
                    continue
                if question is not self._shown:
                    self._introduce(question, moving=read_key is not None)
                if read_key is None:
                    self._do(self._read_line())
                else:
                    self._play(question, read_key)
        except EOFError:
            self._session.leave("The input has ended, so nobody answers any more.")
        if self._session.finished:  # the report is said by who made it
            self._say("\r\x1b[KFinished. Thank you!" if read_key is not None else "Finished. Thank you!")
            self._session.farewell()

    def _wait(self, read_key: ReadKey | None) -> None:
        """While there is no question: say what the agent is doing; an answer can still be undone."""
        self._shown = None
        state = self._session.state()
        if read_key is None:
            if state["doing"] != self._doing:
                self._say(f"The agent: {state['doing']}")
            self._closing.wait(WAKE)
        else:
            share = "" if state["share"] is None else f", {state['share']:.0%}"
            self._say(f"\r\x1b[KThe agent: {state['doing']}{share}", end="")
            if read_key(WAKE) in ("u", "U"):
                self._say("")
                self._undo()
        self._doing = state["doing"]

    def _introduce(self, question: Question, moving: bool) -> None:
        state = self._session.state()
        pace = state["seconds_per_answer"]
        paced = "" if pace is None else f", {pace:.1f} s each, about {_in_words(state['seconds_left'])} left"
        returned = "" if state["true_return"] is None else f" True return now: {state['true_return']:.0f}."
        given, wanted = state["given"] + state["given_again"], state["wanted"] + state["wanted_again"]
        clear = "\r\x1b[K" if moving else ""  # what the agent was doing
        twice = f" ({state['wanted_again']} of them shown twice)" if state["wanted_again"] else ""
        self._say(f"{clear}{given} of {wanted} answered{twice}{paced}.{returned}")
        if state["goal"]:
            self._say(f"The goal: {state['goal']}")
        if not self._doing:
            self._say(f"Keys:\n{HELP}")
        if isinstance(question.a, Text):
            self._say(f"{state['asking']} (l, r, =, s, u, ?)\n\n{question.a.question}")
        else:
            self._say(f"{state['asking']} (l, r, =, s, u, ?; {speed_in_words(question.a.speed)})")
        self._shown, self._doing = question, "asking"
        a, b = question.a, question.b
        if isinstance(a, Text) or isinstance(b, Text):
            self._say("\n".join(f"  {side:<6} {text.answer}" for side, text in (("left:", a), ("right:", b))))  # type: ignore[union-attr]
        elif a.text:
            for index in range(1 if moving else PANELS):
                self._say(_beside(*(clip.text[index * (len(clip) - 1) // (PANELS - 1)] for clip in (a, b))))
        else:
            for side, clip in (("left", a), ("right", b)):
                self._folder.mkdir(parents=True, exist_ok=True)
                clip.save_gif(self._file(question, side))
                self._say(f"  {side}: {self._file(question, side)}")
        self._since = time.monotonic()

    def _play(self, question: Question, read_key: ReadKey) -> None:
        """Show the clips over and over until a key comes or there is another question, then do what the key says."""
        last_key = -GUARD
        while not self._closing.is_set() and self._session.current() is question:
            now = time.monotonic() - self._since
            wait = WAKE
            if isinstance(question.a, Clip) and isinstance(question.b, Clip):
                wait = min(WAKE, 1 / (question.a.frames_per_second * question.a.speed))
                if question.a.text:
                    a, b = (clip.text[_frame(clip, now)] for clip in (question.a, question.b))
                    picture = _beside(a, b)
                    height = picture.count("\n") + 1
                    self._say(f"\x1b[{height}A" + "\n".join(f"{line}\x1b[K" for line in picture.split("\n")))
            key = read_key(wait)
            if key is None:
                continue
            now = time.monotonic() - self._since
            meant, last_key = now - max(last_key, 0) >= GUARD, now
            if meant:
                return self._do(key.lower())
        return None

    def _read_line(self) -> str:
        self._say("> ", end="")
        line = self._stdin.readline()
        if not line:
            raise EOFError
        return line.strip().lower()

    def _do(self, key: str) -> None:
        """What a key says about the question that is shown."""
        question, self._shown = self._shown, None  # whatever comes of it, the clips are shown afresh
        if key == "u":
            self._undo()
        elif key not in ANSWERS or question is None:
            self._say(HELP)
        else:
            self._answer(question, ANSWERS[key])

    def _answer(self, question: Question, preference: float | None) -> None:
        try:
            self._session.answer(question.number, preference, time.monotonic() - self._since)
        except (AlreadyAnswered, NotAsked):
            self._say("That question has been answered elsewhere.")
        except OSError as error:
            self._say(f"The answer could not be saved, so it does not count: {error}")
        else:
            self._say(f"{WORDS[preference]}: saved.")
            for side in ("left", "right"):
                with contextlib.suppress(OSError):  # a viewer may hold it open
                    self._file(question, side).unlink(missing_ok=True)

    def _undo(self) -> None:
        number = self._session.state()["undo"]
        try:
            if number is None:
                raise CannotUndo
            self._session.undo(number)
            self._say("Undone.")
        except CannotUndo:
            self._say("There is nothing to undo.")
        except OSError as error:
            self._say(f"The undoing could not be saved, so it does not count: {error}")

    def _file(self, question: Question, side: str) -> Path:
        return self._folder / f"question-{question.number}-{side}.gif"

    def _say(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=self._output, flush=True)


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _frame(clip: Clip, seconds: float) -> int:
    """Which frame to show so long after the clip began, looping, with a rest at the end."""
    loop = clip.seconds / clip.speed
    return min(len(clip) - 1, int(seconds % (loop + HOLD) / loop * len(clip)))


def _beside(a: str, b: str) -> str:
    """Two drawings side by side under their names, or one above the other where the terminal is too narrow."""
    left, right = a.split("\n"), b.split("\n")
    width = len(left[0])
    if shutil.get_terminal_size().columns < 2 * width + len(GAP):
        return "\n".join(["LEFT".center(width), *left, "RIGHT".center(width), *right])
    title = f"{'LEFT':^{width}}{GAP}{'RIGHT':^{width}}"
    return "\n".join([title, *(x + GAP + y for x, y in zip(left, right, strict=True))])
