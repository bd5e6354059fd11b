"""What an export writes, and what cannot be exported."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from made_up_records import ENV, MadeUpRecord, answered, of_two_people, rows

from workshop.messages import UsageError
from workshop.records.for_other_tools import export


@pytest.fixture
def records(tmp_path: Path) -> list[MadeUpRecord]:
    return of_two_people(tmp_path / "runs")


def fragment(record: MadeUpRecord, number: int, side: str) -> dict[str, list]:
    arrays = record.arrays(number)
    return {name: arrays[f"{name}_{side}"][0].tolist() for name in ("observations", "actions")}


def test_the_preferred_fragment_is_the_chosen_one(tmp_path: Path, records: list[MadeUpRecord]):
    ada, bob = records
    output = tmp_path / "out"
    export([tmp_path / "runs"], output)
    assert rows(output / "comparisons.jsonl") == [
        {"chosen": fragment(ada, 0, "a"), "rejected": fragment(ada, 0, "b"), "labeller": "Ada Ä|B"}
        | {"comparison": 0, "run": "x"},
        {"chosen": fragment(ada, 1, "b"), "rejected": fragment(ada, 1, "a"), "labeller": "Ada Ä|B"}
        | {"comparison": 1, "run": "x"},
        {"chosen": fragment(bob, 1, "b"), "rejected": fragment(bob, 1, "a"), "labeller": "bob"}
        | {"comparison": 1, "run": "y"},
    ]
    assert rows(output / "ties.jsonl") == [
        {"a": fragment(ada, 2, "a"), "b": fragment(ada, 2, "b"), "labeller": "Ada Ä|B", "comparison": 2, "run": "x"}
    ]


def test_numbers_come_back_exactly(tmp_path: Path, records: list[MadeUpRecord]):
    export([records[0].path], tmp_path / "out")
    chosen = rows(tmp_path / "out" / "comparisons.jsonl")[0]["chosen"]
    arrays = records[0].arrays(0)
    np.testing.assert_array_equal(np.array(chosen["observations"], np.float32), arrays["observations_a"][0])
    np.testing.assert_array_equal(np.array(chosen["actions"]), arrays["actions_a"][0])


def test_the_true_reward_is_not_exported(tmp_path: Path):
    record = MadeUpRecord(tmp_path / "run")
    record.answer(record.ask(123.456, 654.321), 1.0)
    export([record.path], tmp_path / "out")
    for file in (tmp_path / "out").iterdir():
        text = file.read_text(encoding="utf-8")
        assert "true_reward" not in text
        assert "123.4" not in text
        assert "654.3" not in text


def test_the_readme_tells_every_field_and_count(tmp_path: Path, records: list[MadeUpRecord]):
    output = tmp_path / "out"
    export([tmp_path / "runs"], output)
    text = (output / "README.md").read_text(encoding="utf-8")
    for field in ("chosen", "rejected", "a", "b", *rows(output / "comparisons.jsonl")[0], "observations", "actions"):
        assert f"`{field}`" in text
    for part in (
        "3 pairs and 1 ties, from 2 runs; left out: 1 skipped, 1 undone, 1 asked a second time.",
        "| Ada Ä\\|B | 2 | 1 |\n| bob | 1 | 0 |\n",
        f"`{ENV}`",
        "3 steps",
        "2 numbers each, float32",
        "a number each, int64",
        "  data_files: ties.jsonl\n",
    ):
        assert part in text


def test_without_ties_there_is_no_file_of_them(tmp_path: Path):
    export([answered(tmp_path / "run", [0.0, 1.0]).path], tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["README.md", "comparisons.jsonl"]
    assert "data_files: ties.jsonl" not in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_the_same_runs_give_the_same_bytes_wherever_they_are(tmp_path: Path, records: list[MadeUpRecord]):
    export([tmp_path / "runs"], tmp_path / "one")
    shutil.copytree(records[0].path, tmp_path / "z" / "x")
    shutil.copytree(records[1].path, tmp_path / "a" / "y")
    export([tmp_path / "a" / "y", tmp_path / "z"], tmp_path / "two")
    for file in (tmp_path / "one").iterdir():
        content = file.read_bytes()
        assert content == (tmp_path / "two" / file.name).read_bytes()
        assert b"\r" not in content
        assert str(tmp_path).encode() not in content


def test_runs_of_one_name_are_refused(tmp_path: Path, records: list[MadeUpRecord]):
    shutil.copytree(records[0].path, tmp_path / "other" / "x")
    with pytest.raises(UsageError, match="Two of the runs are called x"):
        export([tmp_path / "runs", tmp_path / "other"], tmp_path / "out")


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("output in use", "not an empty directory"),
        ("output is a file", "not an empty directory"),
        ("output below a file", "cannot be written"),
        ("nothing there", "There is no"),
        ("nothing answered", "no answered comparisons"),
        ("all equal", 'All 2 answers are "equally good"'),
        ("two environments", "cannot be merged: the environment is"),
        ("broken", "comparisons.jsonl, line 1, is not JSON"),
    ],
)
def test_what_cannot_be_exported_says_why(tmp_path: Path, records: list[MadeUpRecord], case: str, says: str):
    runs, output = [tmp_path / "runs"], tmp_path / "out"
    if case == "output in use":
        output.mkdir()
        (output / "mine.txt").touch()
    elif case == "output is a file":
        output.touch()
    elif case == "output below a file":
        output = records[0].lines / "out"
    elif case == "nothing there":
        runs = [tmp_path / "nowhere"]
    elif case == "nothing answered":
        runs = [answered(tmp_path / "skipped", [None]).path]
    elif case == "all equal":
        runs = [answered(tmp_path / "equal", [0.5, 0.5]).path]
    elif case == "two environments":
        runs.append(answered(tmp_path / "z", [1.0], env="Pendulum-v1").path)
    elif case == "broken":
        records[0].lines.write_text("oops\n")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match=says) as caught:
        export(runs, output)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before
