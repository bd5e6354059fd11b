"""Open the way by which a person answers: the page, or the terminal."""

import webbrowser
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Literal

from workshop.labelling.options import LabellingConfig
from workshop.labelling.server import start
from workshop.labelling.session import LabellingSession
from workshop.labelling.terminal import TerminalLabeller
from workshop.messages import UsageError, say
from workshop.pictures import has_display


def open_labelling(
    how: Literal["human", "terminal"], config: LabellingConfig, session: LabellingSession, clips: Path
) -> AbstractContextManager[object]:
    """Let a person answer the session's questions until the context returned is left.

    Says the page's address, and opens it; or asks on the terminal, with `clips` as the folder for what cannot be drawn
    there. Raises a UsageError if the page cannot be served at the address that was asked for.
    """
    if how == "terminal":
        return TerminalLabeller(session, clips)
    try:
        server = start(session, config.host, config.port)
    except OSError as problem:
        where = f"--host {config.host} --port {config.port}"
        raise UsageError(f"{where}: the page cannot be served there ({problem.strerror or problem}).") from problem
    say(f"Your answers are asked for at {server.address}")
    if config.open_page and has_display():  # without one, a browser for terminals might take this terminal
        webbrowser.open(server.address)
    return closing(server)
