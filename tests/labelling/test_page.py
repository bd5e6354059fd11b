"""The labelling page in a real browser, as a person uses it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from browser import CHROMIUM, DRIVER, NO_BROWSER, Browser
from fake_training import bar, picture_of, train
from selenium.webdriver.common.by import By

from workshop.labelling.server import LabellingServer, start
from workshop.labelling.session import Answer, LabellingSession, Question

pytestmark = pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason=NO_BROWSER)

GUARD = 0.16  # seconds: the page takes no answer sooner after a new question
BAR = """
const canvas = document.getElementById(arguments[0] || '%s');
const { data } = canvas.getContext('2d').getImageData(0, canvas.height / 2, canvas.width, 1);
for (let x = 0; x < canvas.width; x += 1) if (data[4 * x] < 128) return x;
return -1;
"""  # where the moving bar begins, in pixels from the left
CONTRASTS = """
const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
const luminance = (colour) => {
  const [r, g, b] = rgb(colour).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const backOf = (node) => {
  for (; node; node = node.parentElement) {
    const back = getComputedStyle(node).backgroundColor;
    if (rgb(back)[3] !== 0) return back;
  }
};
const found = {};
for (const node of document.querySelectorAll('body *')) {
  const own = [...node.childNodes].filter((child) => child.nodeType === 3).map((child) => child.data.trim()).join('');
  if (!own || !node.checkVisibility() || node.closest('[aria-disabled=true]') || node.tagName === 'KBD') continue;
  const [a, b] = [luminance(getComputedStyle(node).color), luminance(backOf(node))].sort((x, y) => y - x);
  found[own] = (a + 0.05) / (b + 0.05);
}
return found;
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.driver.quit()


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    chromium.look()
    return chromium


@pytest.fixture
def recorded() -> list[Answer]:
    return []


@pytest.fixture
def session(recorded: list[Answer]) -> LabellingSession:
    return LabellingSession(recorded.append, 6, undo_seconds=0)


@pytest.fixture
def server(session: LabellingSession) -> Iterator[LabellingServer]:
    server = start(session)
    yield server
    server.close()


def questions(n: int) -> list[Question]:
    return [Question(number, bar(2, frames=20), bar(1, frames=20)) for number in range(n)]


def await_question(browser: Browser, number: int) -> None:
    browser.until(
        lambda: browser.element("asking").get_attribute("data-question") == str(number), f"no question {number}"
    )
    time.sleep(GUARD)


def preferences(recorded: list[Answer]) -> list[tuple[int, float | None, bool]]:
    return [(answer.number, answer.preference, answer.undone) for answer in recorded]


def is_visible(browser: Browser, identity: str) -> bool:
    return browser.element(identity).is_displayed()


def test_a_whole_session_by_keyboard(browser: Browser):
    recorded: list[Answer] = []
    session = LabellingSession(recorded.append, 5, undo_seconds=0.3)
    with closing(start(session)) as server:
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
        assert "left preferred\n50 %" in browser.text("report")
        assert browser.messages() == []
        own = urlsplit(server.address).netloc
        assert {urlsplit(address).netloc for address in browser.addresses()} == {own}
    assert preferences(recorded) == [
        (0, 1.0, False),
        (0, 1.0, True),
        (0, 0.0, False),
        (1, 0.5, False),
        (2, None, False),
        (3, 0.5, False),
        (4, 1.0, False),
        (5, 0.0, False),
    ]
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
    assert browser.run("return document.activeElement.id") == "heading"  # what had the focus is gone
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


@pytest.mark.parametrize(("width", "height"), [(360, 740), (740, 360), (1280, 800)])
def test_nothing_is_cut_off(width: int, height: int, browser: Browser):
    session = LabellingSession(print, 100, given=88, goal="spin the pole, as fast as it will go", show_true_return=True)
    with closing(start(session)) as server:
        browser.look(width=width, height=height, touch=width < 1000)
        browser.open(server.address)
        for seen, step in (
            ("doing-now", lambda: session.tell("rolling out", 0.5)),
            ("prefer-left", lambda: (session.ask(questions(2)), session.show(picture_of("plot"), bar(2), 123.0))),
            ("report", lambda: session.finish({"agreement with the synthetic oracle": "80 %"})),
        ):
            step()
            browser.until(lambda seen=seen: is_visible(browser, seen), f"no {seen}")
            assert browser.run("return document.documentElement.scrollWidth") <= width
            for button in browser.driver.find_elements(By.TAG_NAME, "button"):
                if button.is_displayed():
                    box = button.rect
                    assert box["x"] >= 0, button.text
                    assert box["x"] + box["width"] <= width, button.text
                    assert min(box["width"], box["height"]) >= 40, button.text  # large enough for a finger


def test_what_is_always_visible(browser: Browser):
    session = LabellingSession(print, 40, given=3, goal="spin the pole", undo_seconds=0)
    with closing(start(session)) as server:
        session.ask(questions(4))
        session.tell("training", 0.42)
        session.show(None, None, true_return=123.0)
        session.current()
        session.answer(0, 0.0, 10.0)
        browser.open(server.address)
        await_question(browser, 1)
        shown = {name: browser.text(name) for name in ("given", "left", "pace", "time-left", "doing", "goal")}
        assert shown == {
            "given": "4 of 40",
            "left": "36",
            "pace": "10.0 s",
            "time-left": "≈ 6 min",
            "doing": "training, 42 %",
            "goal": "The goal: spin the pole",
        }
        assert browser.text("heading") == "Which clip is closer to the goal?"
        assert browser.element("share").get_attribute("value") == "0.42"
        assert not is_visible(browser, "true-return")
        assert "36 left" in browser.driver.title


def test_screen_readers_have_names_for_everything(browser: Browser, session: LabellingSession, server: LabellingServer):
    session.ask(questions(2))
    session.show(picture_of("plot"), bar(2))
    session.tell("training", 0.5)
    for width in (1280, 360):
        browser.look(width=width)
        browser.open(server.address)
        await_question(browser, 0)
        browser.until(lambda: is_visible(browser, "agent-play"), "no clip of the agent")
        named = {
            element.accessible_name: element.aria_role
            for element in browser.driver.find_elements(By.CSS_SELECTOR, "button, progress, img, canvas[role], output")
            if element.is_displayed()
        }
        buttons = ["Left is better", "Right is better", "Equally good", "Skip", "Undo the last answer", "Replay"]
        buttons += ["Pause", "Slower", "Faster", "Help"]
        assert {name: named.get(name) for name in buttons} == dict.fromkeys(buttons, "button")
        assert named["How much of this the agent has done"] == "progressbar"
        assert named["The agent's latest clip"] in ("image", "img")
        assert named["Plot of the learned reward's story, iteration by iteration"] in ("image", "img")
    assert browser.element("status").aria_role == "status"  # read out when it changes
    assert browser.driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    assert browser.element("undo").get_attribute("aria-disabled") == "true"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(
    scheme: str, browser: Browser, session: LabellingSession, server: LabellingServer
):
    browser.look(prefers_color_scheme=scheme)
    session.ask(questions(2))
    browser.open(server.address)
    await_question(browser, 0)
    browser.run("""
        document.getElementById('prefer-left').classList.add('picked');
        document.getElementById('trouble').hidden = false;
        document.getElementById('trouble').textContent = 'trouble';
    """)
    contrasts = browser.run(CONTRASTS)
    assert {"trouble", "is better", "Which clip is better?", "Help"} <= contrasts.keys()
    assert {text: contrast for text, contrast in contrasts.items() if contrast < 4.5} == {}


def position(browser: Browser, canvas: str) -> int:
    return browser.run(BAR % canvas)


def test_clips_loop_in_step_at_a_speed_that_can_be_changed(
    browser: Browser, session: LabellingSession, server: LabellingServer
):
    session.ask(questions(1))  # the bar on the left moves 2 pixels a frame, the other 1
    browser.open(server.address)
    await_question(browser, 0)
    assert browser.text("speed") == "⅛ speed"
    seen = set()

    def has_looped() -> bool:
        both = browser.run(f"return [(() => {{{BAR % 'clip-left'}}})(), (() => {{{BAR % 'clip-right'}}})()]")
        seen.add(tuple(both))
        return len(seen) > 10 and both == [0, 0]

    browser.until(has_looped, "the clips do not loop")
    assert all(left == 2 * right for left, right in seen)
    browser.press(",")
    assert browser.text("speed") == "1/16 speed"
    for key in "...":
        browser.press(key)
    assert browser.text("speed") == "½ speed"
    browser.press("p")
    before = position(browser, "clip-left")
    time.sleep(0.3)
    assert position(browser, "clip-left") == before
    assert browser.element("pause").accessible_name == "Play"
    for _ in range(5):
        browser.element("slower").click()
    browser.press("r")
    assert position(browser, "clip-left") == 0
    assert browser.element("pause").accessible_name == "Pause"


def test_nothing_moves_by_itself_where_motion_is_unwelcome(
    browser: Browser, session: LabellingSession, server: LabellingServer
):
    browser.look(prefers_reduced_motion="reduce")
    session.ask(questions(1))
    session.show(None, bar(2))
    browser.open(server.address)
    await_question(browser, 0)
    time.sleep(0.4)
    assert [position(browser, canvas) for canvas in ("clip-left", "clip-right", "agent")] == [0, 0, 0]
    assert browser.element("pause").accessible_name == "Play"
    browser.press("r")
    browser.until(lambda: position(browser, "clip-left") > 0, "it does not play when asked to")
    browser.press(".")
    browser.press(".")
    browser.press(".")
    browser.until(lambda: browser.element("pause").accessible_name == "Play", "it does not stop after playing once")


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
    with closing(start(session)) as server:
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


def test_an_old_address_is_explained(browser: Browser, server: LabellingServer):
    browser.driver.delete_all_cookies()
    browser.open(server.address[:-5])
    assert "Open the address that the program printed" in browser.driver.page_source
