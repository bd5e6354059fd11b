"""How a person answers: the flags."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from workshop.bounds import person_name, require_bounds, within
from workshop.messages import UsageError


@dataclass(frozen=True)
class LabellingConfig:
    """You as the oracle, with --oracle human or terminal."""

    labeller: Annotated[str, person_name] = "person"
    """Your name, which is kept with each of your answers."""
    goal: str = ""
    """What to judge by, shown above the clips, for a behaviour that no reward was written for: "spin the pole"."""
    ask_again: Annotated[int, within(at_least=0, at_most=100_000)] = 3
    """Pairs that you are shown a second time, to see how consistent you are; nothing is learned from those."""
    show_true_return: bool = False
    """Show you how the agent does by the environment's own reward."""
    host: str = "127.0.0.1"
    """The address that the page is served on; any but this one lets other machines in, who need the token too."""
    port: Annotated[int, within(at_least=0, at_most=65535)] = 0
    """The page's port; 0 for a free one."""
    open_page: bool = True
    """Open the page in your browser."""
    labellers_may_join: bool = False
    """A room labels together: whoever scans the QR code joins by a name, and is asked other questions than the rest."""

    def __post_init__(self) -> None:
        require_bounds(self)
        if self.labellers_may_join and self.labeller != "person":
            raise ValueError(
                "--labeller names the one person who answers, and with --labellers-may-join each says their own name; "
                "leave one of them out."
            )
        if self.labellers_may_join and self.ask_again:
            raise ValueError(
                "--ask-again shows pairs a second time to one person, and with --labellers-may-join there are several; "
                "leave one of them out."
            )


def refuse_to_join(config: Any) -> None:
    """Raise a UsageError if several are to label, and they have no page, or some are to count more than others.

    `config` is a program's flags.
    """
    if not config.labelling.labellers_may_join:
        return
    oracle = config.oracle.oracle
    if oracle != "human":
        raise UsageError(
            f"--labellers-may-join lets people join on a page, and --oracle {oracle} has none; add --oracle human."
        )
    if config.labellers.align_to != "everybody":
        raise UsageError(
            "--align-to names whose answers count, and who will join a room is not known yet (--labellers-may-join); "
            "label first, then align a second run to a name with --comparisons-from."
        )


def defaults_of_rooms(typed_after: Callable[[str], str | None]) -> dict[str, Any]:
    """Defaults by field name that follow from `--labellers-may-join`; see `tuned_settings`.

    The port stays the same, so that the phones in the room find a run that goes on.
    """
    return {"ask_again": 0, "port": 8421} if typed_after("--labellers-may-join") is not None else {}
