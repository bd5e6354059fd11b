"""`python llm.py --chat`: questions typed by a person, and the answers of both models side by side."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import Finished, type_command
from desk_runs import TINY_DESK

from workshop.desk.chat import chat
from workshop.language import as_words
from workshop.messages import RunError, UsageError

pytest_plugins = ["desk_fixtures"]


def test_both_models_answer_and_unknown_words_are_named(desk_run: Finished):
    _, directory = desk_run
    typed = "Where is the museum?\nwhere is the airport ?\nis it raining today?\nmuseum\n\nis the pool open ?\n"
    chatted = type_command("llm.py", "--chat", str(directory.parent), typed=typed)
    assert chatted.returncode == 0, chatted.stderr
    assert "the newest finished run in" in chatted.stderr
    assert "Nobody at the desk knows the word airport." in chatted.stderr
    assert "Nobody at the desk knows the words it, raining, today." in chatted.stderr
    assert "A question has 4 words and a question mark" in chatted.stderr
    header, *answers = chatted.stdout.splitlines()
    assert "SFT" in header
    assert "trained" in header
    assert answers  # to the one question before the empty line
    again = type_command("llm.py", "--chat", str(directory), typed="where is the museum ?\n")
    assert again.stdout == chatted.stdout


def test_a_person_in_the_terminal_is_asked_about_text(tmp_path: Path):
    flags = [*TINY_DESK, "--comparisons", "2", "--ask-again", "0", "--runs-dir", str(tmp_path)]
    finished = type_command("llm.py", *flags, "--oracle", "terminal", "--labeller", "Ada", typed="l\nr\n")
    assert finished.returncode == 0, finished.stderr
    assert "Which answer would you rather get?" in finished.stderr
    (run,) = tmp_path.iterdir()
    lines = [json.loads(line) for line in (run / "comparisons.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["labeller"], line["preference"]) for line in lines] == [("Ada", 0.0), ("Ada", 1.0)]
    for line in lines:
        with np.load(run / line["fragments"]) as arrays:
            assert as_words(arrays["observations_a"][line["row"], 0, :5].astype(np.int64)) in finished.stderr
            for side in "ab":
                assert as_words(arrays[f"actions_{side}"][line["row"]]) in " ".join(finished.stderr.split())
    assert json.loads(finished.stdout.splitlines()[-1])["comparisons"] == 2


def test_without_models_there_is_nobody_to_ask(desk_run: Finished, tmp_path: Path):
    run = Path(shutil.copytree(desk_run[1], tmp_path / "run"))
    (run / "policy.pt").write_bytes(b"no model")
    with pytest.raises(RunError, match=r"policy\.pt is damaged"):
        chat(run, 0)
    (run / "policy.pt").unlink()
    with pytest.raises(UsageError, match=r"there is no policy\.pt"):
        chat(run, 0)
