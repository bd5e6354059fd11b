"""Files that are whole, whatever happens, a kill, a full disk or a power cut; and read without running code in them."""

import contextlib
import errno
import io
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

# what some network and virtual file systems say of flushing a directory
NO_SUCH_THING = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF)


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
        except OSError as problem:
            if problem.errno not in NO_SUCH_THING:
                raise
        finally:
            os.close(descriptor)


def load_tensors(stream: BinaryIO) -> Any:
    """What `torch.save` wrote: tensors, numbers and text. No code in it is run; any exception if it is damaged."""
    import torch  # which takes a second, and not every program needs it

    require_stored(stream)
    return torch.load(stream, weights_only=True, map_location="cpu")


def require_stored(stream: BinaryIO) -> None:
    """Raise an exception, of any kind, for a ZIP file that is damaged or unpacks to more than its size."""
    with zipfile.ZipFile(stream) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("PyTorch and NumPy store, and do not compress")
        if sum(entry.file_size for entry in entries) > stream.seek(0, os.SEEK_END):
            raise ValueError("the same bytes are there more than once")
        if archive.testzip() is not None:
            raise ValueError("a checksum is wrong")
    stream.seek(0)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in an OSError from in here; those of writing and flushing name none."""
    try:
        yield
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, str(path)) from problem
