"""`--resume` of broken and hostile runs: a sentence, no traceback, no code run, and the files stay as they are."""

import functools
import io
import json
import os
import pickle
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from broken_runs import PIECE, STATE, WRONG, Payload, ends, files, linked, some, thoroughly
from conftest import type_here

import main
from workshop.messages import RunError, UsageError
from workshop.program.run import recorded_config
from workshop.program.watch import watch
from workshop.records.checkpoint import Checkpoints, UnusableCheckpointError
from workshop.records.directory import RunDirectory

pytestmark = pytest.mark.usefixtures("without_plots")


def open_again(run: Path) -> None:
    recorded_config(run, main.Config)
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


@thoroughly
@pytest.mark.parametrize("name", ["config.json", STATE, PIECE, "fragments/000000.npz"])
def test_resume_refuses_files_cut_short_anywhere(interrupted: Path, name: str, thorough: bool):
    content = (interrupted / name).read_bytes()
    for end in some(ends(content.rstrip()), thorough):
        (interrupted / name).write_bytes(content[:end])
        assert Path(name).name in refused(interrupted) or "damaged" in refused(interrupted)


@thoroughly
def test_a_checkpoint_cut_short_at_any_tenth_byte_is_not_loaded(
    interrupted: Path, monkeypatch: pytest.MonkeyPatch, thorough: bool
):
    """What `--resume` refuses it by, without the rest of the program, which would take an hour."""
    checkpoints = Checkpoints(interrupted)
    whole = checkpoints._load_state()
    for name in (STATE, PIECE):
        for end in some(reversed(range(0, (interrupted / name).stat().st_size, 10)), thorough, n=60):
            os.truncate(interrupted / name, end)
            with pytest.raises(UnusableCheckpointError, match="is damaged"):
                checkpoints.load()
        monkeypatch.setattr(checkpoints, "_load_state", lambda: whole)  # to go on to the next file


@thoroughly
def test_resume_drops_a_torn_answer_and_refuses_any_other_damage_of_them(interrupted: Path, thorough: bool):
    """All of these answers are from before the checkpoint, but for one that a kill cut off after it."""
    file = interrupted / "comparisons.jsonl"
    content = file.read_bytes()
    for end in some(range(0, len(content), 10), thorough, n=12):
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


@thoroughly
@pytest.mark.parametrize("name", [STATE, PIECE])
def test_resume_refuses_a_checkpoint_with_a_single_bit_changed(interrupted: Path, name: str, thorough: bool):
    content = (interrupted / name).read_bytes()
    whole, _ = Checkpoints(interrupted).load()
    generator = np.random.default_rng(1)
    accepted = 0
    for place in generator.integers(len(content), size=60 if thorough else 6):
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


@thoroughly
def test_resume_refuses_options_that_are_none(interrupted: Path, thorough: bool):
    good = json.loads((interrupted / "config.json").read_text())
    for option in ("seed", "iterations", "env", "hidden_sizes", "query", "solution", "device", "weight_decay"):
        for value in some(WRONG, thorough, n=4):
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
        lambda state: state["questions"].clear(),
    ],
)
def test_resume_says_what_is_wrong_with_a_state_that_is_no_runs(interrupted: Path, change: Callable[[dict], object]):
    whole = torch.load(interrupted / STATE, weights_only=True)
    change(whole["state"])
    torch.save(whole, interrupted / STATE)
    before = files(interrupted / "checkpoint")
    config = recorded_config(interrupted, main.Config)
    with pytest.raises(RunError, match="the checkpoint is damaged"):
        main.program.train(config, time.perf_counter(), resume=interrupted)
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


@functools.cache
def bomb() -> bytes:
    """A gigabyte of zeros in a megabyte."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("state/data.pkl", "w", force_zip64=True) as entry,
    ):
        for _ in range(64):
            entry.write(bytes(1 << 24))
    return file.getvalue()


@pytest.mark.parametrize("name", [STATE, "fragments/000000.npz"])
def test_resume_unpacks_no_bomb(interrupted: Path, name: str):
    """It is refused before any of it is unpacked."""
    (interrupted / name).write_bytes(bomb())
    started = time.perf_counter()
    refused(interrupted)
    assert time.perf_counter() - started < 1


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


# --watch


# compare.py
