"""`python …` as a user types it, from a warm process: one that has imported PyTorch and the like, and forks.

To start Python and import what the programs need takes seconds; to fork a process in which that has been done, a
hundredth of one. What is imported there is others' code alone: a command imports the project's from where it is typed,
as Python does. Windows cannot fork, and the libraries of macOS do not bear it: there Python is started anew.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

CAN_FORK = sys.platform == "linux" and hasattr(os, "fork")
LARGEST = 1 << 20  # bytes of a command with its environment
# What the programs import, and what these import late. Not MuJoCo, which asks its environment for OpenGL but once.
IMPORTS = [
    "numpy", "torch", "torch.utils.tensorboard", "scipy.stats", "gymnasium", "gymnasium.vector",
    "gymnasium.wrappers", "gymnasium.envs.classic_control", "pygame", "stable_baselines3", "matplotlib.figure",
    "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "PIL.Image", "PIL.GifImagePlugin",
    "PIL.PngImagePlugin", "PIL.WebPImagePlugin", "tqdm", "tensorboard.compat.proto.event_pb2", "cyclopts",
    "docstring_parser", "msgspec", "joblib", "joblib.externals.loky", "threadpoolctl", "filelock", "optuna", "flask",
    "waitress", "werkzeug", "sqlite3", "email.message", "http.server", "urllib.request", "xml.etree.ElementTree",
    "torch._dynamo", "coverage", "segno",
]  # fmt: skip


# What a test sees


class Command:
    """A command that has been forked, with what tests use of a `subprocess.Popen`."""

    def __init__(self, arguments: list[str], reply: socket.socket, streams: list[IO[Any] | None]):
        self.args = arguments
        self.stdin, self.stdout, self.stderr = streams
        self.returncode: int | None = None
        self._reply = reply
        self.pid = int(reply.recv(20))

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            # a time of 0 would be one of these sockets that fail at once, with another error
            self._reply.settimeout(timeout if timeout is None else max(timeout, 1e-6))
            try:
                said = self._reply.recv(20)
            except TimeoutError:
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            assert said, "the process that was to wait for the command is no more"
            self.returncode = int(said)
            self._reply.close()
        return self.returncode

    def communicate(self, text: str | None = None, timeout: float | None = None) -> tuple[str | None, str | None]:
        deadline = None if timeout is None else time.monotonic() + timeout
        read: dict[IO[Any], str] = {}
        threads = [
            threading.Thread(target=lambda stream=stream: read.update({stream: stream.read()}), daemon=True)
            for stream in (self.stdout, self.stderr)
            if stream is not None and not stream.closed
        ]
        for thread in threads:
            thread.start()
        if self.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.stdin.write(text or "")
            with contextlib.suppress(BrokenPipeError):
                self.stdin.close()
        for thread in threads:
            thread.join(None if deadline is None else max(0, deadline - time.monotonic()))
            if thread.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if deadline is None else max(0, deadline - time.monotonic()))
        for stream in read:
            stream.close()
        return read.get(self.stdout), read.get(self.stderr)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> "Command":
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()


class WarmProcess:
    """The process that forks, which begins to import when it is made and ends with the process that made it."""

    def __init__(self) -> None:
        self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: value for name, value in os.environ.items() if name not in NOT_FOR_THE_WARM}
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(other.fileno())],
            pass_fds=[other.fileno()],
            stdin=subprocess.DEVNULL,
            env=environment | {"OMP_NUM_THREADS": "1"},
        )
        other.close()

    def fork(
        self,
        arguments: list[str],
        cwd: Path,
        environment: dict[str, str],
        files: list[int | None],
        new_session: bool,
    ) -> Command:
        """Fork it and do the command in there; the files are standard input, output and error as Popen takes them."""
        given, streams = zip(*(open_file(place, wanted) for place, wanted in enumerate(files)), strict=True)
        reply, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = {"arguments": arguments, "cwd": str(cwd), "environment": environment, "new_session": new_session}
        descriptors = [*given, other.fileno()]
        socket.send_fds(self._control, [json.dumps(command).encode()], descriptors)
        for stream, descriptor in zip(streams, given, strict=True):
            if stream is not None or descriptor > 2:
                os.close(descriptor)
        other.close()
        return Command(arguments, reply, list(streams))

    def close(self) -> None:
        self._control.close()
        self._process.wait()


# It has its own folder on its path and no terminal, and what it does is no part of what is measured
NOT_FOR_THE_WARM = {"PYTHONPATH", "DISPLAY", "WAYLAND_DISPLAY", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"}


def open_file(place: int, wanted: int | None) -> tuple[int, IO[Any] | None]:
    """The descriptor for a command's standard input, output or error, and the other end where there is one."""
    if wanted is None:
        return place, None
    if wanted == subprocess.DEVNULL:
        return os.open(os.devnull, os.O_RDWR), None
    reading, writing = os.pipe()
    if place == 0:
        return reading, open(writing, "w", encoding="utf-8")  # noqa: PTH123 (a descriptor; the test closes it)
    return writing, open(reading, encoding="utf-8")  # noqa: PTH123


