"""Write recorded comparisons for other tools: `python export.py runs/… --output DIR`.

The true rewards stay behind: they are not what anybody answered.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from workshop import DESK_ID
from workshop.commands import read_flags, run_program
from workshop.flags import POSITIONAL
from workshop.records import export


@dataclass(frozen=True)
class Options:
    """Write the comparisons recorded in runs as pairs of a chosen and a rejected fragment, as JSON Lines.

    Those of llm.py's runs are texts, with the question as their prompt. Runs of several people are merged; every answer
    keeps its labeller's name. A README.md in the directory tells the fields.
    """

    runs: Annotated[tuple[Path, ...], POSITIONAL] = (Path("runs"),)
    """Run directories, or directories with such below them; all in one environment, with fragments of one length."""
    output: Path = Path("exported")
    """Where the files go: a new directory, or an empty one."""


def main() -> None:
    """Read the flags, and export the runs that they name."""
    options = read_flags(Options, sys.argv[1:])
    export(options.runs, options.output, in_words)


def in_words(env_id: str, fragments: Any) -> tuple[list[str], list[str]] | None:
    """The questions and the answers of fragments at the visitors' desk; None of others."""
    if env_id != DESK_ID:
        return None
    from workshop.language import texts_of  # which takes seconds, and is seldom needed

    return texts_of(fragments["observations"], fragments["actions"])


if __name__ == "__main__":
    run_program(main)
