"""Where the workshop does not run it says so at once, with what to do, before it imports a package."""

import subprocess
import sys
from pathlib import Path

import pytest

from workshop import supported


@pytest.mark.parametrize(
    ("version", "system", "machine", "missing", "said"),
    [
        ((3, 11), "linux", "x86_64", [], ""),
        ((3, 14), "darwin", "arm64", [], ""),
        ((3, 15), "linux", "x86_64", [], ""),  # somebody has made them by hand
        ((3, 10), "linux", "x86_64", [], "This is Python 3.10, and the workshop needs 3.11 to 3.14"),
        ((3, 15), "linux", "x86_64", ["torch"], "This is Python 3.15, for which PyTorch and others are not made yet"),
        ((3, 12), "darwin", "x86_64", ["torch"], "not made for Intel's Macs"),
        ((3, 12), "win32", "ARM64", ["torch"], "install the one for x86-64"),
        ((3, 12), "win32", "AMD64", ["torch"], "torch is not there for"),
        ((3, 12), "linux", "x86_64", ["torch", "tqdm"], "torch, tqdm are not there for"),
        ((3, 12), "linux", "x86_64", list(supported.NEEDED), "torch, gymnasium, stable_baselines3 and others are not"),
    ],
)
def test_what_is_wrong_comes_with_what_to_do(
    version: tuple[int, int], system: str, machine: str, missing: list[str], said: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supported.sys, "version_info", (*version, 0))
    monkeypatch.setattr(supported.sys, "platform", system)
    monkeypatch.setattr(supported.platform, "machine", lambda: machine)
    monkeypatch.setattr(supported.importlib.util, "find_spec", lambda name: None if name in missing else object())
    wrong = supported.what_is_wrong()
    assert (said in wrong) if said else wrong == ""


@pytest.mark.parametrize("program", ["main.py", "compare.py", "sweep.py", "export.py"])
def test_a_python_without_the_packages_is_told_so_in_one_sentence(program: str):
    root = Path(__file__).parents[1]
    # -S: without site-packages, as in a Python that nothing was installed for
    tried = subprocess.run([sys.executable, "-S", program], cwd=root, capture_output=True, text=True, timeout=60)
    assert (tried.returncode, tried.stdout) == (2, "")
    assert tried.stderr.startswith("torch, gymnasium, stable_baselines3 and others are not there for ")
    assert tried.stderr.count("\n") == 1


def test_what_is_needed_is_what_is_installed():
    """All of requirements.txt, by the names that they are imported by, but for what only some environments take."""
    lines = (Path(__file__).parents[1] / "requirements.txt").read_text().splitlines()
    pinned = {line.partition("==")[0].partition("[")[0] for line in lines if "==" in line}
    imported = {"pillow": "PIL"} | {name: name.replace("-", "_") for name in pinned - {"pillow"}}
    assert {imported[name] for name in pinned - {"mujoco", "imageio", "box2d"}} == set(supported.NEEDED)
