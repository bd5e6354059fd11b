"""Is this computer ready for the workshop? `python preflight.py` says so in one line, to be pasted into a list.

It needs nothing installed, and runs from Python 3.8 on. The line ends with READY and the seconds that a small run took,
or with NOT READY and what to do.
"""

import contextlib
import importlib.util
import json
import os
import platform
import runpy
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parent
SUPPORTED = runpy.run_path(str(ROOT / "workshop" / "supported.py"))  # the workshop itself would want its packages
GB_TO_INSTALL, GB_TO_RUN = 4.0, 0.3  # what is installed, and what pip unpacks on the way; a few runs
SMALL_RUN = [
    "--solution", "--total-timesteps=1200", "--iterations=3", "--n-envs=2", "--comparisons=6", "--fragment-length=5",
    "--agent-hidden-sizes=8", "--no-pictures",
]  # fmt: skip
PATIENCE = 180  # seconds for the small run; the first one after installing is the slowest


class NotReadyError(Exception):
    """What is wrong and what to do, in a sentence."""


def main():
    """Print the line; the exit code is 0 where the computer is ready, else 1."""
    told = [platform.node() or "?", platform.system() + " " + platform.machine(), "Python " + platform.python_version()]
    try:
        python = environment()
        told.append("installed" if python else "not installed")
        told.append(disk(GB_TO_RUN if python else GB_TO_INSTALL))
        write_access()
        told.append(browser())
        port()
        if not python:
            suited()
            raise NotReadyError("nothing in the way; to install, type " + how_to_install())
        ending, code = "READY in {:.0f} s".format(small_run(python)), 0
    except NotReadyError as problem:
        ending, code = "NOT READY: " + " ".join(str(problem).split()), 1
    print("; ".join([*told, ending]))
    return code


def environment():
    """The Python in which the workshop is installed, "" if there is none yet."""
    own = SUPPORTED["environment_python"]()
    if own.exists():
        return str(own)
    return sys.executable if all(map(importlib.util.find_spec, SUPPORTED["NEEDED"])) else ""


def suited():
    """Whether this Python can make the environment."""
    wrong = SUPPORTED["not_made_for"]()
    if wrong:
        raise NotReadyError(wrong)
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        name = "python{}.{}-venv".format(*sys.version_info[:2])
        raise NotReadyError("this Python cannot make environments: type sudo apt install " + name)


def how_to_install():
    """The commands, as README.md has them."""
    python = SUPPORTED["environment_python"]().relative_to(ROOT)
    return "{} -m venv .venv, and then {} {}".format(Path(sys.executable).name, python, SUPPORTED["INSTALL"])


def disk(needed):
    """How much is free on the disk."""
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    if free < needed:
        raise NotReadyError("{:.1f} GB are free, and {:.1f} are needed: delete something".format(free, needed))
    return "{:.0f} GB free".format(free)


def write_access():
    """Whether files can be written beside the programs, where runs go."""
    try:
        with tempfile.TemporaryFile(dir=str(ROOT)) as file:
            file.write(b"runs")
    except OSError as problem:
        raise NotReadyError(
            "nothing can be written to {} ({}): move the folder".format(ROOT, problem.strerror)
        ) from None


def browser():
    """Whether there is a browser for the labelling page; a terminal will do."""
    has_screen = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    with contextlib.suppress(webbrowser.Error):
        if webbrowser.get() and has_screen:
            return "browser"
    return "no browser (label with --oracle terminal)"


def port():
    """Whether a page can be served on this machine, and reached."""
    try:
        with contextlib.closing(socket.socket()) as server:
            server.bind(("127.0.0.1", 0))
            server.listen(1)
            with contextlib.closing(socket.create_connection(server.getsockname(), timeout=10)):
                pass
    except OSError as problem:
        raise NotReadyError(
            "no page can be served on this computer ({}): let Python through the firewall".format(problem)
        ) from None


def small_run(python):
    """How long a run of a few seconds takes, in seconds."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as runs:
        command = [python, "main.py", *SMALL_RUN, "--runs-dir", runs]
        try:
            run = subprocess.run(
                command, cwd=str(ROOT), timeout=PATIENCE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                encoding="utf-8", errors="replace",
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise NotReadyError("a run of seconds took more than {} s: try it again".format(PATIENCE)) from None
        except OSError as problem:
            raise NotReadyError("{} does not start ({}): delete .venv".format(python, problem.strerror)) from None
    if run.returncode != 0:
        last = [line for line in run.stderr.splitlines() if line.strip()][-1:] or ["nothing said"]
        raise NotReadyError("python main.py --solution ended with exit code {}: {}".format(run.returncode, last[0]))
    json.loads(run.stdout.splitlines()[-1])
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
