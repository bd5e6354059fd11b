"""Files that are whole, whatever happens: a kill, a full disk, a power cut."""

import contextlib
import errno
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO


def write_safely(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file so that, whatever happens, either the old or the new one is there, whole.

    `write` gets a stream in memory: of a full disk, those who know formats (PyTorch, Pillow, zipfile) say all sorts of
    things. Raises an OSError that names the file.
    """
    content = io.BytesIO()
    write(content)
    aside = path.with_name(f"{path.name}.new")
    with _naming(path):
        try:
            with aside.open("wb") as stream:
                stream.write(content.getbuffer())
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise
        sync_directory(path.parent)


def append_safely(path: Path, content: bytes) -> None:
    """Add to the end of a file, all of it or, if that fails, nothing. Raises an OSError that names the file."""
    with _naming(path), path.open("ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        try:
            if file.write(content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:  # the disk is full, say: half of it must not be in the way of what comes next
            file.truncate(before)
            raise


def sync_directory(path: Path) -> None:
    """Flush to the disk which files a directory holds, where the system lets one do that."""
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in an OSError from in here; those of writing and flushing name none."""
    try:
        yield
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, str(path)) from problem
