"""Runs compared while they are made."""

import re
from pathlib import Path

import pytest
from typed_runs import write_typed_run

from main import program
from workshop.many_runs import following
from workshop.many_runs.following import follow_runs, newly_finished
from workshop.many_runs.selection import Selection


class StoppedError(Exception):
    """In place of Ctrl-C."""


@pytest.fixture
def as_time_passes(monkeypatch: pytest.MonkeyPatch):
    """What happens, in this order, each time that nothing has changed."""

    def call(*happenings) -> None:
        left = iter(happenings)

        def sleep(seconds: float) -> None:
            happening = next(left, None)
            if happening is None:
                raise StoppedError
            happening()

        monkeypatch.setattr(following.time, "sleep", sleep)

    return call


def test_each_run_that_finishes_is_drawn_on_the_page(
    tmp_path: Path, as_time_passes, capsys: pytest.CaptureFixture[str]
):
    runs, plots = tmp_path / "runs", tmp_path / "plots"
    runs.mkdir()
    pages = []

    def look() -> None:
        pages.append((plots / "room.html").read_text(encoding="utf-8"))

    def another(flags: str):
        return lambda: (look(), write_typed_run(runs, flags, [0, 200]))

    as_time_passes(another(""), another("--query uniform"), another("--env Pendulum-v1"), look)
    with pytest.raises(StoppedError):
        follow_runs([runs], "env_steps", plots, "room", program.defaults, Selection())
    images = [re.findall(r'<img src="([^?"]+)\?', page) for page in pages]
    assert images == [[], ["room.png"], ["room.png"], ["room-FixedHorizonCartPole-v0.png", "room-Pendulum-v1.png"]]
    assert "No run has finished yet." in pages[0]
    assert pages[1] != pages[2], "or a browser would show the old figure"
    assert all((plots / name).exists() for name in images[-1])
    said = capsys.readouterr().err
    assert (plots / "room.html").resolve().as_uri() in said
    assert [said.count(f"Drawn: {n} run") for n in (1, 2, 3)] == [1, 1, 1]


def test_what_is_unfinished_is_waited_for_and_nothing_is_drawn_twice(tmp_path: Path, as_time_passes):
    finished = write_typed_run(tmp_path, "", [0, 200])
    progress = write_typed_run(tmp_path, "", [0, 200], seed=1) / "progress.csv"
    whole = progress.read_text(encoding="utf-8")
    progress.write_text("\n".join(whole.splitlines()[:5]) + "\n", encoding="utf-8")
    as_time_passes(lambda: None, lambda: progress.write_text(whole, encoding="utf-8"), lambda: None)
    seen = []

    def look() -> None:
        for runs in newly_finished([tmp_path]):
            seen.append([run.path for run in runs])

    with pytest.raises(StoppedError):
        look()
    assert seen == [[finished], sorted([finished, progress.parent])]
