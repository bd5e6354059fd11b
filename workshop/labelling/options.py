"""How a person answers: the flags."""

from dataclasses import dataclass
from typing import Annotated

from workshop.bounds import person_name, require_bounds, within


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

    def __post_init__(self) -> None:
        require_bounds(self)
