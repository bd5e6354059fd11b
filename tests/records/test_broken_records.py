"""Broken and hostile records: whatever is in the files, the answer is one sentence that names the file."""

import io
import json
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_records import LENGTH, MadeUpRecord, answered

from workshop.records import fragment_files as record_files
from workshop.records.comparisons_from import read_record
from workshop.records.fragment_files import BrokenRecordError

FILES = ("config.json", "comparisons.jsonl", "fragments/000001.npz")


@pytest.fixture
def record(tmp_path: Path) -> MadeUpRecord:
    record = answered(tmp_path / "run", [0.0, 1.0, 0.5, None])
    record.answer(record.ask_again(0, swapped=True), 1.0)
    record.undo(1)
    record.answer(1, 0.0)
    return record


def problem_with(record: MadeUpRecord) -> str:
    """The sentence that says what is wrong with the record."""
    with pytest.raises(BrokenRecordError) as caught:
        read_record(record.path)
    text = str(caught.value)
    assert text.startswith(str(record.path))
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < len(str(record.path)) * 2 + 200
    return text


def survives(record: MadeUpRecord) -> bool:
    """Whether the record can be read; nothing but the one exception says that it cannot."""
    try:
        read_record(record.path)
    except BrokenRecordError:
        return False
    return True


def peak_memory(call: Callable[[], Any]) -> int:
    """The most bytes that were held at once during the call."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


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
    monkeypatch.setattr(record_files, "LARGEST_TEXT", 10)
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


# fragments/*.npz


def linked(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:  # Windows, without the right to make links
        pytest.skip("symbolic links cannot be made here")


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


def changed(name: str, array: Any) -> Callable[[dict[str, np.ndarray]], None]:
    def change(arrays: dict[str, np.ndarray]) -> None:
        arrays[name] = array

    return change


def both(name: str, make: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict[str, np.ndarray]], None]:
    def change(arrays: dict[str, np.ndarray]) -> None:
        arrays |= {f"{name}_{side}": make(arrays[f"{name}_{side}"]) for side in "ab"}

    return change


def with_one(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def make(array: np.ndarray) -> np.ndarray:
        array = array.astype(np.float64)
        array[0, 1] = value
        return array

    return make


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda arrays: arrays.pop("actions_b"), "does not hold the six arrays"),
        (changed("more", np.zeros(3)), "does not hold the six arrays"),
        (both("observations", with_one(np.nan)), "observations_a that is not finite"),
        (both("observations", with_one(np.inf)), "observations_a that is not finite"),
        (both("actions", with_one(1e39)), "actions_a that is not finite in float32"),
        (both("true_rewards", with_one(-np.inf)), "true_rewards_a that is not finite"),
        (both("true_rewards", lambda array: array[:, :2]), r"of shape \(1, 2\), not of n fragments of 3 steps"),
        (both("observations", lambda array: array[:, :2]), "not of n fragments of 3 steps"),
        (both("observations", lambda array: array[:0]), r"of shape \(0, 3, 2\)"),
        (both("true_rewards", lambda array: array[..., None]), r"of shape \(1, 3, 1\)"),
        (both("true_rewards", lambda array: array[0, 0]), "not of n fragments"),
        (changed("observations_b", np.zeros((1, LENGTH, 3), np.float32)), "of different shapes or types"),
        (changed("observations_b", np.zeros((1, LENGTH, 2))), "of different shapes or types"),
        (changed("actions_a", np.zeros((2, LENGTH), np.int64)), r"of shape \(2, 3\)"),
        (both("observations", lambda array: array.astype(complex)), "not a whole file"),
        (both("observations", lambda array: array.astype(str)), "not a whole file"),
        (both("actions", lambda array: array.astype("datetime64[s]")), "not a whole file"),
        (both("actions", lambda array: np.zeros((1, LENGTH), [("x", int)])), "not a whole file"),
        (both("observations", lambda array: array[..., :1]), "other shapes or types than the files before"),
    ],
)
def test_arrays_that_are_no_fragments(record: MadeUpRecord, change: Callable, says: str):
    arrays = record.arrays(2)
    change(arrays)
    np.savez(record.path / "fragments" / "000002.npz", **arrays)
    with pytest.raises(BrokenRecordError, match=says):
        read_record(record.path)
    assert "000002.npz" in problem_with(record)


class Alarm:
    """What calls a function when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("it was unpickled",)