# What the warm process does


def serve(control: socket.socket) -> dict[str, Any]:
    """Fork for each command that comes; returns in the fork, with the command. The end of all commands ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a terminal sends to all; it ends with the tests
    while True:
        message, descriptors, *_ = socket.recv_fds(control, LARGEST, 4)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # those that have told how their commands ended
                pass
        if not message:
            os._exit(0)
        if os.fork() == 0:
            control.close()
            *files, reply = descriptors
            command = json.loads(message)
            fork_again_and_wait(files, socket.socket(fileno=reply))
            become(files, command)
            return command
        for descriptor in descriptors:
            os.close(descriptor)


def fork_again_and_wait(files: list[int], reply: socket.socket) -> None:
    """Return in another fork, and tell the test which process that is and, once it has ended, how."""
    child = os.fork()
    if child == 0:
        reply.close()
        return
    for descriptor in (0, 1, 2, *files):  # or a reader would find no end of what the command writes
        os.close(descriptor)
    reply.send(str(child).encode())
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):  # a test that has not waited
        reply.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def become(files: list[int], command: dict[str, Any]) -> None:
    """Have the files, the folder, the environment and the signals of a program that has just been started."""
    if command["new_session"]:
        os.setsid()
    for place, descriptor in enumerate(files):
        os.dup2(descriptor, place)
    for descriptor in files:
        os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=stream is sys.stderr or stream.isatty())
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.chdir(command["cwd"])
    os.environ.clear()
    os.environ.update(command["environment"])
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None:
        multiprocessing.ORIGINAL_DIR = command["cwd"]  # where its processes look for the program


def run(arguments: list[str]) -> None:
    """Do what `python` does with these arguments: -c code, -m module or a file, and what is for these."""
    import types

    kind, *others = arguments
    path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    own = {"-c": "", "-m": str(Path.cwd())}.get(kind, os.path.dirname(os.path.realpath(kind)))  # noqa: PTH120
    sys.path[:1] = [own, *path]
    importlib.invalidate_caches()
    if "COVERAGE_PROCESS_START" in os.environ or "COVERAGE_PROCESS_CONFIG" in os.environ:
        import coverage

        coverage.process_startup()
    if kind == "-m":
        import runpy

        sys.argv = others
        runpy.run_module(others[0], run_name="__main__", alter_sys=True)
        return
    module = types.ModuleType("__main__")
    if kind == "-c":
        code, sys.argv = compile(others[0], "<string>", "exec"), ["-c", *others[1:]]
    else:
        module.__file__ = os.path.abspath(kind)  # noqa: PTH100 (which resolves no links)
        code, sys.argv = compile(Path(kind).read_bytes(), module.__file__, "exec"), arguments
    sys.modules["__main__"] = module
    exec(code, vars(module))


def without_this_file(kind: type[BaseException], problem: BaseException, traceback: Any) -> None:
    """Show a traceback as it is where Python has been started for the program."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    sys.__excepthook__(kind, problem.with_traceback(traceback), traceback)


def get_warm() -> None:
    """Import what takes long, in one thread, since a fork has but the one that forks."""
    for name in IMPORTS:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
    assert threading.active_count() == 1
    gc.collect()
    gc.freeze()  # or each fork would look through all of this at its end, and copy it thereby


if __name__ == "__main__":
    get_warm()
    sys.excepthook = without_this_file
    # The fork goes on here, and so Python ends in it as ever: exit code, traceback, or dead by SIGINT
    run(serve(socket.socket(fileno=int(sys.argv[1])))["arguments"])
