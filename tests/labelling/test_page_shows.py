"""What the labelling page shows in a real browser, to whom, and how it moves."""

import time
from contextlib import closing

import pytest
from browser import Browser
from fake_training import bar, picture_of
from labelled_page import BAR, await_question, is_visible, needs_browser, position, questions
from selenium.webdriver.common.by import By

from workshop.labelling.server import LabellingServer
from workshop.labelling.session import LabellingSession

pytest_plugins = ["page_fixtures"]
pytestmark = needs_browser


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


@pytest.mark.parametrize(("width", "height"), [(360, 740), (740, 360), (1280, 800)])
def test_nothing_is_cut_off(width: int, height: int, browser: Browser):
    session = LabellingSession(
        print, 100, given=(88, 0), goal="spin the pole, as fast as it will go", show_true_return=True
    )
    with closing(LabellingServer(session)) as server:
        browser.look(width=width, height=height, touch=width < 1000)
        browser.open(server.address)
        for seen, step in (
            ("doing-now", lambda: session.tell("rolling out", 0.5)),
            ("prefer-left", lambda: (session.ask(questions(2)), session.show(picture_of("plot"), bar(2), 123.0))),
            ("ended", lambda: session.finish({"agreement with the synthetic oracle": "80 %"})),
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
    session = LabellingSession(print, 40, given=(3, 0), goal="spin the pole")
    with closing(LabellingServer(session)) as server:
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
        assert browser.text("heading") == "Which clip is better?"
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
        assert named["Plot of the learned reward, over what it depends on most"] in ("image", "img")
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


def test_an_old_address_is_explained(browser: Browser, server: LabellingServer):
    browser.driver.delete_all_cookies()
    browser.open(server.address[:-5])
    assert "Open the address that the program printed" in browser.driver.page_source
