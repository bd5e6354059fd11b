"""The code's style, the participant's own lines excepted."""

import shutil
import subprocess
import sys
from pathlib import Path

from conftest import ROOT, write_workshop


def test_ruff_finds_nothing(tmp_path: Path):
    write_workshop(tmp_path, "# TODO: the exercise\nraise NotImplementedError")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("tests", "benchmarks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for command in (["check"], ["format", "--check", "--diff"]):
        finished = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."], cwd=tmp_path, capture_output=True, text=True
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
