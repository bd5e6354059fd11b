"""The labelling page's web server, in a thread beside the trainer's, and the address that only this person has."""

import contextlib
import secrets
import socket
import threading
from typing import Any

from waitress import create_server, wasyncore

from workshop.labelling.application import MOST_BYTES, make_application
from workshop.labelling.people import People
from workshop.labelling.room import Room
from workshop.labelling.session import LabellingSession

THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("", "0.0.0.0", "::")


class LabellingServer:
    """Serves the session's page on this host and port, in a thread of its own, until it is closed.

    `host` is an address or a name of this machine; 0.0.0.0 is all of its addresses. Port 0 takes a free one. Raises an
    OSError if the host is none of this machine's, or the port is taken. With `people` it is a room's page: they join at
    the address, each with a token of their own then.

    | attribute | what |
    | --- | --- |
    | address | what to open, the token in it: `http://127.0.0.1:PORT/?token=…` |
    | port | the port it listens on |
    | room | the room, if it is one's page |
    """

    def __init__(self, session: LabellingSession, host: str = "127.0.0.1", port: int = 0, people: People | None = None):
        listener = listen(host, port)
        token = secrets.token_urlsafe(24) if people is None else people.room
        self.port: int = listener.getsockname()[1]
        own = _own_names() if host in EVERYWHERE else []
        hosts = {name.lower().partition("%")[0] for name in (*THIS_MACHINE, *own, host) if name}
        shown = own[0] if own else host
        self.address = f"http://{f'[{shown}]' if ':' in shown else shown}:{self.port}/?token={token}"
        self.room = None if people is None else Room(people, self.address)
        application = make_application(session, token, f"labelling-{self.port}", hosts, self.room)
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            application,
            map=self._sockets,
            sockets=[listener],
            threads=8,  # a browser opens up to six connections
            connection_limit=100 if people is None else 450,  # below what `select` takes on Windows
            max_request_body_size=MOST_BYTES,
            ident=None,
        )
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="labelling page", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering requests, and free the port."""
        if self._thread.is_alive():
            self._server.trigger.pull_trigger(self._closing.set)  # wakes the thread, which then does this
            self._thread.join()
            # only now: the thread may have been woken by something else, and end while its trigger is being pulled
            self._server.task_dispatcher.shutdown()
            wasyncore.close_all(self._sockets)

    def _serve(self) -> None:
        while not self._closing.is_set():
            wasyncore.loop(map=self._sockets, count=1)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; an OSError if the host is none of this machine's, or the port is taken."""
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except UnicodeError as problem:  # it has a part that is longer than a name may be
        raise OSError("this is no host's name") from problem
    return socket.create_server(where[:2], family=family)


def _own_names() -> list[str]:
    """This machine's addresses and names, the address first by which other machines reach it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only looks up the way there
            names = [probe.getsockname()[0]]
        except OSError:  # no network
            names = ["127.0.0.1"]
    names += [socket.gethostname(), socket.getfqdn()]
    with contextlib.suppress(OSError):  # a machine that does not know its own name
        names += [where[0] for *_, where in socket.getaddrinfo(socket.gethostname(), None)]
    return names
