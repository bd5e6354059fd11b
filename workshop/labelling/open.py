"""Open the way by which a person answers: the page, or the terminal."""

import sys
import webbrowser
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from workshop.labelling.options import LabellingConfig
from workshop.labelling.terminal import TerminalLabeller
from workshop.messages import UsageError, say, shown
from workshop.processes import has_display

if TYPE_CHECKING:
    from workshop.labelling.human import HumanOracle, Sides
    from workshop.labelling.room import Room


def refuse_address(config: LabellingConfig) -> None:
    """Raise a UsageError if the page cannot be served at the address that was asked for."""
    from workshop.labelling.server import listen  # only who wants a page waits for its server's libraries

    with _one_sentence(config):
        listen(config.host, config.port).close()


@contextmanager
def _one_sentence(config: LabellingConfig) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        where = f"--host {shown(config.host)} --port {config.port}"
        raise UsageError(
            f"{where}: the page cannot be served there ({problem.strerror or problem}); the host must be an address of "
            "this machine, and the port free."
        ) from problem


def _invite(room: "Room") -> None:
    """Say where one joins, as a QR code too where it can be seen, and where the screen for the front is."""
    from workshop.labelling.room import as_text

    say(f"Whoever is to answer joins at {room.address}")
    if sys.stderr.isatty() and sys.stderr.encoding.lower().startswith("utf"):
        say(as_text(room.address))
    if "//127.0.0.1:" in room.address:
        say("Only browsers on this machine get there: --host 0.0.0.0 lets in those on the network.")
    say(f"The screen for the front of the room is {room.front}")


def clips_of(spec: Any, seed: int, rollouts: Any) -> "Sides":
    """How pairs of fragments of these rollouts are shown: as clips of the environment of this `spec`.

    Its copies were seeded `seed`, `seed + 1`, ….
    """
    # What these import takes seconds; a page, or a terminal, can do without.
    from workshop.environments import why_not_drawn
    from workshop.labelling.fragment_clips import FragmentClips

    return partial(FragmentClips(spec, seed, pictures=not why_not_drawn(spec)).sides, rollouts)


def ask_a_person(
    how: Literal["human", "terminal"],
    config: LabellingConfig,
    wanted: int,
    directory: Any,
    sides: "Sides",
    comparisons: Any,
    generator: Any,
    asking: str = "",
    judged_by: str = "",
) -> "HumanOracle":
    """A person, whose answers are kept in a run's directory, as an oracle with a `way` to answer that is to be entered.

    They are asked for `wanted` answers. `sides` is what is shown of pairs, clips (`clips_of`) or texts, and `asking`
    the question about them; `judged_by` is shown above where `config` names no goal; for the others see `HumanOracle`.
    The page's address is said, and the page opened. Raises a UsageError if the page cannot be served at the address
    that was asked for.
    """
    from workshop.labelling.human import HumanOracle

    oracle = HumanOracle(config, wanted, directory, sides, comparisons, generator, asking, judged_by)
    if how == "terminal":
        oracle.way = TerminalLabeller(oracle.session, directory.path / "clips")
        return oracle
    from workshop.labelling.server import LabellingServer

    with _one_sentence(config):
        server = LabellingServer(oracle.session, config.host, config.port, oracle.people)
    address = server.address
    if server.room is None:
        say(f"Your answers are asked for at {address}")
    else:
        _invite(server.room)
        address = server.room.front
    if config.open_page and has_display():  # without one, a browser for terminals might take this terminal
        webbrowser.open(address)
    oracle.way = closing(server)
    return oracle
