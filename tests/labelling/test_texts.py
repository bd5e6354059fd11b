"""Two texts are compared as two clips are: with the question above them."""

import io
from pathlib import Path

import pytest
from browser import Browser
from labelled_page import await_question, needs_browser, preferences

from workshop.labelling import Text
from workshop.labelling.server import LabellingServer
from workshop.labelling.session import Answer, LabellingSession, NotAsked, Question
from workshop.labelling.terminal import TerminalLabeller

pytest_plugins = ["page_fixtures"]
ASKED = "Where is the museum?"
QUESTION = Question(0, Text(ASKED, "Turn left."), Text(ASKED, "No idea."))
ASKING = "Which answer would you rather get?"


def session_of_texts(recorded: list[Answer]) -> LabellingSession:
    session = LabellingSession(recorded.append, 1, asking=ASKING)
    session.ask([QUESTION])
    return session


def test_texts_are_told_in_the_state_and_have_no_clips():
    session = session_of_texts([])
    state = session.state()
    assert state["asking"] == ASKING
    assert state["question"]["a"] == {"question": ASKED, "answer": "Turn left."}
    assert state["question"]["b"]["answer"] == "No idea."
    with pytest.raises(NotAsked):
        session.clip(0, "a")


def test_a_terminal_shows_the_question_above_two_texts(tmp_path: Path):
    recorded: list[Answer] = []
    session, output = session_of_texts(recorded), io.StringIO()
    with TerminalLabeller(session, tmp_path, io.StringIO("r\n"), output):
        session.wait([0])
    shown = output.getvalue()
    assert [shown.index(text) for text in (ASKING, ASKED, "Turn left.", "No idea.")] == sorted(
        shown.index(text) for text in (ASKING, ASKED, "Turn left.", "No idea.")
    )
    assert recorded[0].preference == 1.0
    assert not list(tmp_path.iterdir())  # no moving pictures


@needs_browser
def test_the_page_shows_texts(browser: Browser, recorded: list[Answer]):
    session = session_of_texts(recorded)
    server = LabellingServer(session)
    try:
        browser.open(server.address)
        await_question(browser, 0)
        assert browser.text("heading") == ASKING
        assert browser.text("text-question") == ASKED
        assert (browser.text("text-left"), browser.text("text-right")) == ("Turn left.", "No idea.")
        assert not browser.element("clip-left").is_displayed()
        assert browser.element("prefer-left").accessible_name == "Left is better: Turn left."
        browser.press("←")
        browser.until(lambda: recorded, "no answer")
        assert preferences(recorded) == [(0, 0.0, False)]
        assert browser.messages() == []
    finally:
        server.close()
