"""`compare.py` as typed."""

import csv
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, start_command, type_command
from made_up_runs import write_run
from PIL import Image
from typed_runs import write_typed_run
from warm import CAN_FORK

from compare import labels_without_dashes


def compared(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return type_command("compare.py", str(folder / "runs"), "--plots-dir", str(folder / "plots"), *flags)


def test_compare_prints_a_table_and_writes_the_figure(tmp_path: Path):
    for length in (5, 20):
        for seed in range(8):
            returns = [0, 100, 190 + length / 10]
            write_typed_run(tmp_path / "runs", f"--fragment-length {length}", returns, [0, 10, 15 + length], seed)
    unfinished = write_run(tmp_path / "runs", [0, 1], iterations=3)
    done = compared(tmp_path, "--x", "comparisons")
    assert done.returncode == 0, done.stderr
    fewer = "comparisons -15 (-15 to -15) | needs fewer comparisons (35 → 20, p < 0.001)"
    five, defaults = done.stdout.splitlines()[2:]
    assert five == f"| --fragment-length 5 | 8 | 190.5 (190.5 to 190.5), IQM | 100% | 20 (20 to 20) | 24.0 | {fewer} |"
    assert defaults == "| the defaults | 8 | 192.0 (192.0 to 192.0), IQM | 100% | 35 (35 to 35) | 24.0 |  |  |"
    assert f"Left out: {unfinished}: not finished: 1 of 3 iterations." in done.stderr
    with (tmp_path / "plots" / "comparison.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["group"], row["n"], row["statistic"]) for row in rows] == [
        ("--fragment-length 5", "8", "IQM"),
        ("the defaults", "8", "IQM"),
    ]
    with Image.open(tmp_path / "plots" / "comparison.png") as picture:
        assert picture.size[0] >= 1500
    assert "<svg" in (tmp_path / "plots" / "comparison.svg").read_text(encoding="utf-8")


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
    done = compared(tmp_path, "--name", "both")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("| runs | n |") == 2
    assert done.stdout.count("| solved |") == 1, "nobody says when Pendulum is"
    figures = sorted(path.name for path in (tmp_path / "plots").glob("*.png"))
    assert figures == ["both-FixedHorizonCartPole-v0.png", "both-Pendulum-v1.png"]


def test_another_baseline_some_groups_and_pools_are_chosen_by_what_is_typed(tmp_path: Path):
    for flags in ("", "--query uniform", "--query uniform --fragment-length 5", "--fragment-length 50"):
        write_typed_run(tmp_path / "runs", flags, [0, 100, 195])
    lines = compared(tmp_path, "--baseline", "--query uniform", "--only", "--fragment-length 5").stdout.splitlines()
    assert "| against --query uniform (95 % interval) | beyond chance? |" in lines[0]
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| --fragment-length 5 --query uniform"]
    assert lines[2].endswith("| comparisons 0 | no difference that 1 seed can show |")
    pooled = compared(tmp_path, "--group-by", "fragment_length").stdout.splitlines()[2:]
    assert [line.split(" | ")[:2] for line in pooled] == [
        ["| --fragment-length 5", "1"], ["| --fragment-length 20", "2"], ["| --fragment-length 50", "1"],
    ]  # fmt: skip
    wrong = compared(tmp_path, "--baseline", "--query unifrom", "--name", "wrong")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--baseline query unifrom: no group is called so; there are: " in wrong.stderr
    assert not list((tmp_path / "plots").glob("wrong*"))


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (["--baseline", "--query uniform"], ["--baseline", "query uniform"]),
        (["--baseline", "--query", "uniform", "--x", "seconds"], ["--baseline", "query uniform", "--x", "seconds"]),
        (["--baseline=--query uniform"], ["--baseline=query uniform"]),
        (["runs", "--only", "--no-pretrain", "--dropout 0.1"], ["runs", "--only", "no-pretrain", "dropout 0.1"]),
        (["--group-by", "--query", "--follow"], ["--group-by", "query", "--follow"]),
        (["--only", "a", "--help"], ["--only", "a", "--help"]),
        (["--x", "--only", "--y"], ["--x", "--only", "y"]),
    ],
)
def test_labels_are_not_taken_for_flags(typed: list[str], read: list[str]):
    assert labels_without_dashes(typed) == read


def test_figures_go_where_git_does_not_look_unless_another_place_is_named():
    for program in ("compare.py", "sweep.py"):
        text = (ROOT / program).read_text(encoding="utf-8")
        (place,) = re.findall(r'plots_dir: Path = Path\("(.*)"\)', text)
        ignored = subprocess.run(["git", "check-ignore", "-q", f"{place}/comparison.png"], cwd=ROOT)
        assert ignored.returncode == 0, f"{program} writes to {place}"


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C cannot be typed for one program on Windows")
def test_following_goes_on_until_ctrl_c(tmp_path: Path):
    write_typed_run(tmp_path / "runs", "", [0, 100, 195])
    plots = tmp_path / "plots"
    process = start_command("compare.py", str(tmp_path / "runs"), "--plots-dir", str(plots), "--follow")
    deadline = time.monotonic() + 120
    while "comparison.png" not in ((plots / "comparison.html").read_text() if plots.exists() else ""):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
