"""`main.py --comparisons-from`: learning from answers that were given in other runs."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import TINY, Finished, progress, train, type_here

from workshop.records.comparisons_from import read_record

pytestmark = pytest.mark.usefixtures("without_plots")


def learn_from(recorded: Path, flags: Sequence[str], runs_dir: Path) -> Path:
    typed = ["--solution", "--no-pictures", *flags, "--comparisons-from", str(recorded), "--runs-dir", str(runs_dir)]
    done = type_here("main.py", *typed)
    assert done.returncode == 0, done.stderr
    (run,) = runs_dir.iterdir()
    return run


def test_a_run_learns_from_what_another_recorded(tiny_run: Finished, tmp_path: Path):
    tiny = [flag for flag in TINY if not flag.startswith("--comparisons")]
    run = learn_from(tiny_run[1], tiny, tmp_path)
    rows = progress(run)
    assert {row["comparisons"] for row in rows} == {"6"}
    assert {row["stopped_asking"] for row in rows} == {"budget"}
    assert int(rows[-1]["gradient_steps"]) > 0
    assert rows[-1]["reward_model_loss"] != ""
    assert not (run / "comparisons.jsonl").exists()  # nothing was asked, and nothing is copied


def test_more_can_be_asked_beside_them(tiny_run: Finished, tmp_path: Path):
    run = learn_from(tiny_run[1], TINY, tmp_path)
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
    refused = type_here("main.py", "--solution", "--no-pictures", *typed, "--runs-dir", str(tmp_path / "runs"))
    assert refused.returncode == 2
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "runs").exists()


def test_a_run_does_not_go_on_from_other_answers_than_it_began_with(tiny_run: Finished, tmp_path: Path):
    """Such as those of a run that has been asking on, meanwhile."""
    source = Path(shutil.copytree(tiny_run[1], tmp_path / "source"))
    arguments = [
        "--solution",
        "--no-pictures",
        *TINY,
        "--comparisons-from",
        str(source),
        "--runs-dir",
        str(tmp_path / "runs"),
    ]

    def stop(row) -> None:
        if row["iteration"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(arguments, stop)
    (run,) = (tmp_path / "runs").iterdir()
    lines = (source / "comparisons.jsonl").read_text(encoding="utf-8")
    (source / "comparisons.jsonl").write_text("".join(lines.splitlines(keepends=True)[:-1]), encoding="utf-8")
    refused = type_here("main.py", "--resume", str(run))
    assert refused.returncode == 1
    assert "--comparisons-from gave 6 answers when the run began, and gives 5 now" in refused.stderr
    (source / "comparisons.jsonl").write_text(lines, encoding="utf-8")
    assert type_here("main.py", "--resume", str(run)).returncode == 0
