"""The export as typed."""

from pathlib import Path

import pytest
from conftest import ROOT, type_command
from made_up_records import MadeUpRecord, of_two_people, rows


@pytest.fixture
def records(tmp_path: Path) -> list[MadeUpRecord]:
    return of_two_people(tmp_path / "runs")


def test_an_export_as_typed(tmp_path: Path, records: list[MadeUpRecord]):
    runs = [str(record.path) for record in records]
    finished = type_command("export.py", *runs, "--output", str(tmp_path / "deep" / "out"), anew=True)
    assert (finished.returncode, finished.stdout) == (0, "")
    assert "3 pairs and 1 ties" in finished.stderr
    assert len(rows(tmp_path / "deep" / "out" / "comparisons.jsonl")) == 3


def test_a_refusal_as_typed_has_exit_code_2_and_no_traceback(tmp_path: Path):
    finished = type_command("export.py", str(tmp_path / "nowhere"), "--output", str(tmp_path / "out"))
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert len(finished.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_help_names_the_flags():
    finished = type_command("export.py", "--help", cwd=ROOT)
    assert finished.returncode == 0
    assert "--output" in finished.stdout
