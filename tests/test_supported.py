"""Where the workshop does not run it says so at once, with what to type, before it imports a package."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from workshop import supported

BEFORE_THE_SENTENCE = ("main.py", "workshop/__init__.py", "workshop/supported.py")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Another Python on another machine, in a clone without .venv, where some packages are missing."""

    def pretend(version: tuple[int, int], system: str, machine: str, missing: list[str]) -> None:
        monkeypatch.setattr(supported.sys, "version_info", (*version, 0))
        monkeypatch.setattr(supported.sys, "platform", system)
        monkeypatch.setattr(supported.sys, "prefix", sys.base_prefix)
        monkeypatch.setattr(supported.sys, "argv", ["main.py", "--solution"])
        monkeypatch.setattr(supported.platform, "machine", lambda: machine)
        monkeypatch.setattr(supported.importlib.util, "find_spec", lambda name: None if name in missing else object())
        monkeypatch.setattr(supported, "ROOT", tmp_path)
        monkeypatch.delenv("CONDA_DEFAULT_ENV", raising=False)

    return pretend


@pytest.mark.parametrize(
    ("version", "system", "machine", "missing", "said", "typed"),
    [
        ((3, 11), "linux", "x86_64", [], "", ""),
        ((3, 14), "darwin", "arm64", [], "", ""),
        ((3, 15), "linux", "x86_64", [], "", ""),  # somebody has made them by hand
        ((3, 9), "linux", "x86_64", ["torch"], "This is Python 3.9, and", "python3.12 -m venv .venv"),
        ((3, 10), "win32", "AMD64", [], "This is Python 3.10, and", "py -3.12 -m venv .venv"),
        ((3, 15), "linux", "x86_64", ["torch"], "This is Python 3.15, for which PyTorch", "python3.12 -m venv .venv"),
        ((3, 12), "darwin", "x86_64", ["torch"], "not made for Intel's Macs", "notebooks/workshop.ipynb"),
        ((3, 9), "darwin", "x86_64", ["torch"], "not made for Intel's Macs", "notebooks/workshop.ipynb"),
        ((3, 12), "win32", "ARM64", ["torch"], "install the one for x86-64", "py -3.12 -m venv .venv"),
        ((3, 12), "win32", "AMD64", ["torch"], "torch is not there for", "pip install -r requirements.txt"),
        ((3, 12), "linux", "x86_64", ["torch", "tqdm"], "torch, tqdm are not there for", "-m venv .venv, and then"),
        (
            (3, 12),
            "linux",
            "x86_64",
            list(supported.NEEDED),
            "stable_baselines3 and others are not",
            ".venv/bin/python",
        ),
    ],
)
def test_what_is_wrong_comes_with_what_to_type(
    version: tuple[int, int], system: str, machine: str, missing: list[str], said: str, typed: str, elsewhere
):
    elsewhere(version, system, machine, missing)
    wrong = supported.what_is_wrong()
    assert (said in wrong and typed in wrong) if said else wrong == ""
    assert bool(supported.not_made_for()) == ("This" in wrong or "Intel" in wrong) or version == (3, 15)


@pytest.mark.parametrize("version", [(3, 9), (3, 12), (3, 15)])
def test_who_forgot_to_activate_the_environment_is_given_the_same_command_in_it(
    version: tuple[int, int], elsewhere, tmp_path: Path
):
    elsewhere(version, "linux", "x86_64", ["numpy"])
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    assert supported.what_is_wrong().endswith(": type .venv/bin/python main.py --solution")


def test_an_environment_of_ones_own_is_installed_into(elsewhere, monkeypatch: pytest.MonkeyPatch):
    elsewhere((3, 12), "linux", "x86_64", ["numpy"])
    monkeypatch.setenv("CONDA_DEFAULT_ENV", "rlhf")
    assert "venv" not in supported.what_is_wrong().partition(": type ")[2].replace(sys.executable, "")


@pytest.mark.parametrize("program", ["main.py", "llm.py", "compare.py", "sweep.py", "export.py"])
def test_a_python_without_the_packages_is_told_so_in_one_sentence(program: str, tmp_path: Path):
    for name in (program, "main.py", "workshop"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        if not (tmp_path / name).exists():
            copy(ROOT / name, tmp_path / name)
    # -S: without site-packages, as in a Python that nothing was installed for
    tried = subprocess.run([sys.executable, "-S", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (tried.returncode, tried.stdout) == (2, "")
    assert tried.stderr.startswith("torch, gymnasium, stable_baselines3 and others are not there for ")
    assert tried.stderr.count("\n") == 1


@pytest.mark.parametrize("file", BEFORE_THE_SENTENCE)
def test_old_pythons_understand_what_comes_before_the_sentence(file: str):
    ast.parse((ROOT / file).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_main_comes_to_the_sentence_before_it_imports_a_package():
    first = [node for node in ast.parse((ROOT / "main.py").read_text()).body if isinstance(node, ast.ImportFrom)]
    modules = [node.module for node in first]
    assert set(modules[: modules.index("workshop")]) <= sys.stdlib_module_names


def test_make_asks_whether_the_packages_are_made_for_this_python():
    tried = subprocess.run([sys.executable, "workshop/supported.py"], cwd=ROOT, capture_output=True, text=True)
    assert (tried.returncode, tried.stderr) == (0, "")


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("make"), reason="make on Linux")
def test_make_takes_the_small_pytorch_on_linux_unless_a_gpu_is_asked_for(tmp_path: Path):
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    dry = ["make", "--dry-run", "demo", f"PYTHON={sys.executable}"]
    plain, gpu = (
        subprocess.run([*dry, *more], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for more in ([], ["GPU=1"])
    )
    small = [line for line in plain.splitlines() if "https://download.pytorch.org/whl/cpu" in line]
    assert len(small) == 1
    assert plain.index("whl/cpu") < plain.index("-r requirements.txt"), "first, so that it is there already"
    assert "whl/cpu" not in gpu


def test_what_is_needed_is_what_is_installed():
    """All of requirements.txt, by the names that they are imported by, but for what only some environments take."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = {line.partition("==")[0].partition("[")[0] for line in lines if "==" in line}
    imported = {"pillow": "PIL"} | {name: name.replace("-", "_") for name in pinned - {"pillow"}}
    assert {imported[name] for name in pinned - {"mujoco", "imageio", "box2d"}} == set(supported.NEEDED)
