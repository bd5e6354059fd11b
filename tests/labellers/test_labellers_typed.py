"""Labellers who want different things, as they are typed: what a run leaves, goes on from, and refuses."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import type_command, type_here

from workshop.records import read_records

SMALL = [
    "--solution", "--no-pictures", "--total-timesteps=4000", "--iterations=3", "--comparisons=9", "--n-envs=4",
    "--ensemble-size=3", "--reward-epochs=3", "--evaluation-episodes=2",
]  # fmt: skip


def run(runs_dir: Path, *typed: str) -> Path:
    done = type_command("main.py", *SMALL, "--runs-dir", str(runs_dir), *typed)
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout)["run"])


def rows(path: Path, leave_out: str = "seconds") -> list[dict[str, str]]:
    with (path / "progress.csv").open(encoding="utf-8") as file:
        return [{name: cell for name, cell in row.items() if name != leave_out} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two groups."""
    return run(tmp_path_factory.mktemp("two"), "--labellers", "upright:1", "spin:1")


def test_one_group_that_wants_the_true_reward_changes_nothing(tmp_path: Path):
    alone, today = run(tmp_path, "--labellers", "upright:3"), run(tmp_path)
    assert rows(alone) == rows(today)
    assert (alone / "reward_model.pt").read_bytes() == (today / "reward_model.pt").read_bytes()
    answers = [
        [json.loads(line)["preference"] for line in (path / "comparisons.jsonl").read_text().splitlines()]
        for path in (alone, today)
    ]
    assert answers[0] == answers[1]
    assert json.loads((alone / "result.json").read_text())["solved"] is False  # the true reward still says


def test_what_two_groups_leave(two: Path):
    last = rows(two)[-1]
    assert list(last)[-6:] == [
        "return_upright",
        "return_spin",
        "got_upright",
        "got_spin",
        "agrees_upright",
        "agrees_spin",
    ]
    assert last["return_upright"] == last["true_return_mean"]
    result = json.loads((two / "result.json").read_text())
    assert result["solved"] is None
    assert all(row["reward_hacking"] == "0" for row in rows(two))
    assert (two / "plots" / "aligned_to_who.png").stat().st_size > 10_000
    with (two / "groups.csv").open() as file:
        assert [row["group"] for row in csv.DictReader(file)] == ["upright", "spin"]


def test_the_record_names_who_answered_and_gives_the_groups_back(two: Path, tmp_path: Path):
    named = [json.loads(line)["labeller"] for line in (two / "comparisons.jsonl").read_text().splitlines()]
    assert set(named) == {"upright", "spin"}
    other = run(tmp_path, "--seed", "1", "--labellers", "still:1")
    merged = read_records([two, other])
    assert sorted(merged.labellers) == sorted([*named, *["still"] * 9])
    learned = run(tmp_path, "--comparisons=0", "--comparisons-from", str(two), "--align-to", "spin")
    with np.load(learned / "comparisons_from.npz") as kept:
        assert kept["labellers"].tolist() == named
    flags = ["--solution", "--runs-dir", str(tmp_path), "--comparisons-from", str(two), "--align-to", "bob"]
    refused = type_here("main.py", *flags)
    assert refused.returncode == 2
    assert "--align-to bob" in refused.stderr
    assert "spin, upright" in refused.stderr


@pytest.mark.parametrize(
    "align_to", ["worst-off", *(pytest.param(name, marks=pytest.mark.endurance) for name in ("turns", "spin"))]
)
def test_each_way_of_aligning_runs(tmp_path: Path, align_to: str):
    assert len(rows(run(tmp_path, "--labellers", "upright:2", "spin:1", "--align-to", align_to))) == 4


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("--labellers upright:1 sideways:1", "sideways"),
        ("--labellers upright:-1 spin:1", "upright:-1"),
        ("--labellers spin:0", "spin:0"),
        ("--labellers spin:1 --env Pendulum-v1", "spin"),
        ("--labellers upright:1 spin:1 --align-to left", "left"),
        ("--labellers spin:1 --align-to worst-off", "worst-off"),
        ("--align-to turns", "turns"),
        ("--labellers spin:1 --oracle terminal", "--labellers"),
        ("--labellers spin:1 --reward true", "--labellers"),
    ],
)
def test_refused_in_a_sentence_before_anything_runs(tmp_path: Path, typed: str, part: str):
    done = type_here("main.py", "--solution", "--runs-dir", str(tmp_path / "runs"), *typed.split())
    assert done.returncode == 2
    assert part in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()
