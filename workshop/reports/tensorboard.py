"""TensorBoard's event file, each of whose records is on the disk, whole, when it has been written."""

import io
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from workshop.safe_files import append_safely


class EventFile:
    """The event file in a directory, made when there is something to write.

    SB3's own way does it in a thread, which a full disk ends with a traceback on the terminal.
    """

    def __init__(self, directory: Path):
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{time.time_ns()}"
        self._path = directory / name
        self._first = Event(wall_time=time.time(), file_version="brain.Event:2")

    def write(self, values: Mapping[str, Any], step: int) -> None:
        """Write all numbers among these values by name; text is left out."""
        numbers = {name: value for name, value in sorted(values.items()) if not isinstance(value, str)}
        summary = Summary(value=[Summary.Value(tag=name, simple_value=float(x)) for name, x in numbers.items()])
        events = [] if self._path.exists() else [self._first]
        content = io.BytesIO()
        for event in [*events, Event(wall_time=time.time(), step=step, summary=summary)]:
            RecordWriter(content).write(event.SerializeToString())
        append_safely(self._path, content.getvalue())
