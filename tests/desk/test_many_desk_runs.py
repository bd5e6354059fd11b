"""Runs of `llm.py` beside each other: compared, swept, searched, and exported as prompt, chosen and rejected."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from conftest import Finished, type_here
from desk_runs import TINY_DESK
from made_up_runs import write_run
from typed_runs import write_typed_run

import llm
from workshop import DESK_ID
from workshop.flags import as_json
from workshop.language import VOCABULARY
from workshop.records.finished import find_runs, read_run

pytest_plugins = ["desk_fixtures"]


def made_up(parent: Path, flags: str, gold: list[float]) -> Path:
    """A run with all the options that `llm.py` would have given it, and with these gold scores."""
    options = as_json(llm.program.read_config(shlex.split(flags))) | {"env": DESK_ID, "fragment_length": 24}
    run = write_run(parent, gold, **{name: value for name, value in options.items() if name != "comparisons"})
    (run / "config.json").write_text(json.dumps(options | {"packages": {}}), encoding="utf-8")
    (run / "command.txt").write_text(f"python llm.py {flags}\n", encoding="utf-8")
    return run


def test_lines_are_called_by_their_flags_and_compared_with_the_defaults(tmp_path: Path):
    for seed in range(5):
        for flags, gold in (("", 7.0), ("--kl-coefficient 0", -9.0), ("--method dpo", 6.0)):
            made_up(tmp_path / "runs", f"{flags} --seed {seed}", [1.0, *[gold + seed / 10] * 3])
    compared = type_here("compare.py", str(tmp_path / "runs"), "--plots-dir", str(tmp_path / "plots"))
    assert compared.returncode == 0, compared.stderr
    labels = re.findall(r"^\| ([^|]*) \| 5 \|", compared.stdout, re.MULTILINE)
    assert sorted(labels) == ["--kl-coefficient 0", "--method dpo", "the defaults"]
    assert (tmp_path / "plots" / "comparison.png").stat().st_size > 10_000


def test_runs_at_the_desk_and_on_the_pole_have_figures_of_their_own(tmp_path: Path):
    made_up(tmp_path / "runs", "", [1.0, 7.0, 7.0, 7.0])
    write_typed_run(tmp_path / "runs", "", [10, 190])
    compared = type_here("compare.py", str(tmp_path / "runs"), "--plots-dir", str(tmp_path / "plots"))
    assert compared.returncode == 0, compared.stderr
    assert len(list((tmp_path / "plots").glob("*.png"))) == 2


@pytest.mark.usefixtures("quick")
def test_a_sweep_runs_each_value_once_and_a_search_tells_the_best_of_them(tmp_path: Path):
    places = ["--runs-dir", str(tmp_path / "runs"), "--plots-dir", str(tmp_path / "plots")]
    typed = ["sweep.py", "--program", "llm", "--kl-coefficient", "0", "0.1", "--seeds", "1", "--jobs", "1", *places]
    swept = type_here(*typed, "--", *TINY_DESK)
    assert swept.returncode == 0, swept.stderr
    runs = [read_run(path) for path in find_runs([tmp_path / "runs"])]
    assert sorted((run.options["kl_coefficient"], run.seed) for run in runs) == [(0, 0), (0.1, 0)]
    assert "--kl-coefficient 0.1" in swept.stdout
    again = type_here(*typed, "--", *TINY_DESK)
    assert "2 of 2 runs are there already." in again.stderr
    found = type_here(*typed, "--optimise", "true_return_mean", "--trials", "2", "--", *TINY_DESK)
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines()[-1].startswith("python llm.py --kl-coefficient 0")
    assert len(find_runs([tmp_path / "runs"])) == 2


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["--fragment-length", "5", "10"], "--fragment-length"),
        (["--kl-coefficient", "0", "-1"], "--kl-coefficient must be at least 0"),
        (["--chat", "runs"], "--chat begins no run"),
        (["--method", "ppo", "dpo", "--", "--kl-coefficient", "0"], "--kl-coefficient is for --method ppo, not dpo"),
        (["--oracle", "human"], "nobody can answer many runs at once"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(tmp_path: Path, typed: list[str], says: str):
    refused = type_here("sweep.py", "--program", "llm", "--runs-dir", str(tmp_path / "runs"), *typed)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert not (tmp_path / "runs").exists()


def test_an_export_has_the_columns_of_preference_datasets(desk_run: Finished, tmp_path: Path):
    exported = type_here("export.py", str(desk_run[1]), "--output", str(tmp_path / "out"))
    assert exported.returncode == 0, exported.stderr
    lines = (desk_run[1] / "comparisons.jsonl").read_text(encoding="utf-8").splitlines()
    preferences = [json.loads(line)["preference"] for line in lines]
    rows = [json.loads(line) for line in (tmp_path / "out" / "comparisons.jsonl").read_text("utf-8").splitlines()]
    assert [row["comparison"] for row in rows] == [n for n, answer in enumerate(preferences) if answer != 0.5]
    assert f"{len(rows)} pairs and {preferences.count(0.5)} ties" in exported.stderr
    (file,) = (desk_run[1] / "fragments").iterdir()
    with np.load(file) as arrays:
        for row in rows:
            assert list(row)[:3] == ["prompt", "chosen", "rejected"]
            n = row["comparison"]
            assert row["prompt"] == " ".join(VOCABULARY[token] for token in arrays["observations_a"][n, 0, :5])
            for column, side in zip(("chosen", "rejected"), "ba" if preferences[n] == 1 else "ab", strict=True):
                spoken = list(arrays[f"actions_{side}"][n])
                spoken = spoken[: spoken.index(0)] if 0 in spoken else spoken
                assert row[column] == " ".join(VOCABULARY[token] for token in spoken)
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    for field in rows[0]:
        assert f"`{field}`" in readme
