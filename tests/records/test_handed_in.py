"""Zip files that participants hand in: read where they are what they should be, else left out by name."""

import stat
import zipfile
from pathlib import Path

import pytest
from conftest import type_command
from made_up_records import MadeUpRecord
from made_up_runs import write_run

from workshop.many_runs.agreement import agreement, as_table
from workshop.messages import UsageError
from workshop.records import handed_in, read_record, unpacked
from workshop.records.handed_in import unpack
from workshop.records.untrusted import BrokenRecordError


def zipped(folder: Path, file: Path) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return file


def with_member(file: Path, name: str, content: bytes = b"x", mode: int = 0) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        member = zipfile.ZipInfo(name)
        member.filename = name  # ZipInfo makes some names harmless
        member.external_attr = mode << 16
        archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return file


def test_runs_in_zip_files_are_compared_with_those_beside_them(tmp_path: Path):
    (tmp_path / "in").mkdir()
    zipped(write_run(tmp_path / "anna", [0, 195], seed=1), tmp_path / "in" / "anna.zip")
    write_run(tmp_path / "ben" / "runs", [0, 193], seed=2)
    zipped(tmp_path / "ben" / "runs", tmp_path / "in" / "ben.ZIP")
    write_run(tmp_path / "in", [0, 191], seed=3)
    (tmp_path / "in" / "broken.zip").write_bytes(b"PK, but no more")
    done = type_command("compare.py", str(tmp_path / "in"), "--plots-dir", str(tmp_path / "plots"))
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("| the defaults") or "193.0" in line)
    assert "| 3 | 193.0" in row, "one from each, and agent.zip in a run is none"
    assert "broken.zip cannot be unpacked" in done.stderr
    assert len(list((tmp_path / "in").iterdir())) == 4, "nothing is unpacked beside them"


@pytest.mark.parametrize(
    "name",
    ["../x.json", "a/../../x.json", "/x.json", "C:/x.json", "..\\x.json", "\\\\host\\x.json", "a/x.json:stream.txt"],
)
def test_what_leads_out_of_a_zip_file_is_refused_and_nothing_is_written(name: str, tmp_path: Path):
    file = with_member(tmp_path / "bad.zip", name)
    with pytest.raises(BrokenRecordError, match="leads out of it"):
        unpack(file, tmp_path / "target")
    assert [path.name for path in tmp_path.rglob("*")] == ["bad.zip"]


def test_links_are_refused(tmp_path: Path):
    file = with_member(tmp_path / "bad.zip", "run/config.json", b"/etc/passwd", stat.S_IFLNK | 0o777)
    with pytest.raises(BrokenRecordError, match="leads out of it"):
        unpack(file, tmp_path / "target")


def test_a_bomb_is_given_up_once_it_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(handed_in, "MOST_BYTES", 3_000_000)
    file = with_member(tmp_path / "bomb.zip", "run/comparisons.jsonl", bytes(50_000_000))
    assert file.stat().st_size < 100_000
    with pytest.raises(BrokenRecordError, match="unpacks to more than anybody's runs"):
        unpack(file, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    monkeypatch.setattr(handed_in, "MOST_FILES", 0)
    with pytest.raises(BrokenRecordError, match="too many files"):
        unpack(file, tmp_path / "target")


def test_only_what_is_read_of_a_run_is_unpacked(tmp_path: Path):
    run = write_run(tmp_path / "runs", [0, 1])
    for name in ("evil.py", "numpy.so", "reward_model.pt", "film.gif"):
        (run / name).write_bytes(b"x")
    unpack(zipped(run, tmp_path / "run.zip"), tmp_path / "target")
    assert sorted(path.name for path in (tmp_path / "target").rglob("*.*") if path.is_file()) == [
        "config.json",
        "progress.csv",
    ]


@pytest.mark.parametrize("cut", [10, 60, 0.5, 0.9])
def test_a_zip_file_that_is_cut_is_left_out(cut: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = zipped(write_run(tmp_path / "runs", [0, 1]), tmp_path / "cut.zip")
    content = file.read_bytes()
    file.write_bytes(content[: int(cut * len(content)) if cut < 1 else int(cut)])
    with unpacked([file]) as paths:
        assert paths == []
    assert "Left out: " in capsys.readouterr().err


def test_two_of_one_name_are_refused(tmp_path: Path):
    for folder in ("a", "b"):
        zipped(write_run(tmp_path / folder / "runs", [0, 1]), tmp_path / folder / "runs.zip")
    with pytest.raises(UsageError, match="the same name"), unpacked([tmp_path / "a", tmp_path / "b"]):
        pass


def test_what_was_unpacked_is_gone_in_the_end(tmp_path: Path):
    file = zipped(write_run(tmp_path / "runs", [0, 1]), tmp_path / "run.zip")
    with unpacked([file]) as [path]:
        assert list(path.iterdir())
    assert not path.parent.exists()


def test_who_agrees_with_whom_by_hand(tmp_path: Path):
    """The same three questions, of the same seed, and one that only Ada was asked; Ben saw the last of them swapped."""
    answers = {"ada": (0.0, 1.0, 0.5, 1.0), "ben": (0.0, 0.0, 0.5), "cy": (1.0, 0.0, 0.0)}
    records = []
    for name, given in answers.items():
        record = MadeUpRecord(tmp_path / name, labeller=name, seed=7)
        for preference in given:
            record.answer(record.ask(), preference)
        records.append(read_record(tmp_path / name))
    assert agreement(records) == [("ada", "ben", 3, 2), ("ada", "cy", 3, 0), ("ben", "cy", 3, 1)]
    assert "| ada | ben | 3 | 2 (67%) |" in as_table(agreement(records))
    assert as_table([]).startswith("No two people answered the same question")


def test_a_question_is_the_same_with_its_sides_exchanged(tmp_path: Path):
    record = MadeUpRecord(tmp_path / "ada", labeller="ada")
    record.answer(record.ask(), 1.0)
    one = read_record(tmp_path / "ada")
    other = MadeUpRecord(tmp_path / "ben", labeller="ben")
    other._write({name[:-1] + ("b" if name[-1] == "a" else "a"): each for name, each in record.arrays(0).items()}, {})
    other.answer(0, 0.0)
    assert agreement([one, read_record(tmp_path / "ben")]) == [("ada", "ben", 1, 1)]


def test_the_table_is_printed_as_typed(tmp_path: Path):
    for name in ("ada", "ben"):
        record = MadeUpRecord(tmp_path / "made" / name, labeller=name, seed=7)
        record.answer(record.ask(), 1.0)
        run = write_run(tmp_path / "runs" / name, [0, 195], seed=len(name), fragment_length=3, name=name)
        for part in ("comparisons.jsonl", "fragments"):
            (tmp_path / "made" / name / part).rename(run / part)
    done = type_command("compare.py", str(tmp_path / "runs"), "--agreement", "--plots-dir", str(tmp_path / "plots"))
    assert done.returncode == 0, done.stderr
    assert "| ada | ben | 1 | 1 (100%) |" in done.stdout
