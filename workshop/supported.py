"""Where the workshop runs: said at once, before the first package is imported, with what to do elsewhere.

This file, and what comes before it, must be understood by Python 3.8, too.
"""

import importlib.util
import platform
import sys

OLDEST, NEWEST = (3, 11), (3, 14)
NEEDED = (
    "torch", "gymnasium", "stable_baselines3", "numpy", "scipy", "matplotlib", "tqdm", "tensorboard", "PIL", "joblib",
    "threadpoolctl", "filelock", "optuna", "psutil", "cyclopts", "docstring_parser", "msgspec", "flask", "waitress",
)  # fmt: skip


def what_is_wrong() -> str:
    """A sentence with what to do; "" if the programs can run."""
    running, system, machine = sys.version_info[:2], sys.platform, platform.machine()
    version = ".".join(map(str, running))
    if running < OLDEST:
        return f"This is Python {version}, and the workshop needs 3.11 to 3.14: install one, and make .venv with it."
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if not missing:
        return ""
    if running > NEWEST:
        return (
            f"This is Python {version}, for which PyTorch and others are not made yet: install 3.11 to 3.14, and make "
            ".venv with it."
        )
    if system == "darwin" and machine == "x86_64":
        return (
            "PyTorch is not made for Intel's Macs any more: use another computer, or a notebook in the cloud. (If this "
            "Mac has an Apple processor, its Python is one for Intel's: install one for Apple silicon.)"
        )
    if system == "win32" and machine.upper() == "ARM64":
        return (
            "This is a Python for Windows on ARM, for which some packages are not made: install the one for x86-64 of "
            "python.org, which Windows on ARM runs too, and make .venv with it."
        )
    names = ", ".join(missing[:3]) + (" and others are" if missing[3:] else " is" if len(missing) == 1 else " are")
    return (
        f"{names} not there for {sys.executable}: if there is a .venv, use the python in it; else make one and install "
        "requirements.txt, as README.md says."
    )


def require() -> None:
    """End the program with exit code 2, and a sentence, where it cannot run."""
    wrong = what_is_wrong()
    if wrong:
        print(wrong, file=sys.stderr)
        sys.exit(2)
