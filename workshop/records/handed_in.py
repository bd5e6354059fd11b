"""Zip files of runs that participants hand in, unpacked as if a stranger had sent them."""

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from workshop.messages import UsageError, say, shown
from workshop.records.progress import PROGRESS
from workshop.records.untrusted import CONFIG, BrokenRecordError

# what is read of a run: neither pictures nor networks, and no code
READ = (".json", ".jsonl", ".csv", ".txt", ".npz")
MOST_FILES = 50_000  # of a person's runs
MOST_BYTES = 1_000_000_000  # unpacked
PIECE = 1 << 20


@contextmanager
def unpacked(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """These paths, and directories with what lies in the zip files among and below them, until the block is left.

    A zip file becomes a directory of its name. One that cannot be read, leads out of its directory, or is larger than
    anybody's runs is said and left out. Raises a UsageError where two have one name.
    """
    paths = list(paths)
    with tempfile.TemporaryDirectory(prefix="handed-in-") as folder:
        made = []
        for file in zip_files(paths):
            target = Path(folder).resolve() / file.stem
            if target in made:
                raise UsageError(f"{shown(file)}: another zip file has the same name; rename one of them.")
            try:
                unpack(file, target)
            except BrokenRecordError as problem:
                say(f"Left out: {problem}")
                continue
            made.append(target)
        yield [path for path in paths if not _is_zip(path)] + made


def zip_files(paths: Iterable[Path]) -> list[Path]:
    """The zip files at and below these paths, but for those in a run."""
    found = []
    for path in paths:
        if _is_zip(path):
            found.append(path)
        for directory, below, files in os.walk(path):
            if CONFIG in files or PROGRESS in files:
                below.clear()  # the run's own files
            else:
                found += [Path(directory, name) for name in sorted(files) if _is_zip(Path(directory, name))]
    return found


def unpack(file: Path, target: Path) -> None:
    """What is read of the runs in a zip file, as a new directory; a BrokenRecordError, one sentence, if that cannot be.

    Sizes are counted while unpacking, since what a zip file says of itself may be false.
    """
    left = MOST_BYTES
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MOST_FILES:
                raise BrokenRecordError(f"{file} has too many files to be somebody's runs.")
            target.mkdir()
            for member in members:
                path = target.joinpath(*_parts(file, member))
                if member.is_dir() or path.suffix not in READ:
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, path.open("xb") as copy:
                    while piece := source.read(PIECE):
                        left -= len(piece)
                        if left < 0:
                            raise BrokenRecordError(f"{file} unpacks to more than anybody's runs.")
                        copy.write(piece)
    except BrokenRecordError:
        shutil.rmtree(target, ignore_errors=True)
        raise
    # RuntimeError: a password; NotImplementedError: another way to compress; ValueError: names that no system takes
    except (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as problem:
        shutil.rmtree(target, ignore_errors=True)
        raise BrokenRecordError(
            f"{file} cannot be unpacked: {' '.join(str(problem).split()) or 'broken'}."
        ) from problem


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and path.is_file()


def _parts(file: Path, member: zipfile.ZipInfo) -> tuple[str, ...]:
    """The parts of a member's path; a BrokenRecordError for one that leads elsewhere, on any system."""
    path = PurePosixPath(member.filename.replace("\\", "/"))
    outside = path.is_absolute() or ".." in path.parts or any(":" in part for part in path.parts)
    if outside or stat.S_ISLNK(member.external_attr >> 16):
        raise BrokenRecordError(f"{file} has a file that leads out of it: {shown(member.filename)}.")
    return path.parts
