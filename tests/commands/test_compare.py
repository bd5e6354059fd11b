"""`compare.py` as typed."""

import csv
from pathlib import Path

from conftest import type_command
from made_up_runs import write_run
from PIL import Image
from warm import CAN_FORK


def test_compare_prints_a_table_and_writes_the_figure(tmp_path: Path):
    for length in (5, 10):
        for seed in range(8):
            write_run(tmp_path / "runs", [0, 100, 190 + length], seed=seed, fragment_length=length)
    unfinished = write_run(tmp_path / "runs", [0, 1], iterations=3)
    done = type_command("compare.py", str(tmp_path / "runs"), "--x", "comparisons", "--plots-dir", str(tmp_path / "p"))
    assert done.returncode == 0, done.stderr
    assert "| --fragment-length 5 | 8 | 195.0 (195.0 to 195.0), IQM | 100% | 20 (20 to 20) | 4.0 |" in done.stdout
    assert f"Left out: {unfinished}: not finished: 1 of 3 iterations." in done.stderr
    with (tmp_path / "p" / "comparison.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["group"], row["n"], row["statistic"]) for row in rows] == [
        ("--fragment-length 5", "8", "IQM"),
        ("--fragment-length 10", "8", "IQM"),
    ]
    with Image.open(tmp_path / "p" / "comparison.png") as picture:
        assert picture.size[0] >= 1500
    assert "<svg" in (tmp_path / "p" / "comparison.svg").read_text(encoding="utf-8")


def test_the_same_runs_give_the_same_bytes(tmp_path: Path):
    write_run(tmp_path / "runs", [0, 100, 200])
    for name in ("a", "b"):  # the second by a Python of its own, with other hashes of texts
        arguments = [str(tmp_path / "runs"), "--plots-dir", str(tmp_path / name)]
        done = type_command("compare.py", *arguments, anew=name == "b" or not CAN_FORK)
        assert done.returncode == 0, done.stderr
    for file in ("comparison.svg", "comparison.png", "comparison.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_each_environment_has_a_figure_of_its_own(tmp_path: Path):
    write_run(tmp_path / "runs", [0, 200])
    write_run(tmp_path / "runs", [-1500, -200], env="Pendulum-v1")
    done = type_command("compare.py", str(tmp_path / "runs"), "--name", "both", "--plots-dir", str(tmp_path / "plots"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("| runs | n |") == 2
    figures = sorted(path.name for path in (tmp_path / "plots").glob("*.png"))
    assert figures == ["both-FixedHorizonCartPole-v0.png", "both-Pendulum-v1.png"]
