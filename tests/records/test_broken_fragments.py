"""Broken and hostile files of fragments: one sentence that names the file, and nothing unpickled or unpacked."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from broken_records import as_npy, peak_memory, problem_with, with_one_of_everything
from made_up_records import LENGTH, MadeUpRecord

from workshop.records.comparisons_from import read_record
from workshop.records.untrusted import BrokenRecordError


@pytest.fixture
def record(tmp_path: Path) -> MadeUpRecord:
    return with_one_of_everything(tmp_path / "run")


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
