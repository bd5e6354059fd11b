"""How the code stands: which way its arrows go, that rooms are entered by their face, and what fits a screen."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

# From the ground up: each may import what stands before it, and nothing that comes after.
FLOORS = (
    "supported", "__init__", "messages", "bounds", "safe_files", "state", "processes", "flags", "drawing",  # loose
    "data", "environments", "exercise", "networks", "labellers",
    "records", "agent", "language", "many_runs",
    "commands", "reports", "labelling", "program", "desk",
    "reward_model", "oracle", "preferences",  # the front rooms
    "main", "llm", "compare", "sweep", "export",
)  # fmt: skip
SHIPPED = [ROOT / name for name in subprocess.run(
    ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()]  # fmt: skip
PRODUCT = [path for path in SHIPPED if path.relative_to(ROOT).parts[0] not in ("tests", "benchmarks", "experiments")]


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """The project's own modules that a file imports, anywhere in it, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"workshop.{each.name}" for each in node.names] if node.module == "workshop" else [node.module]
        elif isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        for name in names:
            if name.split(".")[0] in ("workshop", *FLOORS):
                yield name, node.lineno


def floor_of(path: Path) -> str:
    """The room, the loose file or the program that a file belongs to."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[min(1, len(parts) - 1)]


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_go_down_and_rooms_are_entered_by_their_face(path: Path):
    here = floor_of(path)
    for name, line in imports(path):
        parts = name.split(".")
        there = parts[1] if parts[0] == "workshop" and len(parts) > 1 else parts[0]
        if there in ("CARTPOLE_ID", "DESK_ID", here) or (path.name == "__init__.py" and there == here):
            continue
        assert FLOORS.index(there) < FLOORS.index(here), f"line {line}: {here} imports {there}"
        assert len(parts) <= 2, f"line {line}: {name} lies behind the face of its room"


def test_no_circles_within_a_room():
    within: dict[str, set[str]] = {}
    for path in PRODUCT:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        room = module.rpartition(".")[0]
        within[module] = {name for name, _ in imports(path) if room and name.startswith(f"{room}.")}
    while free := [module for module, needs in within.items() if not needs & within.keys()]:
        for module in free:
            del within[module]
    assert not within


def test_few_files_are_loose_and_none_is_long():
    loose = [path for path in PRODUCT if path.parent == ROOT / "workshop"]
    assert len(loose) <= 9
    for path in SHIPPED:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 350, path
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno - node.lineno < 50, f"{path}: {node.name}"


def test_commands_and_the_loop_fit_a_screen():
    for name, most in {"main.py": 130, "llm.py": 160, "compare.py": 130, "sweep.py": 130, "export.py": 130}.items():
        assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= most, name
    tree = ast.parse((ROOT / "main.py").read_text(encoding="utf-8"))
    loop = next(node for node in tree.body if getattr(node, "name", "") == "rlhf")
    assert loop.end_lineno - loop.lineno < 40
    lines = [node.end_lineno - node.lineno + 1 for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert sum(lines) <= 18
