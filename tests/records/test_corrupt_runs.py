"""Broken and hostile run directories: a sentence, no traceback, no code run, and the files stay as they are."""

import json
import os
import pickle
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TINY, type_command, type_here
from made_up_runs import write_run

import compare
import main
from workshop.messages import RunError, UsageError
from workshop.program.run import recorded_config
from workshop.program.watch import watch
from workshop.records.checkpoint import Checkpoints, UnusableCheckpointError
from workshop.records.directory import RunDirectory
from workshop.records.finished import UnusableRunError, read_run

SMALL = ["--solution", *TINY, "--hidden-sizes", "8", "--agent-hidden-sizes", "8"]
STATE, PIECE = "checkpoint/state.pt", "checkpoint/iteration-000001.npz"
WRONG = [
    None,
    True,
    -1,
    3.5,
    10**30,
    10**400,
    "",
    "x",
    "\ud800",
    "a\x00b",
    "$\\frac$",
    "\x1b[31m",
    [],
    [[]],
    {},
    {"a": 1},
]


class Payload:
    """Makes a directory when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="module")
def interrupted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped after two iterations."""

    def stop(row) -> None:
        if row["iteration"] == 2:
            raise KeyboardInterrupt

    runs_dir = tmp_path_factory.mktemp("interrupted")
    arguments = [*SMALL, "--runs-dir", str(runs_dir)]
    config = main.read_config(arguments)
    with pytest.raises(KeyboardInterrupt):
        main.train(config, time.perf_counter(), lambda: RunDirectory.make(config, arguments), stop)
    (run,) = runs_dir.iterdir()
    return run


@pytest.fixture
def interrupted(interrupted_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(interrupted_once, tmp_path / "run"))


