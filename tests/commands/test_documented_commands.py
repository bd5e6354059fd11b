"""Every command in the README and in docs/ is typed as it stands, on a small budget, in a folder with some runs."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, type_command, write_workshop

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TYPED = re.compile(r"^(python .+?)(?:\s{2,}#.*)?$|`(python [^`]+)`", re.MULTILINE)
LOSS = "return torch.nn.functional.binary_cross_entropy_with_logits(returns_b - returns_a, preferences)"
SHORT = {  # what is added where the command does not say it
    "main.py": "--total-timesteps=6400 --iterations=2 --n-envs=2 --comparisons=4 --evaluation-episodes=2 --no-pictures",
    "llm.py": "--demonstrations=64 --sft-steps=4 --sft-batch-size=8 --comparisons=6 --reward-steps=2 --iterations=1 "
    "--updates=1 --evaluation-answers=4",
    "sweep.py": "--seeds=1 --trials=2 --jobs=1",
}
NO_RUN = {"--help", "--check", "--hint", "--watch", "--resume", "--chat"}
LONG = ("benchmarks/", "experiments/", "docs/")  # hours of work, or of downloading
NOT_TYPED = {
    "highway-fast-v0": "for an environment of a package that is not here",
    "my_one:One-v0": "for an environment of one's own",
    "--follow": "one that goes on until Ctrl-C: see tests/many_runs/test_following.py",
}


def documented() -> list[str]:
    """All commands of ours, each once; one that goes on in the next line is joined."""
    pages = (page.read_text(encoding="utf-8").replace("\\\n", " ") for page in PAGES)
    found = [" ".join((a or b).split()) for page in pages for a, b in TYPED.findall(page)]
    return sorted({command for command in found if command.split()[1] != "-m"} - {"python sweep.py"})


def shortened(program: str, arguments: list[str]) -> list[str]:
    """The arguments, and after them what makes the command short; a sweep's own are changed, and its runs' added to."""
    if program == "sweep.py":
        own, runs = (arguments, []) if "--" not in arguments else split(arguments)
        kind = "llm.py" if "llm" in own else "main.py"
        counts = dict(each.split("=") for each in SHORT[program].split())
        own = [counts.get(before, word) for before, word in zip(["", *own], own, strict=False)]
        more = [flag for flag in ("--seeds=1", "--jobs=1") if flag.partition("=")[0] not in own]
        return [*own, *more, "--", *shortened(kind, runs)]
    if program not in SHORT or NO_RUN & {*arguments}:
        return arguments
    not_for = {*arguments} | ({"--updates"} if "best-of-n" in arguments else set())
    return [*arguments, *(flag for flag in SHORT[program].split() if flag.partition("=")[0] not in not_for)]


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, interrupted_once: Path) -> Path:
    """A participant's folder, in which the loss is written and some runs have been made."""
    folder = write_workshop(tmp_path_factory.mktemp("typed"), LOSS)
    shutil.copy(ROOT / "requirements.txt", folder)
    for name in ("docs", "benchmarks", "experiments", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for flags in ("", "--query uniform", "--diversity k-centre"):
        made = type_command("main.py", *shortened("main.py", flags.split()), cwd=folder)
        assert made.returncode == 0, made.stderr
    run = next((folder / "runs").iterdir())
    for there in ("handed-in/ada", "handed-in/bea", "alice/run", "bob/run", "runs/…"):
        shutil.copytree(run, folder / there)
    assert type_command("llm.py", *shortened("llm.py", []), cwd=folder).returncode == 0
    return folder


@pytest.mark.endurance
@pytest.mark.parametrize("command", documented())
def test_as_it_stands(command: str, folder: Path, interrupted_once: Path):
    _, program, *arguments = shlex.split(command)
    for word, why in NOT_TYPED.items():
        if word in arguments:
            pytest.skip(f"It is {why}.")
    if {"human", "terminal", "dask"} & {*arguments} or program.startswith(LONG):
        asked = type_command(program, "--help", *arguments, cwd=folder)  # a person, or a cluster, is not here
        assert asked.returncode == 0, asked.stderr
        assert [word for word in split_off(arguments) if word not in asked.stdout] == []
        return
    if "--resume" in arguments:
        unfinished = Path(shutil.copytree(interrupted_once, folder / f"runs/of {len(command)}"))
        arguments = [word.replace("runs/…", str(unfinished)) for word in arguments]
    finished = type_command(program, *shortened(program, arguments), cwd=folder, typed="is the park open ?\n")
    assert finished.returncode == 0, finished.stderr
    assert "Traceback" not in finished.stderr


def split_off(arguments: list[str]) -> list[str]:
    """The program's own flags, without those that are for its runs."""
    own = split(arguments)[0] if "--" in arguments else arguments
    return [word for word in own if word.startswith("--")]
