"""`python llm.py --chat`: questions typed by a person, and the answers of both models side by side."""

import shutil
from pathlib import Path

import pytest
from conftest import Finished, type_command

from workshop.desk.chat import chat
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


def test_without_models_there_is_nobody_to_ask(desk_run: Finished, tmp_path: Path):
    run = Path(shutil.copytree(desk_run[1], tmp_path / "run"))
    (run / "policy.pt").write_bytes(b"no model")
    with pytest.raises(RunError, match=r"policy\.pt is damaged"):
        chat(run, 0)
    (run / "policy.pt").unlink()
    with pytest.raises(UsageError, match=r"there is no policy\.pt"):
        chat(run, 0)
