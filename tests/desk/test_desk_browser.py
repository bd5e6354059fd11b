"""A person at the visitors' desk, in a real browser."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from answering import running
from browser import CHROMIUM, DRIVER, NO_BROWSER, Browser
from desk_runs import TINY_DESK

from workshop.language import as_words
from workshop.records.comparisons_from import read_record

KEYS = ["→", "←", "s", "=", *["→"] * 20]


@pytest.mark.endurance
@pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason=NO_BROWSER)
def test_a_whole_run_by_keyboard_in_a_browser(tmp_path: Path):
    """From the first question to a trained model, on a narrow screen, with undo, skip, equal and a reload."""
    browser = Browser()
    asked = ["--oracle", "human", "--no-open-page", "--ask-again", "1", "--labeller", "Ada"]

    def shown() -> str:
        return browser.element("asking").get_attribute("data-question")

    try:
        arguments = [*TINY_DESK, *asked, "--runs-dir", str(tmp_path)]
        with running(*arguments, hurry=False, program="llm.py") as (process, _, said):
            browser.look(360, 740)
            browser.open(next(line.split()[-1] for line in said if "http://" in line))
            answered, undone, read = "", False, {}
            while not browser.text("heading").startswith("Finished") and process.poll() is None:
                number = shown()
                if not number or number == answered or not browser.element("asking").is_displayed():
                    time.sleep(0.02)
                    continue
                if number == "1" and not undone:
                    browser.press("u")
                    answered, undone = "", True
                    browser.until(lambda: shown() == "0", "nothing undone")
                    continue
                if number == "2":
                    browser.driver.refresh()
                    browser.until(lambda: shown() == "2", "not there again")
                time.sleep(0.17)  # a key that comes sooner after a new question is not taken
                read[int(number)] = " ".join(browser.text(f"text-{part}") for part in ("question", "left", "right"))
                browser.press(KEYS[int(number)])
                answered = number
            told = browser.driver.find_element("tag name", "body").text
            browser.run("document.querySelector('details').open = true")
            report = browser.element("report").text
            assert browser.messages() == []
            output = process.stdout.read()
            assert process.wait(timeout=300) == 0, said
    finally:
        browser.driver.quit()
    run = Path(json.loads(output.splitlines()[-1])["run"])
    record = read_record(run)
    assert (len(record), record.times_undone) == (6, 1)
    assert record.skipped == 1
    assert {0.0, 0.5, 1.0} <= set(record.preferences)
    assert "Answers: 6" in report
    assert re.search(r"The gold score of its answers", told)
    assert (run / "policy.pt").exists()
    assert_recorded_as_read(run, read)


def assert_recorded_as_read(run: Path, read: dict[int, str]) -> None:
    """Each question in the record is what was on the page by its number: the visitor's question and both answers."""
    for line in map(json.loads, (run / "comparisons.jsonl").read_text(encoding="utf-8").splitlines()):
        with np.load(run / line["fragments"]) as arrays:
            question = arrays["observations_a"][line["row"], 0, :5].astype(np.int64)
            for tokens in (question, *(arrays[f"actions_{side}"][line["row"]] for side in "ab")):
                assert as_words(tokens) in " ".join(read[line["comparison"]].split())
