"""Broken and hostile records: whatever is in the files, the answer is one sentence that names the file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from broken_records import FILES, linked, problem_with, survives, with_one_of_everything
from made_up_records import MadeUpRecord

from workshop.records import untrusted
from workshop.records.comparisons_from import read_record
from workshop.records.untrusted import BrokenRecordError


@pytest.fixture
def record(tmp_path: Path) -> MadeUpRecord:
    return with_one_of_everything(tmp_path / "run")


# Damage of any kind


@pytest.mark.parametrize("name", FILES)
def test_files_cut_short_anywhere(record: MadeUpRecord, name: str):
    file = record.path / name
    whole = file.read_bytes()
    for end in range(0, len(whole) - 1, 10):
        file.write_bytes(whole[:end])
        if name != "comparisons.jsonl":
            problem_with(record)
        else:  # a line cut short at the end is left out; what is left may lack the comparison that a line repeats
            assert survives(record)


@pytest.mark.parametrize("name", FILES)
def test_missing_files(record: MadeUpRecord, name: str):
    (record.path / name).unlink()
    assert problem_with(record).endswith(f"{Path(name)} is missing.")


@pytest.mark.parametrize("name", FILES)
def test_directories_in_place_of_files(record: MadeUpRecord, name: str):
    (record.path / name).unlink()
    (record.path / name).mkdir()
    assert problem_with(record).endswith("is not a file.")


@pytest.mark.parametrize("name", FILES)
def test_random_bytes(record: MadeUpRecord, name: str):
    generator = np.random.default_rng(0)
    for size in (1, 10, 100, 3000):
        (record.path / name).write_bytes(generator.bytes(size) + b"\n")
        problem_with(record)


@pytest.mark.parametrize("name", FILES)
def test_single_changed_bytes(record: MadeUpRecord, name: str):
    """A change may leave a good record, such as one with another time, and never anything but that or the sentence."""
    file = record.path / name
    whole = file.read_bytes()
    generator = np.random.default_rng(1)
    survived = 0
    for place in generator.integers(len(whole), size=300):
        changed = bytearray(whole)
        changed[place] ^= 1 << generator.integers(8)
        file.write_bytes(changed)
        survived += survives(record)
    assert survived < 250


@pytest.mark.parametrize("name", FILES[:2])
def test_texts_too_large_to_be_a_runs(record: MadeUpRecord, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(untrusted, "LARGEST_TEXT", 10)
    assert "config.json is too large" in problem_with(record)


# config.json


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("[]", "not a JSON object"),
        ("[" * 100_000, "not JSON"),
        ('{"env": 3, "fragment_length": 3}', "names no env"),
        ('{"fragment_length": 3}', "names no env"),
        ('{"env": "a\\u0007b", "fragment_length": 3}', "names no env"),
        ('{"env": "Pendulum-v1"}', "no fragment_length"),
        ('{"env": "Pendulum-v1", "fragment_length": true}', "no fragment_length"),
        ('{"env": "Pendulum-v1", "fragment_length": 3.0}', "no fragment_length"),
        ('{"env": "Pendulum-v1", "fragment_length": -3}', "no fragment_length"),
        ('{"env": "Pendulum-v1", "fragment_length": 4}', r"of shape \(1, 3"),
    ],
)
def test_configs_that_are_not_a_runs(record: MadeUpRecord, config: str, says: str):
    (record.path / "config.json").write_text(config)
    with pytest.raises(BrokenRecordError, match=says):
        read_record(record.path)


# comparisons.jsonl


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("comparison", [None, -1, 1.0, True, "1", 2**60, [], {}]),
        ("iteration", [None, -1, 0.5, False, "1", 10**300]),
        ("preference", [0.7, -1, 2, True, "0.5", [0.5], float("nan"), float("inf")]),
        ("labeller", [None, "", 3, "a\nb", "\x1b[31m", "x" * 201, "\ud800", ["ada"]]),
        ("time", [None, "", "yesterday", 1700000000, "2026-13-01T00:00:00"]),
        ("row", [None, -1, 1.0, True, "0", 1, 10**9]),
        ("seconds", [-1, "2", True, [2], float("nan"), float("inf")]),
        ("undone", [1, "yes", True]),  # a preference that is undone is neither
        ("repeats", [0, -1, "0", True, 99]),  # without swapped, it is no repeat
        ("swapped", [True, 0, "no"]),
        (
            "fragments",
            [
                None,
                7,
                "",
                "fragments",
                "fragments/",
                "config.json",
                "fragments/000009.npz",
                "fragments/../fragments/000000.npz",
                "../run/fragments/000000.npz",
                "fragments/..",
                "fragments/...npz",
                "fragments/deep/000000.npz",
                "fragments\\000000.npz",
                "C:fragments/000000.npz",
                "fragments/000000.npz\x00",
                "fragments/000000.npz\n",
                "fragments/C:x.npz",
                "fragments/" + "x" * 5000 + ".npz",
            ],
        ),
    ],
)
def test_columns_that_hold_something_else(record: MadeUpRecord, column: str, values: list[Any]):
    first, *others = record.lines.read_text().splitlines()
    for value in values:
        record.lines.write_text("\n".join([json.dumps(json.loads(first) | {column: value}), *others]) + "\n")
        if column == "fragments" and isinstance(value, str) and value.endswith("9.npz"):
            assert "missing" in problem_with(record)
        else:
            assert ", line " in problem_with(record)


@pytest.mark.parametrize("column", ["comparison", "iteration", "preference", "labeller", "time", "fragments", "row"])
def test_missing_columns_are_named(record: MadeUpRecord, column: str):
    *others, last = record.lines.read_text().splitlines()
    line = json.loads(last)
    del line[column]
    record.lines.write_text("\n".join([*others, json.dumps(line)]) + "\n")
    assert problem_with(record).endswith(f"comparisons.jsonl, line {len(others) + 1}, names no {column}.")


@pytest.mark.parametrize("text", [b"", b"{}{}", b"[1]", b"3", b"null", b'"x"', b"\xff\xfe", b"[" * 50_000, b"9" * 9999])
def test_lines_that_are_no_object_are_named(record: MadeUpRecord, text: bytes):
    lines = record.lines.read_bytes().split(b"\n")
    record.lines.write_bytes(b"\n".join([*lines[:2], text, *lines[2:]]))
    assert "comparisons.jsonl, line 3, is not" in problem_with(record)


def test_lines_of_one_number_are_about_one_pair(record: MadeUpRecord):
    record.answer(0, 1.0, fragments="fragments/000001.npz")
    assert "line 8, is about another pair than" in problem_with(record)


def test_only_what_was_asked_before_can_be_repeated(record: MadeUpRecord):
    good = record.lines.read_text()
    number = record.ask_again(0, swapped=False)
    for repeats in (number, number + 1, 4):  # itself, a later one, a repeat
        record.lines.write_text(good)
        record.answer(number, 1.0, repeats=repeats)
        assert f"line 8, repeats comparison {repeats}, which was not asked" in problem_with(record)


@pytest.mark.parametrize(("repeats", "swapped"), [(0, True), (1, False)])
def test_a_repeat_that_shows_another_pair_is_refused(record: MadeUpRecord, repeats: int, swapped: bool):
    record.answer(record.ask_again(0, swapped=False), 1.0, repeats=repeats, swapped=swapped)
    assert "line 8, does not show the" in problem_with(record)


# Links


@pytest.mark.parametrize("name", FILES)
def test_links_out_of_the_run_are_not_followed(record: MadeUpRecord, tmp_path: Path, name: str):
    outside = tmp_path / Path(name).name
    (record.path / name).rename(outside)
    linked(record.path / name, outside)
    assert problem_with(record).endswith("is a link that leads out of its directory.")


def test_a_linked_fragments_directory_is_not_followed(record: MadeUpRecord, tmp_path: Path):
    (record.path / "fragments").rename(tmp_path / "fragments")
    linked(record.path / "fragments", tmp_path / "fragments")
    assert problem_with(record).endswith("is a link that leads out of its directory.")


def test_links_in_a_circle_are_not_followed(record: MadeUpRecord):
    file = record.path / "fragments" / "000001.npz"
    file.unlink()
    linked(file, file)
    problem_with(record)


def test_a_run_may_be_named_by_a_link(record: MadeUpRecord, tmp_path: Path):
    linked(tmp_path / "link", record.path)
    assert len(read_record(tmp_path / "link")) == 3


@pytest.mark.parametrize("order", ["fortran", "other bytes first"])
def test_numbers_in_another_order_are_the_same_numbers(record: MadeUpRecord, order: str):
    before = read_record(record.path)
    for number in (0, 1, 2, 4):
        arrays = record.arrays(number)
        for name, array in arrays.items():
            other = array.dtype.newbyteorder("S")
            arrays[name] = np.asfortranarray(array) if order == "fortran" else array.astype(other)
        np.savez(record.path / "fragments" / f"{number:06d}.npz", **arrays)
    after = read_record(record.path)
    for name, array in before.fragments_a.items():
        np.testing.assert_array_equal(after.fragments_a[name], array)
        assert after.fragments_a[name].dtype == array.dtype
