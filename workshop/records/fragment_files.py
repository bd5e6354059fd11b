"""The fragments that questions are about: an `.npz` file for those that were asked together."""

import math
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from workshop.records.untrusted import BrokenRecordError

ARRAYS = ("observations", "actions", "true_rewards")
LARGEST_FRAGMENTS = 1_000_000_000  # bytes of a run's fragments, unpacked; 700 comparisons of the cheetah are 10 million
LARGEST_NUMBER = float(np.finfo(np.float32).max)  # the networks take no larger ones
LONGEST_HEADER = 1000  # bytes of an array's header, which is Python text; an honest one has 118


def read_fragments(path: Path, length: int, at_most: int) -> dict[str, np.ndarray]:
    """The arrays of one `.npz` file: each of `ARRAYS` with "_a" and with "_b" after its name, of shape (n, length, …).

    Sizes are looked at before anything is unpacked, so that a small file that claims or unpacks to more than `at_most`
    bytes costs nothing. Numbers are finite in float32, `true_rewards` have the shape (n, length), and a and b the same
    shapes and types. Raises a BrokenRecordError for anything else.
    """
    expected = {f"{name}_{side}.npy" for name in ARRAYS for side in "ab"}
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) != len(expected) or {member.filename for member in members} != expected:
                raise BrokenRecordError(f"{path} does not hold the six arrays of pairs of fragments.")
            if sum(member.file_size for member in members) > at_most:
                raise BrokenRecordError(f"{path} is too large: a run's fragments may have {LARGEST_FRAGMENTS} bytes.")
            arrays = {member.filename.removesuffix(".npy"): _read_array(archive, member) for member in members}
    except BrokenRecordError:
        raise
    except Exception as problem:  # of broken bytes, zipfile and NumPy make some ten kinds of it, not all documented
        raise BrokenRecordError(f"{path} is not a whole file of arrays of numbers.") from problem
    _require_fragments(arrays, length, path)
    return arrays


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """One array, in C order and the machine's byte order; any exception if it is not numbers of the declared size."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("NumPy packs otherwise")
    with archive.open(member) as file:
        if npy.read_magic(file) != (1, 0):
            raise ValueError("not the version of the format that NumPy writes for numbers")
        shape, _, dtype = npy.read_array_header_1_0(file, max_header_size=LONGEST_HEADER)
        if dtype.kind not in "biuf" or dtype.itemsize > 8:
            raise ValueError("not numbers")
        if math.prod(shape) * dtype.itemsize != member.file_size - file.tell():
            raise ValueError("the shape does not go with the size")
    with archive.open(member) as file:
        array = npy.read_array(file, allow_pickle=False, max_header_size=LONGEST_HEADER)
    return np.ascontiguousarray(array, dtype.newbyteorder("="))


def _require_fragments(arrays: dict[str, np.ndarray], length: int, path: Path) -> None:
    n = len(arrays["true_rewards_a"]) if arrays["true_rewards_a"].ndim else 0
    for name, array in arrays.items():
        if array.shape[:2] != (n, length) or (name.startswith("true_rewards") and array.ndim != 2):
            raise BrokenRecordError(f"{path} has {name} of shape {array.shape}, not of n fragments of {length} steps.")
        other = arrays[f"{name[:-2]}_b"]
        if (array.shape, array.dtype) != (other.shape, other.dtype):
            raise BrokenRecordError(f"{path} has {name} and {name[:-2]}_b of different shapes or types.")
        if not (np.abs(array.astype(np.float64)) <= LARGEST_NUMBER).all():
            raise BrokenRecordError(f"{path} has a number in {name} that is not finite in float32.")
