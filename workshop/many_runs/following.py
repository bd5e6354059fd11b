"""Runs beside each other while they are made: the figure drawn anew as they finish, on a page for all to see."""

import html
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from workshop.many_runs.aligned import X
from workshop.many_runs.groups import Defaults
from workshop.many_runs.overview import compare
from workshop.many_runs.selection import Selection
from workshop.many_runs.tasks import file_names
from workshop.messages import say
from workshop.records import BrokenRecordError, FinishedRun, find_runs, read_run
from workshop.safe_files import write_safely

EVERY = 2.0  # seconds
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="{seconds:g}">
<title>{title}</title>
<style>
body {{ margin: 0; background: #fff; text-align: center; font: 16px sans-serif; }}
img {{ max-width: 100%; max-height: 97vh; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def follow_runs(
    starts: Sequence[Path], x: X, plots_dir: Path, name: str, defaults: Defaults, selection: Selection
) -> None:
    """Compare the runs at or below these paths again whenever one of them has finished, until the program is stopped.

    The figures are on a page beside them, which loads itself anew.
    """
    plots_dir.mkdir(parents=True, exist_ok=True)
    page = plots_dir / f"{name}.html"
    _write_page(page, name, [])
    say(f"For the screen, in a browser: {page.resolve().as_uri()}\nCtrl-C ends this.")
    for runs in newly_finished(starts):
        comparisons = [each for each in compare(runs, defaults, selection) if each.shown]
        names = file_names(name, [each.task for each in comparisons])
        for each in comparisons:
            each.draw(x, plots_dir / names[each.task])
        _write_page(page, name, [plots_dir / f"{names[each.task]}.png" for each in comparisons])
        say(f"Drawn: {len(runs)} run{'s' if len(runs) > 1 else ''}.")


def newly_finished(starts: Iterable[Path], every: float = EVERY) -> Iterator[list[FinishedRun]]:
    """All runs that have finished, each time that there is another one or one fewer; it looks `every` so many seconds.

    What is unfinished may be finished later, so nothing is said of what cannot be read.
    """
    known: dict[Path, FinishedRun] = {}
    starts = list(starts)
    while True:
        before = list(known)
        there = find_runs(starts)
        known = {path: known[path] for path in there if path in known}
        for path in there:
            if path not in known:
                try:
                    known[path] = read_run(path)
                except BrokenRecordError:
                    continue
        if known and known.keys() != set(before):
            yield [known[path] for path in sorted(known)]
        time.sleep(every)


def _write_page(page: Path, title: str, figures: Sequence[Path]) -> None:
    """The time at which a figure was written makes its address another one, or it would be shown as it was."""
    images = [f'<img src="{html.escape(each.name)}?{each.stat().st_mtime_ns}" alt="">' for each in figures]
    body = "\n".join(images) or "<p>No run has finished yet.</p>"
    text = PAGE.format(seconds=EVERY, title=html.escape(title), body=body)
    write_safely(page, lambda stream: stream.write(text.encode()))
