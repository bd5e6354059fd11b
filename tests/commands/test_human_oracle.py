"""Training on a person's answers: `main.py --oracle human` with somebody who answers over HTTP, as the page does."""

import json
import os
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from answering import SMALL, forked, in_a_hurry, label, lines_of, running
from browser import CHROMIUM, DRIVER, NO_BROWSER, Browser
from conftest import go_on, train, type_command

from workshop.records.comparisons_from import read_record


def test_a_run_learns_from_a_persons_answers(tmp_path: Path):
    with running(*SMALL, "--runs-dir", str(tmp_path), "--goal", "spin the pole") as (process, page, said):
        assert page.state()["goal"] == "spin the pole"
        assert page.state()["true_return"] is None
        given = label(page, lambda count: False, answer=lambda number: None if number == 1 else 1.0)
        output, _ = process.stdout.read(), process.wait(timeout=300)
    assert process.returncode == 0, said
    result = json.loads(output.splitlines()[-1])
    assert result["comparisons"] == 8
    assert len(given) == 8 + 1 + 2  # one was skipped, and two pairs were shown twice
    record = read_record(Path(result["run"]))
    assert set(record.labellers) == {"Ada"}
    assert record.skipped == 1
    np.testing.assert_array_equal(record.preferences, np.ones(8))
    np.testing.assert_array_equal(record.seconds, np.full(8, 1.5))
    assert len(record.repeats.first) == 2
    assert "Answers: 8, of them 0 equally good; skipped: 1; taken back: 0. Median time: 1.5 s an answer.\n" in said


def test_undone_answers_are_asked_again_and_the_record_is_only_added_to(tmp_path: Path):
    with running(*SMALL, "--runs-dir", str(tmp_path)) as (process, page, said):
        label(page, lambda count: count == 4, answer=lambda number: 0.0)  # the first have been learned from
        (lines,) = [(path / "comparisons.jsonl") for path in tmp_path.iterdir()]
        before = lines.read_bytes()
        for _ in range(4):
            number = page.state()["undo"]
            assert page.post("undo", number=number)["question"]["number"] == number
        assert number == 0
        label(page, lambda count: False, answer=lambda number: 1.0)
        process.wait(timeout=300)
    assert process.returncode == 0, said
    assert lines.read_bytes().startswith(before)
    record = read_record(lines.parent)
    assert record.times_undone == 4
    np.testing.assert_array_equal(record.preferences, np.ones(8))


@pytest.mark.endurance
@pytest.mark.parametrize(("kills", "comparisons", "per_fit"), [(1, 3, 1), (20, 22, 4)])
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed by POSIX signals here")
def test_killed_at_any_moment_every_acknowledged_answer_is_there_and_the_run_goes_on(
    tmp_path: Path, kills: int, comparisons: int, per_fit: int
):
    """Each kill some time after one answer, which is acknowledged just before or while it is killed."""
    rng = np.random.default_rng(0)
    asked = ["--comparisons", str(comparisons), "--comparisons-per-fit", str(per_fit)]
    arguments = [*SMALL, *asked, "--runs-dir", str(tmp_path / "runs")]
    acknowledged: dict[int, float] = {}
    run = None
    for _ in range(kills):
        start = partial(train, arguments) if run is None else partial(go_on, run)
        preference = float(rng.integers(0, 2))
        with forked(start, tmp_path) as page:
            (number,) = label(page, lambda count: count == 1, lambda number, p=preference: p)
            acknowledged[number] = preference
            time.sleep(rng.uniform(0, 0.3))
        (run,) = (tmp_path / "runs").iterdir()
        assert acknowledged == {line["comparison"]: line["preference"] for line in lines_of(run)}
    with running("--resume", str(run)) as (process, page, said):
        label(page, lambda count: False)
        process.wait(timeout=300)
    assert process.returncode == 0, said
    answers = {line["comparison"]: line["preference"] for line in lines_of(run)}
    assert acknowledged.items() <= answers.items()
    assert len(read_record(run)) == comparisons