def test_nothing_is_unpickled(record: MadeUpRecord):
    file = record.path / "fragments" / "000001.npz"
    np.savez(file, **record.arrays(1) | {"actions_a": np.full((1, LENGTH), Alarm(), dtype=object)})
    problem_with(record)
    file.write_bytes(pickle.dumps(Alarm()))
    problem_with(record)


def as_npy(array: np.ndarray, header: bytes | None = None) -> bytes:
    """An array's file, with the text in its header exchanged for another."""
    file = io.BytesIO()
    np.save(file, array)
    content = file.getvalue()
    if header is None:
        return content
    return content[:8] + (len(header) + 1).to_bytes(2, "little") + header + b"\n" + array.tobytes()


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 2000000000)}",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, -2)}",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -3, 2)}",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 18446744073709551618)}",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': 6}",
        b"{'descr': '<f4', 'fortran_order': False}",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 3)}",
        b"{'descr': '|V0', 'fortran_order': False, 'shape': (1, 3, 2)}",
        b"{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (1, 3)}",
        b"{'descr': 'nonsense', 'fortran_order': False, 'shape': (1, 3, 2)}",
        b"__import__('pytest').fail('it was evaluated')",
        b"(" * 900,
        b"-" * 900 + b"1",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 2)}" + b" " * 5000,
        b"'''",
        b"",
    ],
)
def test_headers_that_lie(record: MadeUpRecord, header: bytes):
    arrays = record.arrays(1)
    with zipfile.ZipFile(record.path / "fragments" / "000001.npz", "w") as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.npy", as_npy(array, header if name == "observations_a" else None))
    assert "000001.npz is not a whole file" in problem_with(record)
    assert peak_memory(lambda: problem_with(record)) < 2_000_000


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


def test_packed_files_are_read(record: MadeUpRecord):
    np.savez_compressed(record.path / "fragments" / "000001.npz", **record.arrays(1))
    assert len(read_record(record.path)) == 3


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_numpy_does_not_write_are_refused(record: MadeUpRecord, packing: int):
    arrays = record.arrays(1)
    with zipfile.ZipFile(record.path / "fragments" / "000001.npz", "w", packing) as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.npy", as_npy(array))
    assert "000001.npz is not a whole file" in problem_with(record)


def test_arrays_twice_in_a_file_are_refused(record: MadeUpRecord):
    with (
        zipfile.ZipFile(record.path / "fragments" / "000001.npz", "a") as archive,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        archive.writestr("actions_a.npy", b"")
    assert "does not hold the six arrays" in problem_with(record)


def test_a_file_that_unpacks_to_too_much_is_refused_unopened(record: MadeUpRecord, monkeypatch: pytest.MonkeyPatch):
    """100 MB of zeros in 100 kB, of a shape that is right for a run."""
    monkeypatch.setattr("workshop.records.comparisons_from.LARGEST_FRAGMENTS", 50_000_000)
    file, arrays = record.path / "fragments" / "000001.npz", record.arrays(1)
    n = 100_000_000 // (4 * LENGTH)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            big = np.zeros((n, LENGTH), np.float32) if name == "true_rewards_a" else array
            archive.writestr(f"{name}.npy", as_npy(big))
    assert file.stat().st_size < 1_000_000
    assert peak_memory(lambda: problem_with(record)) < 2_000_000
    assert "is too large" in problem_with(record)


@pytest.mark.parametrize("size", [2**31, 2**32 - 2])
def test_a_file_that_claims_to_be_huge_is_refused_unopened(record: MadeUpRecord, size: int):
    file = record.path / "fragments" / "000001.npz"
    content = bytearray(file.read_bytes())
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = size.to_bytes(4, "little")  # the unpacked size of the first array
    file.write_bytes(content)
    assert peak_memory(lambda: problem_with(record)) < 2_000_000
    assert "is too large" in problem_with(record)


def test_the_limit_is_one_for_all_files_of_a_run(record: MadeUpRecord, monkeypatch: pytest.MonkeyPatch):
    one = sum(len(as_npy(array)) for array in record.arrays(0).values())
    monkeypatch.setattr("workshop.records.comparisons_from.LARGEST_FRAGMENTS", 1.1 * one)
    assert "is too large" in problem_with(record)
    monkeypatch.setattr("workshop.records.comparisons_from.LARGEST_FRAGMENTS", 4 * one)
    assert len(read_record(record.path)) == 3
