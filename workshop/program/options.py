"""The flags that every program of the workshop has, and those of a run in an environment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from workshop.bounds import LARGEST_SEED, file_name, require_bounds, within
from workshop.flags import COUNTED, ONLY_ON


@dataclass(frozen=True)
class ProgramConfig:
    """The run."""

    seed: Annotated[int, within(at_least=0, at_most=LARGEST_SEED)] = 0
    """Fixes everything random: the same seed gives the same numbers."""
    name: Annotated[str, file_name] = "rlhf"
    """Part of the run directory's name, to find the run by."""
    runs_dir: Path = Path("runs")
    """Where run directories are made."""
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    """Where the networks live; auto is the GPU if there is one. For nets this small the CPU is the faster."""
    check: Annotated[bool, ONLY_ON] = False
    """Train nothing; say whether your preference_loss is right and, if not, what is wrong with it."""
    hint: Annotated[int, COUNTED] = 0
    """Train nothing; give a hint on preference_loss. Repeat it for more: --hint --hint --hint gives the formula."""
    resume: Path | None = None
    """Go on with this interrupted run, as if it had never been stopped; give no other flag. A directory
    of runs, or a part of a run's name, is the newest unfinished one there."""

    def __post_init__(self) -> None:
        require_bounds(self)


@dataclass(frozen=True)
class RunConfig(ProgramConfig):
    """The run, in an environment."""

    pictures: bool = True
    """Make moving pictures of the agent at the end, where its environment can be drawn; they take a few seconds."""
    watch: Path | None = None
    """Train nothing; show the agent of this finished run, in a window or, without a display, in a file. A directory of
    runs, or a part of a run's name, is the newest finished one there."""
    total_timesteps: Annotated[int, within(at_least=1, at_most=10**12)] = 48_000
    """Environment steps in the whole run."""
    iterations: Annotated[int, within(at_least=1, at_most=100_000)] = 12
    """Turns of the loop, which share the steps equally: more of them, and the agent trains for fewer steps in each."""
    evaluation_episodes: Annotated[int, within(at_least=1, at_most=1000)] = 20
    """Episodes that are played after each iteration, to see how good the agent is; fewer where a step is slow."""
