"""`compare.py` on broken and hostile runs: it leaves them out or takes them, and reads nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from broken_runs import WRONG, files, linked, some, thoroughly
from made_up_runs import write_run

from main import program
from workshop.many_runs import overview
from workshop.records.finished import read_run
from workshop.records.untrusted import BrokenRecordError


@pytest.fixture
def compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Path], object]], tuple[str, bool]]:
    """Compare a good run with one that is spoilt first; returns the messages, and whether the other was left out."""
    monkeypatch.setattr(overview, "save", lambda figure, path: [text.get_text() for text in figure.legends[0].texts])
    write_run(tmp_path / "runs", [0, 200])
    broken = write_run(tmp_path / "runs", [0, 100], seed=1)
    good = files(broken)

    def call(spoil: Callable[[Path], object], capsys: pytest.CaptureFixture) -> tuple[str, bool]:
        for name, content in good.items():
            (broken / name).unlink(missing_ok=True)
            (broken / name).write_bytes(content)
        spoil(broken)
        before = files(tmp_path / "runs")
        paths = sorted((tmp_path / "runs").iterdir())
        overview.compare_runs(paths, "env_steps", tmp_path / "plots", "comparison", program.defaults)
        assert files(tmp_path / "runs") == before
        said = capsys.readouterr()
        assert "Figure: " in said.err
        return said.err, f"Left out: {broken}: " in said.err

    return call


def test_compare_survives_files_cut_short_anywhere(tmp_path: Path):
    run = write_run(tmp_path, [0, 200, 190])
    for name in ("config.json", "progress.csv"):
        content = (run / name).read_bytes()
        for end in range(0, len(content) - 1, 3):
            (run / name).write_bytes(content[:end])
            try:
                cut = read_run(run)
            except BrokenRecordError:
                continue
            assert name == "progress.csv"  # in its last cell, of which what is left is a number still, or empty
            assert list(cut.columns["true_return_mean"]) == [0, 200, 190]
        (run / name).write_bytes(content)


@thoroughly
def test_compare_leaves_out_or_takes_whatever_the_options_are(compared, capsys: pytest.CaptureFixture, thorough: bool):
    options = [
        "seed", "env", "iterations", "packages", "name", "fixed_horizon", "reward", "hidden_sizes", "pretrain",
        "reward_network", "comparisons_from",
    ]  # fmt: skip
    for option in options:
        for value in WRONG if thorough else (None, "$\\frac$", "x", {}):

            def spoil(run: Path, option: str = option, value: Any = value) -> None:
                config = json.loads((run / "config.json").read_text()) | {option: value}
                (run / "config.json").write_text(json.dumps(config))

            compared(spoil, capsys)


@thoroughly
@pytest.mark.parametrize(
    "cell", ["nan", "inf", "-inf", "1e400", "1e308", "-1e308", "1e-320", "x", "1_0", "٣", '"', "\x00"]
)
def test_compare_leaves_out_or_takes_whatever_the_cells_are(
    compared, capsys: pytest.CaptureFixture, cell: str, thorough: bool
):
    for column in some(range(9), thorough, n=3):

        def spoil(run: Path, column: int = column) -> None:
            *lines, last = (run / "progress.csv").read_text().splitlines()
            cells = last.split(",")
            cells[column] = cell
            (run / "progress.csv").write_text("\n".join([*lines, ",".join(cells)]) + "\n", encoding="utf-8")

        compared(spoil, capsys)


@pytest.mark.parametrize("name", ["config.json", "progress.csv"])
def test_compare_reads_no_links_and_no_directories(compared, capsys: pytest.CaptureFixture, tmp_path: Path, name: str):
    def link(run: Path) -> None:
        (run / name).rename(tmp_path / "outside")
        linked(run / name, tmp_path / "outside")

    assert compared(link, capsys)[1]
    if Path("/dev/zero").exists():

        def endless(run: Path) -> None:
            (run / name).unlink()
            linked(run / name, Path("/dev/zero"))

        assert compared(endless, capsys)[1]


def test_compare_imports_nothing_for_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Gymnasium imports what stands before the colon of an environment's id."""
    monkeypatch.syspath_prepend(str(tmp_path))
    run = write_run(tmp_path / "runs", [0, 200], env="payload:Env-v0")
    (tmp_path / "payload.py").write_text(f"import os; os.mkdir({str(tmp_path / 'harm')!r})")
    assert read_run(run).solved_at is None
    assert not (tmp_path / "harm").exists()
