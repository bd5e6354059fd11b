"""What to type where several values follow a flag that takes one: a sweep runs each of them."""

import shlex
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import PurePath

from workshop.flags import typed_flags

TEXTS = ("--goal", "--labeller")  # in which spaces are easily typed without quotes
BY_THE_SWEEP = ("--name", "--runs-dir")  # which it takes itself
ONE_RUN = (*BY_THE_SWEEP, "--host", "--port", "--oracle")  # what nobody wants several of
NO_RUN = ("--watch", "--chat", "--resume", "--check", "--hint")


def instead_of_several(arguments: Sequence[str], lists: Collection[str], flag: str, program: str = "main.py") -> str:
    """What to type for a run with each of the values after this flag among the arguments, "" if that makes no sense.

    `lists` are the flags whose one value is made of several, `program` is what was typed.
    """
    typed = dict(typed_flags(arguments))  # of a flag typed twice the last counts
    if flag in TEXTS:
        return f'put quotes around a text with spaces: {flag} "{" ".join(typed[flag])}".'
    if flag in ONE_RUN or {*NO_RUN} & {*typed}:
        return ""
    swept, passed_on = list[str](), list[str]()
    for name, values in typed.items():
        if name == "--seed":
            swept += ["--seeds", str(len({*values})), "--first-seed", min(values, key=lambda each: (len(each), each))]
        elif name:
            several = len(values) > 1 and name not in lists
            (swept if several or name in BY_THE_SWEEP else passed_on).extend([name, *values])
    which = [] if program == "main.py" else ["--program", PurePath(program).stem]
    command = _command([*which, *swept, *(["--", *passed_on] if passed_on else [])])
    return f"{command} runs each of them, and compares what comes of it."


def _command(arguments: Sequence[str]) -> str:
    command = ["python", "sweep.py", *arguments]
    return subprocess.list2cmdline(command) if sys.platform == "win32" else shlex.join(command)
