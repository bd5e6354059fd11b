"""Where the workshop runs: said at once, before the first package is imported, with what to type elsewhere.

This file, and what comes before it, must be understood by Python 3.8, too. `python workshop/supported.py` says whether
this Python is one for which the packages are made, before any of them is installed.
"""

import importlib.util
import os
import platform
import shlex
import sys
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 14)
NEEDED = (
    "torch", "gymnasium", "stable_baselines3", "numpy", "scipy", "matplotlib", "tqdm", "tensorboard", "PIL", "joblib",
    "threadpoolctl", "filelock", "optuna", "psutil", "cyclopts", "docstring_parser", "msgspec", "flask", "segno",
    "waitress",
)  # fmt: skip
INSTALL = "-m pip install -r requirements.txt"
ROOT = Path(__file__).resolve().parents[1]


def what_is_wrong() -> str:
    """A sentence with what to do; "" if the programs can run."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if not missing and sys.version_info[:2] >= OLDEST:
        return ""
    python = environment_python()
    if python.exists() and Path(sys.prefix) != ROOT / ".venv":
        again = shlex.join([str(python.relative_to(ROOT)), *(sys.argv if sys.argv[0] else ["main.py"])])
        return f"This Python is not the one in .venv, where the workshop is installed: type {again}"
    unsuited = not_made_for()
    if unsuited:
        return unsuited
    names = ", ".join(missing[:3]) + (" and others are" if missing[3:] else " is" if len(missing) == 1 else " are")
    running = shlex.quote(sys.executable)
    own = sys.prefix != sys.base_prefix or os.environ.get("CONDA_DEFAULT_ENV", "base") != "base"
    then = f"{python.relative_to(ROOT)} {INSTALL}"
    command = f"{running} {INSTALL}" if own else f"{running} -m venv .venv, and then {then}"
    return f"{names} not there for {sys.executable}: type {command}"


def not_made_for() -> str:
    """A sentence with what to do, if the packages are not made for this Python or this machine; else ""."""
    running, system, machine = sys.version_info[:2], sys.platform, platform.machine()
    version = ".".join(map(str, running))
    venv = "py -3.12 -m venv .venv" if system == "win32" else "python3.12 -m venv .venv"
    if system == "darwin" and machine == "x86_64":
        return (
            "PyTorch is not made for Intel's Macs any more: use another computer, or notebooks/workshop.ipynb in the "
            "cloud. (If this Mac has an Apple processor, its Python is one for Intel's: install one for Apple silicon, "
            f"and type {venv})"
        )
    if running < OLDEST:
        return f"This is Python {version}, and the workshop needs 3.11 to 3.14: install one, and type {venv}"
    if running > NEWEST:
        return (
            f"This is Python {version}, for which PyTorch and others are not made yet: install 3.11 to 3.14, and type "
            f"{venv}"
        )
    if system == "win32" and machine.upper() == "ARM64":
        return (
            "This is a Python for Windows on ARM, for which some packages are not made: install the one for x86-64 of "
            f"python.org, which Windows on ARM runs too, and type {venv}"
        )
    return ""


def environment_python() -> Path:
    """The Python of the environment that README.md and make set up, whether it is there or not."""
    return ROOT / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def require() -> None:
    """End the program with exit code 2, and a sentence, where it cannot run."""
    end_with(what_is_wrong())


def end_with(wrong: str) -> None:
    """End the program with exit code 2, and the sentence, if there is one."""
    if wrong:
        print(wrong, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    end_with(not_made_for())
