"""A run that a room labels together, `main.py --labellers-may-join`, with people who answer over HTTP."""

import csv
import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from answering import Page, forked, lines_of, running
from conftest import go_on, train, type_command

import main
from workshop.records.comparisons_from import read_record

SMALL = ["--solution", "--oracle", "human", "--labellers-may-join", "--no-open-page", "--total-timesteps", "1600"]
SMALL += ["--iterations", "4", "--n-envs", "2", "--comparisons", "24", "--fragment-length", "5", "--no-pictures"]
NAMES = ("Ada", "Bob", "Christopher")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def small(path: Path, *arguments: str) -> list[str]:
    """A run with a port of its own, where the tests beside it have others."""
    return [*SMALL, "--runs-dir", str(path), "--port", str(free_port()), *arguments]


def join(page: Page, name: str) -> Page:
    """Somebody of this name, once the first questions are there."""
    while page.get("front/state")["doing"] != "waiting for your answers":
        time.sleep(0.02)
    person = Page(page.address)
    person.post("join", name=name)
    return person


def label_together(people: Sequence[Page], until: Callable[[int], bool], preference: Callable[[int], float]) -> dict:
    """All answer in turns, until the run is over or `until` says so of how many were acknowledged: who gave which."""
    acknowledged: dict[int, str] = {}
    while not until(len(acknowledged)):
        states = [person.state() for person in people]
        if all(state["finished"] for state in states):
            for person in people:
                person.post("farewell")
            break
        for person, state in zip(people, states, strict=True):
            if state["question"] is not None and not until(len(acknowledged)):
                number = state["question"]["number"]
                person.post("answer", number=number, preference=preference(number), seconds=1.5)
                assert number not in acknowledged
                acknowledged[number] = state["person"]
        time.sleep(0.02)
    return acknowledged


@pytest.mark.endurance
def test_a_room_teaches_one_agent_and_the_record_says_who_answered_what(tmp_path: Path):
    with running(*small(tmp_path)) as (process, page, said):
        people = [join(page, name) for name in NAMES]
        given = label_together(people, lambda count: False, lambda number: number % 2)
        output, _ = process.stdout.read(), process.wait(timeout=300)
    assert process.returncode == 0, said
    result = json.loads(output.splitlines()[-1])
    assert (result["comparisons"], set(given.values())) == (24, set(NAMES))
    run = Path(result["run"])
    assert {line["comparison"]: line["labeller"] for line in lines_of(run)} == given
    record = read_record(run)
    assert (len(record), set(record.labellers)) == (24, set(NAMES))
    assert any("3 people answered: " in line for line in said)
    command = [f"--comparisons-from={run}", "--align-to", "Christopher", *SMALL[5:11], "--fragment-length=5"]
    learned = type_command("main.py", "--solution", "--no-pictures", f"--runs-dir={tmp_path / 'later'}", *command)
    assert learned.returncode == 0, learned.stderr


def what_was_learned(run: Path) -> tuple[list[dict], dict[str, bytes]]:
    with (run / "progress.csv").open(newline="", encoding="utf-8") as file:
        rows = [{name: cell for name, cell in row.items() if name != "seconds"} for row in csv.DictReader(file)]
    return rows, {path.name: path.read_bytes() for path in (run / "fragments").iterdir()}


@pytest.mark.endurance
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed by POSIX signals here")
def test_killed_the_room_goes_on_without_joining_anew_and_as_if_nothing_had_happened(tmp_path: Path):
    kills = 12
    (tmp_path / "killed").mkdir()
    arguments = small(tmp_path / "killed" / "runs")
    acknowledged: dict[int, str] = {}
    run, people = None, []
    for _ in range(kills):
        start = partial(train, arguments) if run is None else partial(go_on, run)
        with forked(start, tmp_path) as page:
            people = people or [join(page, name) for name in NAMES]
            each = 24 // (kills + 1)
            acknowledged |= label_together(people, lambda count, each=each: count == each, lambda number: number % 2)
        (run,) = (tmp_path / "killed" / "runs").iterdir()
        assert acknowledged == {line["comparison"]: line["labeller"] for line in lines_of(run)}
    with running("--resume", str(run)) as (process, _, said):
        acknowledged |= label_together(people, lambda count: False, lambda number: number % 2)
        process.wait(timeout=300)
    assert process.returncode == 0, said
    assert acknowledged == {line["comparison"]: line["labeller"] for line in lines_of(run)}
    with running(*small(tmp_path / "whole")) as (process, page, _):
        label_together([join(page, name) for name in NAMES], lambda count: False, lambda number: number % 2)
        process.wait(timeout=300)
    (whole,) = (tmp_path / "whole").iterdir()
    assert what_was_learned(run) == what_was_learned(whole)


def test_a_room_is_asked_for_more_at_an_address_that_stays_the_same():
    config = main.program.read_config(["--oracle", "human", "--labellers-may-join"])
    assert (config.preferences.comparisons, config.labelling.port, config.labelling.ask_again) == (120, 8421, 0)
    typed = ["--oracle", "human", "--labellers-may-join", "--comparisons", "30", "--port", "8000"]
    config = main.program.read_config(typed)
    assert (config.preferences.comparisons, config.labelling.port) == (30, 8000)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--labellers-may-join lets people join on a page, and --oracle synthetic has none; add --oracle human."),
        (["--oracle", "terminal"], "--oracle terminal has none; add --oracle human."),
        (["--oracle", "human", "--labeller", "Ada"], "leave one of them out."),
        (["--oracle", "human", "--ask-again", "2"], "leave one of them out."),
        (["--oracle", "human", "--align-to", "turns"], "who will join a room is not known yet"),
    ],
)
@pytest.mark.parametrize("program", ["main.py", "llm.py"])
def test_flags_that_do_not_go_with_it_are_refused_before_anything_runs(
    tmp_path: Path, program: str, arguments: list[str], words: str
):
    typed = [program, "--solution", "--labellers-may-join", *arguments, "--runs-dir", str(tmp_path / "runs")]
    process = type_command(*typed)
    assert (process.returncode, process.stdout) == (2, "")
    assert words in process.stderr
    assert len(process.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()
