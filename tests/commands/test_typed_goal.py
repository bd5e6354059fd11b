"""A goal that is typed on the page, where nobody knows one, is the run's, as if `--goal` had given it."""

import json
import os
from functools import partial
from pathlib import Path

import pytest
from answering import SMALL, forked, label, running
from conftest import go_on, progress, train, type_command

from workshop.records.comparisons_from import read_record
from workshop.records.untrusted import read_config

TAXING = [*SMALL, "--env", "Pendulum-v1", "--query", "uniform", "--total-timesteps", "2400", "--comparisons", "6"]
GOAL = "spin the pendulum"


@pytest.fixture(autouse=True)
def _nobody_knows_what_to_judge_by(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workshop.labelling.known_goals.SENTENCES", {})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed by POSIX signals here")
def test_it_is_on_record_before_it_is_acknowledged_and_kept_by_a_run_that_goes_on(tmp_path: Path):
    arguments = [*TAXING, "--runs-dir", str(tmp_path / "runs")]
    with forked(partial(train, arguments), tmp_path) as page:
        assert page.state()["needs_goal"]
        assert page.post("goal", goal=f"  {GOAL} ")["goal"] == GOAL
    (run,) = (tmp_path / "runs").iterdir()
    assert (run / "goal.txt").read_text() == f"{GOAL}\n"
    with forked(partial(go_on, run), tmp_path) as page:
        state = page.state()
        assert (state["goal"], state["needs_goal"]) == (GOAL, False)
        label(page, lambda count: count == 3)
    with running("--resume", str(run)) as (process, page, said):
        label(page, lambda count: False)
        output, _ = process.stdout.read(), process.wait(timeout=300)
    assert process.returncode == 0, said
    assert json.loads(output.splitlines()[-1])["solved"] is None
    assert read_record(run).goals == (GOAL,)


@pytest.mark.endurance
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed by POSIX signals here")
def test_it_counts_at_once_for_all_that_is_told(tmp_path: Path):
    runs = []
    asked_in_turn = ["--ask-ahead", "0"]  # what is asked ahead is chosen anew unless it has been seen: how fast one is
    for name, flags in (("typed", []), ("given", ["--goal", GOAL])):
        start = partial(train, [*TAXING, *asked_in_turn, *flags, "--runs-dir", str(tmp_path / name)])
        with forked(start, tmp_path) as page:
            if not flags:
                page.post("goal", goal=GOAL)
            label(page, lambda count: False)
        runs.append(next((tmp_path / name).iterdir()))
    results = [json.loads((run / "result.json").read_text()) for run in runs]
    assert [result["solved"] for result in results] == [None, None]
    rows = [[row | {"seconds": ""} for row in progress(run)] for run in runs]
    assert rows[0] == rows[1]
    assert [read_config(run)["goal"] for run in runs] == [GOAL, GOAL]
    learned = [
        "--env",
        "Pendulum-v1",
        "--fragment-length",
        "5",
        "--total-timesteps",
        "1200",
        "--iterations",
        "2",
        "--n-envs",
        "2",
    ]
    both = type_command("main.py", *learned, "--solution", "--no-pictures", "--runs-dir", str(tmp_path / "later"),
                        "--comparisons-from", *map(str, runs))  # fmt: skip
    assert both.returncode == 0, both.stderr
    assert read_config(next((tmp_path / "later").iterdir()))["goal"] == GOAL
