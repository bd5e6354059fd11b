"""The labelling page in a real browser: what tests of it ask for."""

import time

import pytest
from browser import CHROMIUM, DRIVER, NO_BROWSER, Browser
from fake_training import bar

from workshop.labelling.session import Answer, Question

GUARD = 0.16  # seconds: the page takes no answer sooner after a new question
needs_browser = pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason=NO_BROWSER)

BAR = """
const canvas = document.getElementById(arguments[0] || '%s');
const { data } = canvas.getContext('2d').getImageData(0, canvas.height / 2, canvas.width, 1);
for (let x = 0; x < canvas.width; x += 1) if (data[4 * x] < 128) return x;
return -1;
"""  # where the moving bar begins, in pixels from the left


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


def position(browser: Browser, canvas: str) -> int:
    return browser.run(BAR % canvas)