def test_questions_come_while_the_agent_trains(tmp_path: Path):
    """A person looks at each pair for a while, during which the agent goes on."""
    doing, looked_since = [], time.monotonic()
    slow = ["--schedule", "constant", "--total-timesteps", "6000"]
    with running(*SMALL, *slow, "--runs-dir", str(tmp_path)) as (process, page, said):
        while not (state := page.state())["finished"]:
            time.sleep(0.01)
            if state["question"] is None:
                looked_since = time.monotonic()
                continue
            doing.append(state["doing"])
            if time.monotonic() > looked_since + 0.2:
                looked_since = time.monotonic()
                page.post("answer", number=state["question"]["number"], preference=1, seconds=0.1)
        page.post("farewell")
        process.wait(timeout=300)
    assert process.returncode == 0, said
    assert "training" in doing
    assert len(read_record(next(tmp_path.iterdir()))) == 8


def test_the_terminal_asks_the_same(tmp_path: Path):
    arguments = [argument if argument != "human" else "terminal" for argument in SMALL]
    process = type_command(*in_a_hurry(), *arguments, "--runs-dir", str(tmp_path), typed="l\nr\n=\ns\n" * 10)
    assert process.returncode == 0, process.stderr
    record = read_record(next(tmp_path.iterdir()))
    assert len(record) == 8
    assert record.skipped >= 1
    assert set(record.preferences) == {0.0, 0.5, 1.0}


def test_when_the_terminals_input_ends_the_run_says_how_to_go_on(tmp_path: Path):
    arguments = [argument if argument != "human" else "terminal" for argument in SMALL]
    process = type_command(*in_a_hurry(), *arguments, "--runs-dir", str(tmp_path), typed="l\nr\n")
    assert process.returncode == 1
    run = next(tmp_path.iterdir())
    assert f"python main.py --resume {run}" in process.stderr
    assert "Traceback" not in process.stderr
    assert [line["preference"] for line in lines_of(run)] == [0.0, 1.0]


# Clips


@pytest.mark.endurance
@pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason=NO_BROWSER)
def test_a_whole_run_by_keyboard_in_a_browser(tmp_path: Path):
    """From the first question to a trained agent, on a narrow screen, with undo, skip, equal and a reload."""
    browser = Browser()
    keys = ["→", "←", "s", "=", *["→"] * 20]
    try:
        with running(*SMALL, "--runs-dir", str(tmp_path), hurry=False) as (process, _, said):
            browser.look(360, 740)
            browser.open(next(line.split()[-1] for line in said if "http://" in line))
            answered, undone, count = "", False, 0
            while not browser.text("heading").startswith("Finished") and process.poll() is None:
                shown = browser.element("asking").get_attribute("data-question")
                if not shown or shown == answered or not browser.element("asking").is_displayed():
                    time.sleep(0.02)
                    continue
                if count == 1 and not undone:
                    browser.press("u")
                    answered, undone, count = "", True, 0
                    browser.until(
                        lambda: browser.element("asking").get_attribute("data-question") == "0", "nothing undone"
                    )
                    continue
                if count == 2:
                    browser.driver.refresh()
                    browser.until(
                        lambda n=shown: browser.element("asking").get_attribute("data-question") == n, "not there again"
                    )
                time.sleep(0.17)  # a key that comes sooner after a new question is not taken
                browser.press(keys[count])
                answered, count = shown, count + 1
            browser.run("document.querySelector('details').open = true")
            report = browser.element("report").text
            assert process.wait(timeout=300) == 0, said
    finally:
        browser.driver.quit()
    (run,) = tmp_path.iterdir()
    assert (run / "agent.zip").exists()
    record = read_record(run)
    assert (len(record), record.times_undone) == (8, 1)
    assert record.skipped >= 1
    assert {0.0, 0.5, 1.0} <= set(record.preferences)
    assert "Answers: 8" in report
