"""The labelling page in a real browser, as a person uses it."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from browser import Browser
from fake_training import picture_of, train
from labelled_page import GUARD, await_question, is_visible, needs_browser, preferences, questions

from workshop.labelling.server import LabellingServer
from workshop.labelling.session import Answer, LabellingSession

pytest_plugins = ["page_fixtures"]
pytestmark = needs_browser


@pytest.mark.endurance
def test_a_whole_session_by_keyboard(browser: Browser):
    recorded: list[Answer] = []
    session = LabellingSession(recorded.append, 5)
    with closing(LabellingServer(session)) as server:
        browser.open(server.address)
        browser.until(lambda: browser.text("heading") == "Waiting for the agent", "not waiting")
        arguments = (session, questions(6), 3, 1.0, picture_of("the learned reward"))
        trainer = threading.Thread(target=train, args=arguments, daemon=True)
        trainer.start()

        await_question(browser, 0)
        assert browser.text("heading") == "Which clip is better?"
        browser.press("→")
        await_question(browser, 1)
        browser.press("u")
        await_question(browser, 0)
        browser.press("←")
        await_question(browser, 1)
        assert browser.text("given") == "1 of 5"
        assert browser.text("status") == "Left is better: saved. Question 2 of 5."
        browser.press("=")
        await_question(browser, 2)
        assert "token" not in browser.driver.current_url
        browser.driver.refresh()
        await_question(browser, 2)
        browser.press("s")
        browser.until(lambda: "training" in browser.text("doing"), "the agent does not train")
        assert browser.text("heading") == "Waiting for the agent"
        await_question(browser, 3)
        assert is_visible(browser, "plot")
        assert is_visible(browser, "agent")
        for number, key in ((3, "↑"), (4, "→"), (5, "←")):
            await_question(browser, number)
            browser.press(key)
        browser.until(lambda: browser.text("heading") == "Finished. Thank you!", "not finished")
        assert session.wait_for_farewell(5)
        browser.run("document.querySelector('details').open = true")
        assert "left preferred\n50 %" in browser.text("report")
        assert browser.messages() == []
        own = urlsplit(server.address).netloc
        assert {urlsplit(address).netloc for address in browser.addresses()} == {own}
    first = [(0, 1.0, False), (0, 1.0, True), (0, 0.0, False), (1, 0.5, False), (2, None, False)]
    assert preferences(recorded) == [*first, (3, 0.5, False), (4, 1.0, False), (5, 0.0, False)]
    assert all(GUARD / 2 < answer.seconds < 5 for answer in recorded)


def test_a_key_that_is_held_or_pressed_twice_answers_once(
    browser: Browser, session: LabellingSession, server: LabellingServer, recorded: list[Answer]
):
    session.ask(questions(5))
    browser.open(server.address)
    await_question(browser, 0)
    browser.press("←", held=12)
    await_question(browser, 1)
    browser.run("""
        const press = () => document.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
        press(); press();
        new MutationObserver(press).observe(document.getElementById('asking'), { attributes: true });
    """)  # twice at once, and in the very moment in which the next question is there
    await_question(browser, 2)
    browser.element("equal").send_keys("")  # focuses it
    browser.press("↵", held=12)
    await_question(browser, 3)
    time.sleep(GUARD)
    assert preferences(recorded) == [(0, 0.0, False), (1, 1.0, False), (2, 0.5, False)]


def test_other_keys_do_nothing(
    browser: Browser, session: LabellingSession, server: LabellingServer, recorded: list[Answer]
):
    session.ask(questions(1))
    browser.open(server.address)
    await_question(browser, 0)
    for modifiers in (1, 2, 4):  # Alt, Ctrl, Meta: the browser's own
        browser.press("s", modifiers=modifiers)
    for key in ("x", "u"):  # there is nothing to undo
        browser.press(key)
    browser.press("?")
    browser.until(lambda: is_visible(browser, "helping"), "no help")
    browser.press("s")  # read by nobody while the help is open
    browser.element("close-help").click()
    assert recorded == []
    browser.press("s")
    browser.until(lambda: recorded, "the page takes no answer after the help")


def test_tab_and_enter_reach_everything(
    browser: Browser, session: LabellingSession, server: LabellingServer, recorded: list[Answer]
):
    session.ask(questions(2))
    browser.open(server.address)
    await_question(browser, 0)
    reached = []
    for _ in range(9):
        browser.press("⇥")
        reached.append(browser.run("return document.activeElement.id"))
    wanted = ["prefer-left", "prefer-right", "equal", "skip", "undo", "replay", "pause", "slower", "faster"]
    assert reached == wanted
    browser.element("prefer-right").send_keys("")
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("↵")
    await_question(browser, 1)
    assert browser.run("return document.activeElement.id") == "prefer-right"  # ready for the next answer
    browser.press("↵")
    browser.until(lambda: browser.text("heading") == "Waiting for the agent", "not waiting")
    assert browser.run("return document.activeElement.id") == "prefer-right"  # which stays, dimmed
    assert preferences(recorded) == [(0, 1.0, False), (1, 1.0, False)]


@pytest.mark.parametrize("touch", [True, False])
def test_fingers_and_mice_do_the_same(
    touch: bool, browser: Browser, session: LabellingSession, server: LabellingServer, recorded: list[Answer]
):
    browser.look(width=360, height=740, touch=touch)
    session.ask(questions(5))
    browser.open(server.address)
    buttons = ("prefer-left", "prefer-right", "equal", "skip")
    for number, button in enumerate(buttons):
        await_question(browser, number)
        if touch:
            browser.tap(button)
        else:
            browser.element(button).click()
    await_question(browser, 4)
    browser.element("undo").click()
    await_question(browser, 3)
    expected = [(number, preference, False) for number, preference in enumerate([0.0, 1.0, 0.5, None])]
    assert preferences(recorded) == [*expected, (3, None, True)]


def test_another_tab_may_be_faster(
    browser: Browser, session: LabellingSession, server: LabellingServer, recorded: list[Answer]
):
    session.ask(questions(3))
    browser.open(server.address)
    await_question(browser, 0)
    session.answer(0, 1.0, 0.5)
    browser.press("←")  # the page has not noticed yet
    await_question(browser, 1)
    assert "in another tab perhaps" in browser.text("status")
    session.answer(1, 1.0, 0.5)
    await_question(browser, 2)  # it notices by itself, too
    assert preferences(recorded) == [(0, 1.0, False), (1, 1.0, False)]
    assert not is_visible(browser, "trouble")


def test_an_answer_that_is_not_saved_is_sent_again(browser: Browser):
    recorded: list[Answer] = []
    failures = [OSError(28, "No space left on device")]

    def record(answer: Answer) -> None:
        if failures:
            raise failures[-1]
        recorded.append(answer)

    def trouble_says(text: str) -> Callable[[], bool]:
        return lambda: text in browser.text("trouble")

    session = LabellingSession(record, 3)
    session.ask(questions(3))
    with closing(LabellingServer(session)) as server:
        browser.open(server.address)
        await_question(browser, 0)
        browser.press("←")
        browser.until(trouble_says("No space left on device. Your answer is not saved yet"), "no word of the full disk")
        browser.press("→")  # too late: the first answer is on its way
        failures.clear()
        await_question(browser, 1)
        assert not is_visible(browser, "trouble")
        browser.do("Network.enable")
        conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        browser.do("Network.emulateNetworkConditions", offline=True, **conditions)
        browser.press("→")
        browser.until(trouble_says("Connection lost, trying again"), "no word of the lost connection")
        browser.do("Network.emulateNetworkConditions", offline=False, **conditions)
        await_question(browser, 2)
        assert not is_visible(browser, "trouble")
    assert preferences(recorded) == [(0, 0.0, False), (1, 1.0, False)]
