"""TensorBoard's event file, each of whose records is on the disk, whole, when it has been written."""

import io
import os
import socket
import time
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from workshop.reports.listeners import Iteration, Listener
from workshop.safe_files import append_safely
from workshop.state import State

FILES = "events.out.tfevents.*"


class TensorBoard(Listener):
    """Writes the numbers of each iteration, and SB3's own, to an event file in a directory, made with the first.

    SB3's own way does it in a thread, which a full disk ends with a traceback on the terminal.
    """

    def __init__(self, directory: Path):
        self._directory = directory
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{time.time_ns()}"
        self._path = directory / name
        self._first = Event(wall_time=time.time(), file_version="brain.Event:2")

    def iteration(self, told: Iteration) -> None:
        """Add them at the number of steps trained so far."""
        own = {f"rlhf/{name}": value for name, value in told.numbers.items() if name != "iteration"}
        numbers = {name: x for name, x in sorted({**told.ppo, **own}.items()) if not isinstance(x, str)}
        summary = Summary(value=[Summary.Value(tag=name, simple_value=float(x)) for name, x in numbers.items()])
        events = [] if self._path.exists() else [self._first]
        content = io.BytesIO()
        for event in [*events, Event(wall_time=time.time(), step=told.steps, summary=summary)]:
            RecordWriter(content).write(event.SerializeToString())
        append_safely(self._path, content.getvalue())

    def state(self) -> State:
        """How long the event files are."""
        return {path.name: path.stat().st_size for path in self._directory.glob(FILES)}

    def restore(self, state: State) -> None:
        """Cut off what was written after `state`, or the run that goes on would have some points twice."""
        for path in self._directory.glob(FILES):
            length = state.get(path.name, 0)
            if length == 0:
                path.unlink()
            elif length < path.stat().st_size:
                os.truncate(path, length)
