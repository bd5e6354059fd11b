"""`main.py --comparisons-from`: learning from answers that were given in other runs."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import TINY, Finished, progress, type_here

from workshop.records import read_run
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


def test_a_person_who_is_asked_nothing_has_no_report_and_loses_nothing(tiny_run: Finished, tmp_path: Path):
    """With other runs' answers --comparisons is 0 by default, so nobody is asked."""
    tiny = [flag for flag in TINY if not flag.startswith("--comparisons")]
    flags = [*tiny, "--oracle", "terminal", "--comparisons-from", str(tiny_run[1]), "--no-pictures"]
    finished = type_here("main.py", "--solution", *flags, "--runs-dir", str(tmp_path))
    assert finished.returncode == 0, finished.stderr
    assert "Nobody was asked anything." in finished.stderr
    (run,) = tmp_path.iterdir()
    assert {"agent.zip", "reward_model.pt", "result.json"} <= {path.name for path in run.iterdir()}


def test_a_report_that_cannot_be_made_costs_nothing_else(
    tiny_run: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise ZeroDivisionError("by a report")

    monkeypatch.setattr("oracle.SyntheticOracle.finish", fail)
    monkeypatch.setattr("workshop.program.run.explain", fail)
    finished = type_here("main.py", "--solution", *TINY, "--no-pictures", "--runs-dir", str(tmp_path))
    assert finished.returncode == 0, finished.stderr
    assert "The report on the labeller could not be made: ZeroDivisionError: by a report.\n" in finished.stderr
    assert "The comparison of choice models could not be made: ZeroDivisionError: by a report.\n" in finished.stderr
    (run,) = tmp_path.iterdir()
    assert json.loads(finished.stdout) == json.loads((run / "result.json").read_text())
    assert {"agent.zip", "reward_model.pt"} <= {path.name for path in run.iterdir()}


def recorded_for(goal: str, tiny_run: Finished, folder: Path) -> Path:
    """A record of a person's who judged by this goal."""
    run = Path(shutil.copytree(tiny_run[1], folder / (goal.replace(" ", "-") or "none")))
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"goal": goal, "oracle": "human"}))
    return run


def test_answers_to_different_goals_are_not_mixed_by_mistake(tiny_run: Finished, tmp_path: Path):
    spin, lean = (recorded_for(goal, tiny_run, tmp_path) for goal in ("spin the pole", "lean left"))
    tiny = ["--solution", "--no-pictures", *(flag for flag in TINY if not flag.startswith("--comparisons"))]

    def learn(*flags: str) -> subprocess.CompletedProcess[str]:
        return type_here("main.py", *tiny, *flags, "--runs-dir", str(tmp_path / "runs"))

    for flags in (
        [str(spin), str(lean)],
        [str(spin), str(tiny_run[1])],
        [str(spin), "--comparisons", "2"],  # asked of the synthetic oracle, which goes by the true reward
        [str(spin), "--comparisons", "2", "--oracle", "terminal", "--goal", "lean left"],
    ):
        refused = learn("--comparisons-from", *flags)
        assert refused.returncode == 2, flags
        assert refused.stderr.count("\n") == 1
        assert '"spin the pole"' in refused.stderr
        assert "--mix-goals" in refused.stderr
        assert not (tmp_path / "runs").exists()
    assert learn("--comparisons-from", str(spin), str(lean), "--mix-goals").returncode == 0


def test_a_run_has_the_goal_of_the_answers_that_it_learns_from(tiny_run: Finished, tmp_path: Path):
    """So nothing is called solved, or hacked, whatever the true return is."""
    spin = recorded_for("spin the pole", tiny_run, tmp_path)
    tiny = [flag for flag in TINY if not flag.startswith("--comparisons")]
    run = learn_from(spin, tiny, tmp_path / "runs")
    assert json.loads((run / "config.json").read_text())["goal"] == "spin the pole"
    assert json.loads((run / "result.json").read_text())["solved"] is None
    assert read_run(run).solved_at is None
    assert read_run(tiny_run[1]).solved_at == 190


@pytest.mark.parametrize("flags", [["--goal", "spin"], ["--goal", "spin", "--reward", "true"]])
def test_a_goal_is_for_a_person(flags: list[str]):
    refused = type_here("main.py", "--solution", *flags)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.startswith("--goal is what a person judges by")
