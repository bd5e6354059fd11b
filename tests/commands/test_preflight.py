"""Whether a computer is ready is told in one line, by any Python from 3.8 on."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT

import preflight

Ask = Callable[..., str]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """The line that is printed where these of the checks give something else, or raise it."""

    def asked(code: int, **checks: object) -> str:
        for name, outcome in checks.items():

            def check(*_: object, outcome: object = outcome) -> object:
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome

            monkeypatch.setattr(preflight, name, check)
        assert preflight.main() == code
        line = capsys.readouterr().out
        assert line.count("\n") == 1
        return line

    return asked


def test_a_computer_that_is_ready_says_so_as_typed():
    typed = subprocess.run([sys.executable, "preflight.py"], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (typed.returncode, typed.stderr) == (0, "")
    assert re.fullmatch(
        r"[^;]+; \w+ \w+; Python 3\.\d+\.\S+; installed; \d+ GB free; [^;]+; READY in \d+ s\n", typed.stdout
    )


def test_python_3_8_and_nothing_installed_will_do():
    source = (ROOT / "preflight.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 8))
    names = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    assert names <= sys.stdlib_module_names
    assert "removeprefix" not in source


def test_a_clone_without_an_environment_is_told_how_to_make_one(tmp_path: Path):
    shutil.copy(ROOT / "preflight.py", tmp_path)
    shutil.copytree(ROOT / "workshop", tmp_path / "workshop")
    tried = subprocess.run(
        [sys.executable, "-S", "preflight.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (tried.returncode, tried.stderr) == (1, "")
    assert "; not installed; " in tried.stdout
    assert re.search(
        r"NOT READY: nothing in the way; to install, type \S+ -m venv .venv, and then \S+ -m pip", tried.stdout
    )


def test_what_is_in_the_way_ends_the_line(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert ask(0, small_run=7.4).endswith("; READY in 7 s\n")
    assert "NOT READY: x y\n" in ask(1, port=preflight.NotReadyError("x\ny"))
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 100_000_000))
    assert "NOT READY: 0.1 GB are free, and 0.3 are needed" in ask(1)


def test_a_run_that_fails_ends_the_line_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "main.py").write_text("import sys; print('why', file=sys.stderr); sys.exit(3)")
    monkeypatch.setattr(preflight, "ROOT", tmp_path)
    with pytest.raises(preflight.NotReadyError, match="exit code 3: why"):
        preflight.small_run(sys.executable)
    with pytest.raises(preflight.NotReadyError, match="does not start"):
        preflight.small_run(str(tmp_path / "python"))
