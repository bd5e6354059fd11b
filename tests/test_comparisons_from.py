"""`main.py --comparisons-from`: learning from answers that were given in other runs."""

import subprocess
from pathlib import Path

import pytest
from conftest import TINY, progress, type_here

from workshop.recorded_comparisons import read_record

Finished = tuple[subprocess.CompletedProcess[str], Path]


def test_a_run_learns_from_what_another_recorded(tiny_run: Finished, tmp_path: Path):
    tiny = [flag for flag in TINY if not flag.startswith("--comparisons")]
    done = type_here(
        "main.py", "--solution", *tiny, "--comparisons-from", str(tiny_run[1]), "--runs-dir", str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    (run,) = tmp_path.iterdir()
    rows = progress(run)
    assert {row["comparisons"] for row in rows} == {"6"}
    assert {row["stopped_asking"] for row in rows} == {"budget"}
    assert int(rows[-1]["gradient_steps"]) > 0
    assert rows[-1]["reward_model_loss"] != ""
    assert not (run / "comparisons.jsonl").exists()  # nothing was asked, and nothing is copied


def test_more_can_be_asked_beside_them(tiny_run: Finished, tmp_path: Path):
    done = type_here(
        "main.py", "--solution", *TINY, "--comparisons-from", str(tiny_run[1]), "--runs-dir", str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    (run,) = tmp_path.iterdir()
    assert progress(run)[-1]["comparisons"] == "12"
    assert len(read_record(run)) == 6


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--comparisons-from", "{run}", "--fragment-length", "7"], "7"),
        (["--comparisons-from", "{run}", "--env", "Pendulum-v1", "--fragment-length", "5"], "Pendulum-v1"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_made(
    tiny_run: Finished, tmp_path: Path, arguments: list[str], says: str
):
    typed = [argument.format(run=tiny_run[1]) for argument in arguments]
    refused = type_here("main.py", "--solution", *typed, "--runs-dir", str(tmp_path / "runs"))
    assert refused.returncode == 2
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "runs").exists()
