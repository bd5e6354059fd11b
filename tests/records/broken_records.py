"""Records that are broken on purpose, and what reading them says."""

import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_records import MadeUpRecord, answered

from workshop.records.comparisons_from import read_record
from workshop.records.untrusted import BrokenRecordError

FILES = ("config.json", "comparisons.jsonl", "fragments/000001.npz")


def with_one_of_everything(path: Path) -> MadeUpRecord:
    """A record with answers of all kinds, one of them asked again and one undone."""
    record = answered(path, [0.0, 1.0, 0.5, None])
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


def linked(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:  # Windows, without the right to make links
        pytest.skip("symbolic links cannot be made here")


def as_npy(array: np.ndarray, header: bytes | None = None) -> bytes:
    """An array's file, with the text in its header exchanged for another."""
    file = io.BytesIO()
    np.save(file, array)
    content = file.getvalue()
    if header is None:
        return content
    return content[:8] + (len(header) + 1).to_bytes(2, "little") + header + b"\n" + array.tobytes()
