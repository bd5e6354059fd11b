"""The labelling page in a real browser: what comes before the first question and after the last, and several people."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from fake_training import bar, picture_of
from labelled_page import await_question, is_visible, needs_browser, questions
from selenium.webdriver.common.by import By

from workshop.labelling.people import People
from workshop.labelling.questions import Answer, Question
from workshop.labelling.server import LabellingServer
from workshop.labelling.session import LabellingSession

pytest_plugins = ["page_fixtures"]
pytestmark = [needs_browser, pytest.mark.endurance]

SCREENS = [(1280, 800, False), (375, 812, True)]
BOXES = """
const ids = ['heading', 'goal', 'prefer-left', 'prefer-right', 'clip-left', 'equal', 'skip', 'undo', 'help'];
return Object.fromEntries(ids.map((id) => {
  const { left, top, width, height } = document.getElementById(id).getBoundingClientRect();
  return [id, [left, top, id === 'heading' ? 0 : width, height]]; // which says other things
}));
"""
FITS = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def second() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.driver.quit()


def test_what_to_judge_by_is_asked_for_and_then_shown(browser: Browser):
    goals: list[str] = []
    session = LabellingSession(print, 5, needs_goal=True, record_goal=goals.append)
    session.ask(questions(2))
    with closing(LabellingServer(session)) as server:
        for width, height, touch in SCREENS:
            browser.look(width, height, touch)
            browser.open(server.address)
            browser.until(lambda: is_visible(browser, "goal-text"), "nothing to type into")
            assert browser.text("heading") == "What shall the agent learn?"
            assert not is_visible(browser, "asking")
            assert browser.run(FITS)
        browser.element("goal-text").send_keys("   ")
        browser.driver.find_element(By.CSS_SELECTOR, "#goal-form button").click()
        assert goals == []
        browser.element("goal-text").send_keys("spin, u s → ?")  # keys that mean something elsewhere
        browser.driver.find_element(By.CSS_SELECTOR, "#goal-form button").click()
        await_question(browser, 0)
        assert browser.text("goal") == "The goal: spin, u s → ?"
        assert goals == ["spin, u s → ?"]
        assert browser.messages() == []


@pytest.mark.parametrize(("width", "height", "touch"), SCREENS)
def test_the_end_shows_the_film_and_what_came_of_it(browser: Browser, width: int, height: int, touch: bool):
    session = LabellingSession(print, 2)
    session.ask(questions(1))
    told = ["Your agent has learned it: watch what it does now.", "You were consistent in 3 of 3 pairs.", "Next, more."]
    with closing(LabellingServer(session)) as server:
        browser.look(width, height, touch)
        browser.open(server.address)
        await_question(browser, 0)
        browser.press("←")
        session.show(picture_of("the learned reward"), bar(2))
        session.finish("Answers: 1.", told)
        browser.until(lambda: browser.text("heading") == "Finished. Thank you!", "no end")
        assert session.wait_for_farewell(5)
        assert [each for each in browser.text("told").split("\n") if each] == told
        assert browser.text("status") == ""  # "Left is better: saved." does not stay
        assert all(is_visible(browser, each) for each in ("agent", "plot"))
        for gone in ("asking", "undo", "report"):
            assert not is_visible(browser, gone), gone
        browser.driver.find_element(By.TAG_NAME, "summary").click()
        assert browser.text("report") == "Answers: 1."
        assert browser.run(FITS)
        assert browser.messages() == []


@pytest.mark.parametrize(("width", "height", "touch"), SCREENS)
def test_nothing_jumps(browser: Browser, width: int, height: int, touch: bool):
    """Whatever the clips' shapes, the agent's doings and the counts."""
    session = LabellingSession(print, 100, goal="Keep the pole upright")
    shapes = [((40, 60), (40, 60)), ((60, 60), (60, 60)), ((20, 60), (20, 60)), ((50, 80), (50, 80))]
    asked = [Question(n, bar(1, size=a), bar(2, size=b)) for n, (a, b) in enumerate(shapes)]
    boxes: dict[str, Any] = {}
    with closing(LabellingServer(session)) as server:
        browser.look(width, height, touch)
        session.ask(asked[:1])
        browser.open(server.address)
        for number, (doing, share) in enumerate(
            [
                ("waiting for your answers", None),
                ("training", 0.3),
                ("learning from your answers", None),
                ("training", 1),
            ]
        ):
            session.tell(doing, share)
            await_question(browser, number)
            browser.until(lambda doing=doing: doing in browser.text("doing"), "not told")
            boxes[f"question {number}"] = browser.run(BOXES)
            browser.press("→")
            browser.until(lambda: "Waiting" in browser.text("heading"), "not waiting")
            boxes[f"waiting after {number}"] = browser.run(BOXES)
            session.ask(asked[number + 1 : number + 2])
    first = boxes["question 0"]
    for when, others in boxes.items():
        assert others == first, when


def join(browser: Browser, server: LabellingServer, name: str) -> None:
    browser.open(server.address)
    browser.until(lambda: browser.driver.find_elements(By.ID, "name"), "nothing to join on")
    browser.element("name").send_keys(name)
    browser.driver.find_element(By.CSS_SELECTOR, "#join-form button").click()


def test_two_join_a_room_and_are_asked_different_questions(browser: Browser, second: Browser, tmp_path: Path):
    recorded: list[Answer] = []
    session = LabellingSession(recorded.append, 20, goal="Keep the pole upright")
    session.ask(questions(4))
    with closing(LabellingServer(session, people=People(tmp_path, lambda: 0))) as server:
        browser.driver.delete_all_cookies(), second.driver.delete_all_cookies()
        second.look(375, 812, touch=True)
        join(browser, server, "Ada")
        await_question(browser, 0)
        join(second, server, "Ada")  # somebody has that name
        second.until(lambda: is_visible(second, "trouble"), "not refused")
        assert second.text("trouble").endswith("Somebody here has that name already; choose another one.")
        assert second.run(FITS)
        second.element("name").clear()
        second.element("name").send_keys("Bob")
        second.driver.find_element(By.CSS_SELECTOR, "#join-form button").click()
        await_question(second, 1)
        assert second.text("own") == "Bob\n0"
        second.tap("prefer-right")
        await_question(second, 2)
        browser.press("←")
        await_question(browser, 3)
        browser.press("u")
        await_question(browser, 0)
        assert [(answer.number, answer.labeller, answer.undone) for answer in recorded] == [
            (1, "Bob", False), (0, "Ada", False), (0, "Ada", True),
        ]  # fmt: skip
        browser.driver.refresh()
        await_question(browser, 0)  # without joining anew
        second.open(server.room.front)
        second.until(lambda: second.text("count") == "2", "nobody on the screen for the front")
        assert second.text("people").split("\n")[:2] == ["Bob", "1"]
        assert second.run("return document.getElementById('code').naturalWidth") > 0
        assert second.text("address") == server.address
        assert second.run(FITS)
        assert second.run("return location.search") == ""  # the address bar is on the projector
        refused = [each for each in second.messages() if "409" not in each]
        assert (browser.messages(), refused) == ([], [])
