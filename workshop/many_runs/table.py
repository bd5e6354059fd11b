"""Groups of runs as a table: Markdown for people, CSV for programs."""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workshop.many_runs.groups import Group
from workshop.many_runs.summaries import centre, centre_name, interval, quantiles
from workshop.safe_files import write_safely

TO_SOLVE = tuple(f"comparisons_to_solve_{place}" for place in ("first_quartile", "median", "third_quartile"))
TableRow = dict[str, Any]  # by column: text, an integer or, for most, a float
HEADER = ("group", "n", "statistic", "final_true_return", "low", "high", "share_solved", *TO_SOLVE, "seconds")


def table(groups: Sequence[Group]) -> list[TableRow]:
    """A row for each group, by column.

    `low` and `high` are the 95 % bootstrap interval of the final true return, NaN for fewer than 5 runs; comparisons to
    solve are infinite where a run was never solved, and NaN for baselines; the seconds are the median run's.
    """
    rows = []
    for group in groups:
        final = group.final("true_return_mean")
        low, high = interval(final) or (math.nan, math.nan)
        to_solve = np.full(3, math.nan) if group.is_baseline else quantiles(group.to_solve)
        share = float(np.mean([run.solved for run in group.runs]))
        seconds = float(np.median(group.final("seconds")))
        numbers = [float(centre(final)), float(low), float(high), share, *map(float, to_solve), seconds]
        cells = [group.label, len(group.runs), centre_name(len(group.runs)), *numbers]
        rows.append(dict(zip(HEADER, cells, strict=True)))
    return rows


def as_markdown(rows: Sequence[TableRow]) -> str:
    """The table for people to read, in Markdown."""
    lines = [
        "| runs | n | true return at the end (95 % interval) | solved "
        "| comparisons to solve: median (quartiles) | seconds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        final = f"{row['final_true_return']:.1f}"
        if not math.isnan(row["low"]):
            final += f" ({row['low']:.1f} to {row['high']:.1f})"
        if row["statistic"] != "mean":
            final += f", {row['statistic']}"
        first, median, third = (_comparisons(row[column]) for column in TO_SOLVE)
        to_solve = f"{median} ({first} to {third})" if median else ""
        label = row["group"].replace("|", "\\|")
        lines.append(
            f"| {label} | {row['n']} | {final} | {row['share_solved']:.0%} | {to_solve} | {row['seconds']:.1f} |"
        )
    return "\n".join(lines)


def write_csv(rows: Sequence[TableRow], path: Path) -> None:
    """The table with all its columns; NaN as an empty cell, infinity as `inf`."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows({column: _cell(value) for column, value in row.items()} for row in rows)
    write_safely(path, lambda stream: stream.write(text.getvalue().encode()))


def _comparisons(number: float) -> str:
    if math.isnan(number):
        return ""
    return "never" if math.isinf(number) else f"{number:g}"


def _cell(value: str | int | float) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return str(value)
