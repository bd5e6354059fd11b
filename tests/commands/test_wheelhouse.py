"""What is gathered for computers without internet: all that a platform needs, and nothing of another's."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

WHEELHOUSE = runpy.run_path(str(ROOT / "docs" / "wheelhouse.py"))
REQUIREMENTS = WHEELHOUSE["read_requirements"](ROOT / "requirements.txt")


def needed(platform: str, python: str = "3.12") -> dict[str, str]:
    packages = WHEELHOUSE["needed"](REQUIREMENTS, platform, python)
    return {package.partition("==")[0].lower().replace("_", "-"): package for package in packages}


@pytest.mark.parametrize("platform", WHEELHOUSE["PLATFORMS"])
def test_what_is_required_is_there_with_what_it_requires_itself(platform: str):
    packages = needed(platform)
    direct = [line.partition(";")[0].strip() for line in REQUIREMENTS]
    for line in direct:
        if not line.startswith("box2d"):
            name, _, version = line.partition("==")
            assert packages[name.partition("[")[0]].endswith(f"=={version}")
    assert {"sympy", "jinja2", "markupsafe", "werkzeug", "pygame-ce"} <= packages.keys(), "of torch, Flask and an extra"
    assert not any(name.startswith(("nvidia", "triton")) for name in packages)


def test_platforms_differ_by_what_their_markers_say():
    assert "colorama" in needed("windows-x86_64"), "which tqdm and others want there alone"
    assert "colorama" not in needed("linux-x86_64")
    assert "colorama" not in needed("macos-arm64")
    assert "box2d" in needed("macos-arm64")
    assert "box2d" not in needed("linux-aarch64"), "which is not made for it"
    assert "box2d" not in needed("macos-arm64", "3.14")


def test_the_small_pytorch_is_tried_first_on_linux_alone():
    for platform, indexes in (("linux-x86_64", [True, False]), ("windows-x86_64", [False])):
        torch, others = WHEELHOUSE["commands"](["numpy==1", "torch==2"], platform, "3.12", Path("here"))
        assert ["https://download.pytorch.org/whl/cpu" in command for command in torch] == indexes
        assert all("torch==2" in command and "numpy==1" not in command for command in torch)
        assert ["torch==2" in command or "numpy==1" not in command for command in others] == [False]


def test_what_cannot_be_had_ends_with_exit_code_1_as_typed(tmp_path: Path):
    (tmp_path / "wanted.txt").write_text("tqdm==4.70.1  # there\nno-such-package-at-all==9\n")
    flags = ["--requirements", str(tmp_path / "wanted.txt"), "--folder", str(tmp_path / "wheels")]
    command = [sys.executable, "docs/wheelhouse.py", "linux-x86_64", *flags]
    environment = {"PIP_NO_INDEX": "1", "PATH": ""}
    tried = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert tried.returncode == 1
    assert "linux-x86_64, Python 3.12: not everything could be had." in tried.stderr
    listed = subprocess.run([*command, "--list"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert listed.stdout == "linux-x86_64 3.12 no-such-package-at-all==9 tqdm==4.70.1\n"
