"""A command that is forked from the warm process does what it does in a Python that has been started for it."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, start_command, type_command
from warm import CAN_FORK

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="commands are forked on Linux alone")

CODES = {
    "output": "import sys; print('ä'); print('error', file=sys.stderr)",
    "exit code": "raise SystemExit(3)",
    "last words": "raise SystemExit('why')",
    "error": "import json; json.loads('{')",
    "Ctrl-C": "raise KeyboardInterrupt",
    "SIGTERM": "import os; print('before', flush=True); os.kill(os.getpid(), 15)",
    "SIGINT, unless it is caught": "import signal; print(signal.getsignal(2), signal.pthread_sigmask(0, []))",
    "at the end": "import atexit; atexit.register(print, 'end')",
    "threads": "import threading; threading.Timer(0.1, print, ['late']).start()",
    "arguments": "import sys; print(sys.argv, sys.path, __name__)",
    "environment": "import os; print(sorted(os.environ.items()), os.getcwd(), os.umask(0))",
    "files": "import os; print([n for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}')])",
    "threads before": "import os; print(os.listdir('/proc/self/task') == [str(os.getpid())])",
    "children": "import subprocess; print(subprocess.run(['false']).returncode)",
    "input": "print(input().upper())",
}


def assert_same(*command: str, cwd: Path = ROOT) -> None:
    forked, anew = (type_command(*command, cwd=cwd, typed="word\n", anew=anew) for anew in (False, True))
    assert (forked.returncode, forked.stdout) == (anew.returncode, anew.stdout)
    assert forked.stderr == anew.stderr


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_code_does_the_same(code: str, tmp_path: Path):
    assert_same("-c", code, "one", "--two", cwd=tmp_path)


def test_files_and_modules_do_the_same(tmp_path: Path):
    (tmp_path / "beside.py").write_text("WORD = 'beside'\n", encoding="utf-8")
    text = "import sys, beside\nprint(__file__, sys.argv, sys.path[0], __name__, beside.WORD)\n1 / 0\n"
    (tmp_path / "program.py").write_text(text, encoding="utf-8")
    assert_same("program.py", "3", cwd=tmp_path)
    assert_same(str(tmp_path / "program.py"))
    (tmp_path / "program.py").write_text(text.replace("1 / 0", ""), encoding="utf-8")
    assert_same("-m", "program", "3", cwd=tmp_path)


@pytest.mark.parametrize("anew", [False, True])
def test_a_command_hears_signals_wherever_the_tests_were_started(anew: bool):
    """In the background SIGINT is ignored, by what is started there too."""
    code = "import time; print('here', flush=True); time.sleep(60)"
    with start_command("-c", code, new_session=True, anew=anew) as process:
        assert process.stdout.readline() == "here\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT


def test_what_the_project_has_is_imported_from_where_it_is_typed(tmp_path: Path):
    (tmp_path / "workshop").mkdir()
    (tmp_path / "workshop" / "__init__.py").write_text("WORD = 'another'\n", encoding="utf-8")
    assert type_command("-c", "import workshop; print(workshop.WORD)", cwd=tmp_path).stdout == "another\n"
