"""The lines of `comparisons.jsonl`, one for each time that a question was answered, skipped or undone."""

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from workshop.bounds import person_name
from workshop.records.untrusted import BrokenRecordError, find_file, parse_object, read_bytes
from workshop.safe_files import append_safely

ANSWERS = "comparisons.jsonl"
WITHDRAWN = "withdrawn.txt"
LARGEST_COUNT = 2**53  # beyond it other programs' JSON loses whole numbers

Count = Annotated[int, msgspec.Meta(ge=0, lt=LARGEST_COUNT)]


class Line(msgspec.Struct, frozen=True):
    """What one line says.

    | field | what |
    | --- | --- |
    | comparison | the number of the question in its run; several lines may be about one |
    | iteration | the run's, from 0 |
    | preference | 0.0 the first fragment, 1.0 the second, 0.5 equally good, None: skipped or undone |
    | labeller, time | who and when, as ISO 8601 |
    | fragments, row | the fragments' file, relative to the run directory, and the row in its arrays |
    | seconds | how long the answer took; NaN where nobody measured |
    | undone | whether the line takes back the answer before it |
    | repeats | None or, of a question asked to see how consistent the labeller is, the number of the one it repeats |
    | swapped | whether the a of that one is b here; the preference is by the sides here |
    | place | its file and number, for messages |
    """

    comparison: Count
    iteration: Count
    preference: float | None
    labeller: str
    time: datetime
    # no path but that of a file right in fragments/ passes, whatever the system
    fragments: Annotated[str, msgspec.Meta(pattern=r"^fragments/[A-Za-z0-9_-]{1,100}\.npz\Z")]
    row: Count
    seconds: Annotated[float, msgspec.Meta(ge=0, lt=LARGEST_COUNT)] = math.nan
    undone: bool = False
    repeats: Count | None = None
    swapped: bool = False
    place: str = ""

    def __post_init__(self) -> None:
        if self.preference not in (None, 0, 0.5, 1):
            raise ValueError("preference must be 0, 0.5, 1 or null")
        person_name("labeller", self.labeller)  # as who labels is asked for it
        if self.undone and self.preference is not None:
            raise ValueError("a line that is undone has no preference")


def read_lines(run: Path) -> list[Line]:
    """All lines of the run's `comparisons.jsonl`, in order.

    A line that takes an answer back has all the columns of that answer. A last line without an end is what a killed run
    was writing: it was never acknowledged, and is left out. Raises a BrokenRecordError that names file and line for
    anything else that is not as the table of `Line` says, and for a line that contradicts an earlier one.
    """
    path = find_file(run, ANSWERS)
    lines: list[Line] = []
    by_number: dict[int, Line] = {}
    *whole, _ = read_bytes(path).split(b"\n")
    for i, text in enumerate(whole, start=1):
        line = _parse(text, f"{path}, line {i},")
        _require_agreement(line, by_number)
        by_number[line.comparison] = line
        lines.append(line)
    return lines


def lines_on_record(run: Path) -> dict[int, Line]:
    """The last line about each question in the run's record, by the question's number; none without a record.

    Raises a BrokenRecordError as `read_lines` does.
    """
    lines = read_lines(run) if (run / ANSWERS).exists() else []
    return {line.comparison: line for line in lines}


def withdrawn_on_record(run: Path) -> set[int]:
    """The numbers of the questions that were taken back before anybody had seen them, a line each in `withdrawn.txt`.

    Raises a BrokenRecordError if they cannot be read.
    """
    if not (run / WITHDRAWN).exists():
        return set()
    path = find_file(run, WITHDRAWN)
    *whole, _ = read_bytes(path).split(b"\n")  # the last is empty, or what a killed run was writing
    if not all(re.fullmatch(rb"[0-9]{1,15}", line) for line in whole):
        raise BrokenRecordError(f"{path} does not say what a run writes: a number in each line.")
    return {int(line) for line in whole}


def cut_torn_lines(run: Path) -> None:
    """Drop what a kill cut off, after the end of the last whole line."""
    for path in (run / ANSWERS, run / WITHDRAWN):
        content = path.read_bytes() if path.exists() else b""
        end = content.rfind(b"\n") + 1
        if end < len(content):
            os.truncate(path, end)


def _parse(text: bytes, place: str) -> Line:
    columns = parse_object(text, place)
    required = Line.__struct_fields__[: -len(Line.__struct_defaults__)]
    if missing := [name for name in required if name not in columns]:
        raise BrokenRecordError(f"{place} names no {missing[0]}.")
    if (columns.get("repeats") is None) != (columns.get("swapped") is None):
        raise BrokenRecordError(f"{place} has only one of repeats and swapped, which go together.")
    given = {name: value for name, value in columns.items() if value is not None or name in required}
    try:
        return msgspec.convert(given | {"place": place}, Line)
    except ValueError as problem:
        raise BrokenRecordError(f"{place} does not say what a run writes: {str(problem).rstrip('.')}.") from problem


# what the lines about one question have in common
_question = attrgetter("fragments", "row", "repeats", "swapped")


def _require_agreement(line: Line, by_number: dict[int, Line]) -> None:
    earlier = by_number.get(line.comparison)
    if earlier is not None and _question(earlier) != _question(line):
        raise BrokenRecordError(f"{line.place} is about another pair than {earlier.place} with the same number.")
    if line.repeats is not None:
        repeated = by_number.get(line.repeats)
        if repeated is None or repeated.repeats is not None:
            raise BrokenRecordError(f"{line.place} repeats comparison {line.repeats}, which was not asked before it.")


class QuestionRecord:
    """Records the answers to questions that were asked together, in `comparisons.jsonl`, a line each.

    | attribute | what |
    | --- | --- |
    | iteration | in which they were asked |
    | numbers | the questions' numbers in the run, in the order of the rows of their arrays |
    | recorded | the preferences, by number, that were recorded before the run was interrupted |
    """

    def __init__(self, path: Path, numbers: range, line: Mapping[str, Any], recorded: dict[int, float | None]):
        self.numbers, self.recorded = numbers, recorded
        self.iteration: int = line["iteration"]
        self._path, self._line = path, line

    def answers(self, preferences: np.ndarray) -> None:
        """Record the answers to all of them, shape (n,), with NaN for a skipped one; those on record are left."""
        given = zip(self.numbers, preferences, strict=True)
        self._append([self._answer(n, None if math.isnan(x) else float(x)) for n, x in given if n not in self.recorded])

    def answer(
        self, number: int, preference: float | None, seconds: float, undone: bool, labeller: str | None = None
    ) -> None:
        """Record the answer to one of them, None for skipped, or that it was taken back. It is then on the disk.

        `labeller` is who gave it, where it was not the one who was asked.
        """
        answer = self._answer(number, None if undone else preference) | {"seconds": round(seconds, 3)}
        if labeller is not None:
            answer["labeller"] = labeller
        self._append([answer | {"undone": True} if undone else answer])

    def _answer(self, number: int, preference: float | None) -> dict[str, Any]:
        row, labeller = number - self.numbers.start, self._line["labeller"]
        return {
            "comparison": number,
            "iteration": self.iteration,
            "preference": preference,
            "labeller": labeller if isinstance(labeller, str) else str(labeller[row]),
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **{name: value for name, value in self._line.items() if name != "labeller"},
            "row": row,
        }

    def _append(self, lines: Sequence[Mapping[str, Any]]) -> None:
        if lines:
            append_safely(self._path, "".join(json.dumps(line) + "\n" for line in lines).encode())