def files(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def open_again(run: Path) -> None:
    recorded_config(run, main.read_config)
    with RunDirectory.reopen(run):
        pass


def refused(run: Path) -> str:
    """What `--resume` says before it begins to train; the run stays as it is."""
    before = files(run)
    with pytest.raises((RunError, UsageError)) as caught:
        open_again(run)
    assert files(run) == before
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def ends(content: bytes) -> Iterator[int]:
    """Where to cut: at every tenth byte or, of a large file, every tenth of it; and everywhere near its end."""
    yield from range(0, len(content), 10 if len(content) < 3000 else len(content) // 10)
    yield from range(len(content) - 30, len(content))


# --resume


@pytest.mark.parametrize("name", ["config.json", STATE, PIECE, "fragments/000000.npz"])
def test_resume_refuses_files_cut_short_anywhere(interrupted: Path, name: str):
    content = (interrupted / name).read_bytes()
    for end in ends(content.rstrip()):
        (interrupted / name).write_bytes(content[:end])
        assert Path(name).name in refused(interrupted) or "damaged" in refused(interrupted)


def test_a_checkpoint_cut_short_at_any_tenth_byte_is_not_loaded(interrupted: Path, monkeypatch: pytest.MonkeyPatch):
    """What `--resume` refuses it by, without the rest of the program, which would take an hour."""
    checkpoints = Checkpoints(interrupted)
    whole = checkpoints._load_state()
    for name in (STATE, PIECE):
        for end in reversed(range(0, (interrupted / name).stat().st_size, 10)):
            os.truncate(interrupted / name, end)
            with pytest.raises(UnusableCheckpointError, match="is damaged"):
                checkpoints.load()
        monkeypatch.setattr(checkpoints, "_load_state", lambda: whole)  # to go on to the next file


def test_resume_drops_a_torn_answer_and_refuses_any_other_damage_of_them(interrupted: Path):
    """All of these answers are from before the checkpoint, but for one that a kill cut off after it."""
    file = interrupted / "comparisons.jsonl"
    content = file.read_bytes()
    for end in range(0, len(content), 10):
        whole, _, torn = content[:end].rpartition(b"\n")
        file.write_bytes(content[:end])
        assert f"it lacks the answer to question {len(whole.splitlines())}." in refused(interrupted)
        file.write_bytes(content + torn)
        open_again(interrupted)
        assert file.read_bytes() == content
    file.unlink()
    assert "it lacks the answer to question 0" in refused(interrupted)
    file.write_bytes(content.replace(b'"preference": ', b'"preference": 7'))
    assert "comparisons.jsonl, line 1" in refused(interrupted)


def test_resume_makes_directories_that_a_copy_left_out_for_being_empty(interrupted: Path):
    for name in ("plots", "videos"):
        (interrupted / name).rmdir()
    open_again(interrupted)
    assert (interrupted / "plots").is_dir()
    assert (interrupted / "videos").is_dir()


@pytest.mark.parametrize("name", ["config.json", STATE, PIECE, "comparisons.jsonl", "fragments/000000.npz"])
def test_resume_refuses_random_bytes(interrupted: Path, name: str):
    generator = np.random.default_rng(0)
    for size in (1, 100, 10_000):
        (interrupted / name).write_bytes(generator.bytes(size) + b"\n")
        refused(interrupted)


@pytest.mark.parametrize("name", [STATE, PIECE])
def test_resume_refuses_a_checkpoint_with_a_single_bit_changed(interrupted: Path, name: str):
    content = (interrupted / name).read_bytes()
    whole, _ = Checkpoints(interrupted).load()
    generator = np.random.default_rng(1)
    accepted = 0
    for place in generator.integers(len(content), size=60):
        changed = bytearray(content)
        changed[place] ^= 1 << generator.integers(8)
        (interrupted / name).write_bytes(changed)
        try:
            refused(interrupted)
        except pytest.fail.Exception:  # padding, or a field of the archive that says nothing: all values are the same
            accepted += 1
            state, _ = Checkpoints(interrupted).load()
            assert pickle.dumps(state["report"]["seconds"]) == pickle.dumps(whole["report"]["seconds"])
            for part, weights in whole["agent"]["policy"].items():
                assert torch.equal(state["agent"]["policy"][part], weights)
    assert name == STATE or accepted == 0
    assert accepted < 40


def test_resume_refuses_options_that_are_none(interrupted: Path):
    good = json.loads((interrupted / "config.json").read_text())
    for option in ("seed", "iterations", "env", "hidden_sizes", "query", "solution", "device", "weight_decay"):
        for value in WRONG:
            if type(value) is not type(good[option]) or option in ("env", "query", "device"):
                (interrupted / "config.json").write_text(json.dumps(good | {option: value}))
                refused(interrupted)
    for more in ({"help": True}, {"more": 1}, {"--runs-dir": "x"}):
        (interrupted / "config.json").write_text(json.dumps(good | more))
        assert "config.json" in refused(interrupted)


def test_resume_refuses_another_runs_checkpoint_and_changed_options(interrupted: Path):
    good = json.loads((interrupted / "config.json").read_text())
    (interrupted / "config.json").write_text(json.dumps(good | {"seed": 7}, indent=2) + "\n")
    assert "the checkpoint is another run's, or config.json has been changed since" in refused(interrupted)


@pytest.mark.parametrize("changed", [{"format": 1}, {"versions": {"torch": "0.1"}}, {"versions": 3}, {"iterations": 5}])
def test_resume_refuses_a_checkpoint_of_another_version(interrupted: Path, changed: dict[str, Any]):
    whole = torch.load(interrupted / STATE, weights_only=True)
    torch.save(whole | changed, interrupted / STATE)
    assert "the checkpoint" in refused(interrupted)


def change_policy(state: dict[str, Any]) -> None:
    state["agent"]["policy"] = {name: weights[:1] for name, weights in state["agent"]["policy"].items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.clear(),
        lambda state: state["agent"].update(policy=3),
        change_policy,
        lambda state: state["report"].update(last=None),
        lambda state: state["run"].update(rows=[{"iteration": float("nan")}]),
        lambda state: state["sampling"].clear(),
    ],
)
def test_resume_says_what_is_wrong_with_a_state_that_is_no_runs(interrupted: Path, change: Callable[[dict], object]):
    whole = torch.load(interrupted / STATE, weights_only=True)
    change(whole["state"])
    torch.save(whole, interrupted / STATE)
    before = files(interrupted / "checkpoint")
    config = recorded_config(interrupted, main.read_config)
    with pytest.raises(RunError, match="the checkpoint is damaged"):
        main.train(config, time.perf_counter(), lambda: RunDirectory.reopen(interrupted))
    assert files(interrupted / "checkpoint") == before


def test_resume_unpickles_nothing(interrupted: Path, tmp_path: Path):
    harm = Payload(tmp_path / "harm")
    whole = torch.load(interrupted / STATE, weights_only=True)
    for write in (
        lambda path: torch.save(whole | {"state": harm}, path),
        lambda path: torch.save(whole | {"state": harm}, path, _use_new_zipfile_serialization=False),
        lambda path: path.write_bytes(pickle.dumps(harm)),
    ):
        write(interrupted / STATE)
        refused(interrupted)
    for name in (PIECE, "fragments/000000.npz"):
        shutil.copytree(interrupted.parent / "run", tmp_path / "copy", dirs_exist_ok=True)
        np.savez(tmp_path / "copy" / name, np.array([harm], dtype=object))
        refused(tmp_path / "copy")
    assert not harm.path.exists()


@pytest.mark.parametrize("name", [STATE, "fragments/000000.npz"])
def test_resume_unpacks_no_bomb(interrupted: Path, name: str):
    """A gigabyte of zeros in a megabyte is refused before any of it is unpacked."""
    with (
        zipfile.ZipFile(interrupted / name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("state/data.pkl", "w", force_zip64=True) as entry,
    ):
        for _ in range(64):
            entry.write(bytes(1 << 24))
    started = time.perf_counter()
    refused(interrupted)
    assert time.perf_counter() - started < 1


def linked(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("symbolic links cannot be made here")


@pytest.mark.parametrize("name", ["config.json", "progress.csv", "comparisons.jsonl", "fragments", "checkpoint", STATE])
def test_resume_follows_no_link(interrupted: Path, tmp_path: Path, name: str):
    """A run that is finished deletes its `checkpoint/`: it must not be somebody's own directory."""
    outside = tmp_path / "outside"
    (interrupted / name).rename(outside)
    linked(interrupted / name, outside)
    assert "link" in refused(interrupted) or name == "config.json"
    assert outside.exists()


def test_a_run_with_code_in_it_is_neither_resumed_nor_watched(interrupted: Path):
    """`--env module:Name-v0` imports a module, which could be one in the run, if it is below the working directory."""
    (interrupted / "payload.py").write_text("raise SystemExit('imported')")
    assert "payload.py is code" in refused(interrupted)
    (interrupted / "agent.zip").touch()
    with pytest.raises(RunError, match=r"payload.py is code"):
        watch(interrupted)


def test_resume_imports_no_code_of_a_run(interrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The folder that `main.py` is in, on Python's path, may hold the run: then it is a package."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (interrupted / "payload.py").write_text(f"import os; os.mkdir({str(tmp_path / 'harm')!r})")
    options = json.loads((interrupted / "config.json").read_text())
    (interrupted / "config.json").write_text(json.dumps(options | {"env": "run.payload:Env-v0"}))
    typed = type_here("main.py", "--resume", str(interrupted))
    assert (typed.returncode, typed.stderr) == (1, f"{interrupted / 'payload.py'} is code, and a run holds none.\n")
    assert not (tmp_path / "harm").exists()


def test_resume_as_typed_says_one_sentence(interrupted: Path):
    (interrupted / STATE).write_bytes((interrupted / STATE).read_bytes()[:-100])
    before = files(interrupted)
    typed = type_command("main.py", "--resume", str(interrupted))
    assert (typed.returncode, typed.stdout) == (1, "")
    assert typed.stderr == f"--resume {interrupted}: the checkpoint is damaged: state.pt cannot be read.\n"
    assert files(interrupted) == before


# --watch


@pytest.fixture(scope="module")
def agent_once(tiny_run: tuple[Any, Path]) -> Path:
    return tiny_run[1]


def test_watch_reads_the_weights_of_the_agent_and_nothing_else(agent_once: Path, tmp_path: Path):
    """SB3's own reader unpickles `data`, in which this run's has a payload."""
    import base64

    run = Path(shutil.copytree(agent_once, tmp_path / "run"))
    harm = Payload(tmp_path / "harm")
    with zipfile.ZipFile(run / "agent.zip") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    data = json.loads(entries["data"])
    pickled = base64.b64encode(pickle.dumps(harm)).decode()
    data = {name: {":type:": "x", ":serialized:": pickled} for name in data}
    with zipfile.ZipFile(run / "agent.zip", "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, json.dumps(data) if name == "data" else content)
    watch(run)
    assert (run / "videos" / "watch.gif").stat().st_size > 1000
    assert not harm.path.exists()


def test_watch_refuses_what_is_broken_in_a_sentence(agent_once: Path, tmp_path: Path):
    run = Path(shutil.copytree(agent_once, tmp_path / "run"))
    harm = Payload(tmp_path / "harm")
    agent, config = (run / "agent.zip").read_bytes(), (run / "config.json").read_text()
    broken: list[tuple[bytes, str]] = [(agent[:end], config) for end in ends(agent)]
    broken += [(pickle.dumps(harm), config), (np.random.default_rng(0).bytes(5000), config)]
    options = json.loads(config)
    broken += [(agent, json.dumps(options | {"agent_hidden_sizes": sizes})) for sizes in ([3], [], "x", [10**30], None)]
    broken += [(agent, text) for text in ("", "[]", "{}", json.dumps(options | {"seed": "x"}))]
    broken += [(agent, json.dumps(options | {"env": env})) for env in ("nowhere", 3, "Pendulum-v1")]
    with zipfile.ZipFile(run / "agent.zip") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    for policy in ({}, {"log_std": torch.zeros(1)}, 3, harm, float("nan")):
        with zipfile.ZipFile(run / "agent.zip", "w") as archive:
            for name, content in entries.items():
                if name != "policy.pth":
                    archive.writestr(name, content)
            with archive.open("policy.pth", "w") as stream:
                torch.save(policy, stream)
        broken.append(((run / "agent.zip").read_bytes(), config))
    for agent, config in broken:
        (run / "agent.zip").write_bytes(agent)
        (run / "config.json").write_text(config)
        before = files(run)
        with pytest.raises((RunError, UsageError)) as caught:
            watch(run)
        assert "\n" not in str(caught.value)
        assert files(run) == before
    assert not harm.path.exists()


# compare.py


@pytest.fixture
def compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Path], object]], tuple[str, bool]]:
    """Compare a good run with one that is spoilt first; returns the messages, and whether the other was left out."""
    monkeypatch.setattr(compare, "save", lambda figure, path: [text.get_text() for text in figure.legends[0].texts])
    write_run(tmp_path / "runs", [0, 200])
    broken = write_run(tmp_path / "runs", [0, 100], seed=1)
    good = files(broken)

    def call(spoil: Callable[[Path], object], capsys: pytest.CaptureFixture) -> tuple[str, bool]:
        for name, content in good.items():
            (broken / name).unlink(missing_ok=True)
            (broken / name).write_bytes(content)
        spoil(broken)
        before = files(tmp_path / "runs")
        compare.compare_runs([*sorted((tmp_path / "runs").iterdir())], "env_steps", tmp_path / "plots", "comparison")
        assert files(tmp_path / "runs") == before
        said = capsys.readouterr()
        assert "Figure: " in said.err
        return said.err, f"Left out: {broken}: " in said.err

    return call


def test_compare_survives_files_cut_short_anywhere(tmp_path: Path):
    run = write_run(tmp_path, [0, 200, 190])
    for name in ("config.json", "progress.csv"):
        content = (run / name).read_bytes()
        for end in range(0, len(content) - 1, 3):
            (run / name).write_bytes(content[:end])
            try:
                cut = read_run(run)
            except UnusableRunError:
                continue
            assert name == "progress.csv"  # in its last cell, of which what is left is a number still, or empty
            assert list(cut.columns["true_return_mean"]) == [0, 200, 190]
        (run / name).write_bytes(content)


def test_compare_leaves_out_or_takes_whatever_the_options_are(compared, capsys: pytest.CaptureFixture):
    options = ["seed", "env", "iterations", "packages", "name", "fixed_horizon", "reward", "hidden_sizes", "pretrain"]
    for option in options:
        for value in WRONG:

            def spoil(run: Path, option: str = option, value: Any = value) -> None:
                config = json.loads((run / "config.json").read_text()) | {option: value}
                (run / "config.json").write_text(json.dumps(config))

            compared(spoil, capsys)


@pytest.mark.parametrize(
    "cell", ["nan", "inf", "-inf", "1e400", "1e308", "-1e308", "1e-320", "x", "1_0", "٣", '"', "\x00"]
)
def test_compare_leaves_out_or_takes_whatever_the_cells_are(compared, capsys: pytest.CaptureFixture, cell: str):
    for column in range(9):

        def spoil(run: Path, column: int = column) -> None:
            *lines, last = (run / "progress.csv").read_text().splitlines()
            cells = last.split(",")
            cells[column] = cell
            (run / "progress.csv").write_text("\n".join([*lines, ",".join(cells)]) + "\n", encoding="utf-8")

        compared(spoil, capsys)


@pytest.mark.parametrize("name", ["config.json", "progress.csv"])
def test_compare_reads_no_links_and_no_directories(compared, capsys: pytest.CaptureFixture, tmp_path: Path, name: str):
    def link(run: Path) -> None:
        (run / name).rename(tmp_path / "outside")
        linked(run / name, tmp_path / "outside")

    assert compared(link, capsys)[1]
    if Path("/dev/zero").exists():

        def endless(run: Path) -> None:
            (run / name).unlink()
            linked(run / name, Path("/dev/zero"))

        assert compared(endless, capsys)[1]


def test_compare_imports_nothing_for_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Gymnasium imports what stands before the colon of an environment's id."""
    monkeypatch.syspath_prepend(str(tmp_path))
    run = write_run(tmp_path / "runs", [0, 200], env="payload:Env-v0")
    (tmp_path / "payload.py").write_text(f"import os; os.mkdir({str(tmp_path / 'harm')!r})")
    assert read_run(run).solved_at is None
    assert not (tmp_path / "harm").exists()
