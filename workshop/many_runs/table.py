"""Groups of runs as a table: Markdown for people, CSV for programs."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workshop.many_runs.differences import Difference
from workshop.many_runs.groups import Group
from workshop.many_runs.labels import THE_DEFAULTS
from workshop.many_runs.numbers import number, signed
from workshop.many_runs.summaries import centre, centre_name, interval, quantiles
from workshop.safe_files import write_safely

TO_SOLVE = tuple(f"comparisons_to_solve_{place}" for place in ("first_quartile", "median", "third_quartile"))
AGAINST = ("difference_of", "difference", "difference_low", "difference_high", "p", "p_solved", "verdict")
TableRow = dict[str, Any]  # by column: text, an integer or, for most, a float
HEADER = (
    "group", "n", "statistic", "final_true_return", "low", "high", "share_solved", *TO_SOLVE, "seconds", *AGAINST,
    "flags",
)  # fmt: skip


def table(groups: Sequence[Group], against: Mapping[str, Difference] | None = None) -> list[TableRow]:
    """A row for each group, by column.

    `low` and `high` are the 95 % bootstrap interval of the final true return, NaN for fewer than 5 runs; the share that
    is solved is NaN where nobody says what that is; comparisons to solve are infinite where a run was never solved, and
    NaN where it cannot be, or where the true reward was learned from; the seconds are the median run's. Then comes what
    is `against` each label: the difference from the baseline, NaN where there is none.
    """
    rows = []
    for group in groups:
        final = group.final("true_return_mean")
        low, high = interval(final) or (math.nan, math.nan)
        to_solve, share = np.full(3, math.nan), math.nan
        if group.solved_at is not None:
            share = float(np.mean(group.solved))
            to_solve = to_solve if group.has_true_reward else quantiles(group.to_solve)
        seconds = float(np.median(group.final("seconds")))
        numbers = [float(centre(final)), float(low), float(high), share, *map(float, to_solve), seconds]
        cells = [group.label, len(group.runs), centre_name(len(group.runs)), *numbers]
        cells += [*_against((against or {}).get(group.label)), group.flags]
        rows.append(dict(zip(HEADER, cells, strict=True)))
    return rows


def as_markdown(rows: Sequence[TableRow], baseline: str = "") -> str:
    """The table for people to read, in Markdown, without what nothing is known of.

    `baseline` is the label that differences are from.
    """
    columns: list[tuple[str, Callable[[TableRow], str]]] = [
        ("runs", lambda row: row["group"]),
        ("n", lambda row: str(row["n"])),
        ("true return at the end (95 % interval)", _final),
    ]
    if not all(math.isnan(row["share_solved"]) for row in rows):
        columns += [
            ("solved", lambda row: "" if math.isnan(row["share_solved"]) else f"{row['share_solved']:.0%}"),
            ("comparisons to solve: median (quartiles)", _comparisons),
        ]
    columns.append(("seconds", lambda row: number(row["seconds"], ".1f")))
    tested = sum(bool(row["verdict"]) for row in rows)
    if tested:
        columns.append((f"against {baseline} (95 % interval)", _difference))
        how = f" (p by Holm for {tested} groups)" if tested > 1 else ""
        columns.append((f"beyond chance?{how}", lambda row: row["verdict"]))
    if any(not _tells_flags(row) for row in rows):
        columns.append(("flags", lambda row: row["flags"]))
    lines = [[title for title, _ in columns], ["---"] * len(columns)]
    lines += [[cell(row) for _, cell in columns] for row in rows]
    escaped = [[each.replace("|", r"\|") for each in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def write_csv(rows: Sequence[TableRow], path: Path) -> None:
    """The table with all its columns; NaN as an empty cell, infinity as `inf`."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows({column: _cell(value) for column, value in row.items()} for row in rows)
    write_safely(path, lambda stream: stream.write(text.getvalue().encode()))


def _against(each: Difference | None) -> list[Any]:
    if each is None:
        return ["", *[math.nan] * 5, ""]
    return [each.measure, each.difference, each.low, each.high, each.p, each.p_solved, each.words]


def _tells_flags(row: TableRow) -> bool:
    """Whether the label is made of flags, and not of a name."""
    return row["group"] == THE_DEFAULTS or {*row["group"].split()} <= {*row["flags"].split()}


def _final(row: TableRow) -> str:
    text = number(row["final_true_return"], ".1f")
    if not math.isnan(row["low"]):
        text += f" ({number(row['low'], '.1f')} to {number(row['high'], '.1f')})"
    return text + (f", {row['statistic']}" if row["statistic"] != "mean" else "")


def _comparisons(row: TableRow) -> str:
    if math.isnan(row[TO_SOLVE[1]]):
        return ""
    first, median, third = (number(row[column]) for column in TO_SOLVE)
    return f"{median} ({first} to {third})"


def _difference(row: TableRow) -> str:
    if not row["verdict"]:
        return ""
    by_comparisons = row["difference_of"] == "comparisons_to_solve"
    what, digits = ("comparisons", "g") if by_comparisons else ("return", ".1f")
    text = f"{what} {signed(row['difference'], digits)}"
    if not math.isnan(row["difference_low"]):
        text += f" ({signed(row['difference_low'], digits)} to {signed(row['difference_high'], digits)})"
    return text


def _cell(value: str | int | float) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:z.6g}"
    return str(value)
