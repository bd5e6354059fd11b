"""Compare runs: `python compare.py runs/…` draws them in one figure, and prints what came out as a table.

Runs that differ by nothing but their seed are one line, called by the flags that were typed for them.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from workshop import DESK_ID, processes

if __name__ == "__main__":
    processes.begin()

from workshop.bounds import file_name, require_bounds, require_directory
from workshop.commands import read_flags, run_program
from workshop.flags import ONLY_ON, POSITIONAL, flag_names
from workshop.many_runs import THE_DEFAULTS, Selection, X, compare_runs, follow_runs, report_agreement
from workshop.messages import UsageError, shown
from workshop.records import find_runs, unpacked

OF_LABELS = ("--baseline", "--only", "--group-by")


@dataclass(frozen=True)
class Options:
    """Draw runs in one figure and print a table of what came out of them.

    Runs that differ by nothing but their seed are one line: their mean, from 8 seeds on their interquartile mean (IQM),
    from 5 on with a 95 % bootstrap band. More than 8 lines are rows instead, in the order of what came out. Writes a
    PNG, an SVG and, with the table, a CSV file.
    """

    runs: Annotated[tuple[Path, ...], POSITIONAL] = (Path("runs"),)
    """Run directories, zip files of such, or directories with such below them."""
    x: X = "env_steps"
    """What the true return is drawn against."""
    baseline: str = THE_DEFAULTS
    """The label of the group that the table compares the others with, in quotes."""
    only: tuple[str, ...] = ()
    """Show only these: labels, or words in labels, each in quotes."""
    group_by: tuple[str, ...] = ()
    """Group the runs by these options alone, whatever the others are: --group-by fragment_length."""
    follow: Annotated[bool, ONLY_ON] = False
    """Go on until Ctrl-C: draw anew as runs finish, on a page for the screen at the front of the room."""
    agreement: Annotated[bool, ONLY_ON] = False
    """Print besides who agrees with whom, where people answered the same questions."""
    plots_dir: Path = Path("runs/plots")
    """Where the figure and the table go."""
    name: Annotated[str, file_name] = "comparison"
    """What their files are called."""

    def __post_init__(self) -> None:
        require_bounds(self)


def main() -> None:
    """Read the flags, and compare the runs that they name."""
    options = read_flags(Options, labels_without_dashes(sys.argv[1:]))
    require_directory("--plots-dir", options.plots_dir)
    selection = Selection(options.baseline, options.only, options.group_by)
    where = options.x, options.plots_dir, options.name
    if options.follow:
        find_runs(options.runs)  # refuses what is not there
        follow_runs(options.runs, *where, own_defaults, selection)
        return
    with unpacked(options.runs) as handed_in:
        paths = find_runs(handed_in)
        if not paths:
            named = shown(" ".join(map(str, options.runs)))
            raise UsageError(f"No finished run at or below {named}: name directories of runs, or some above them.")
        compare_runs(paths, *where, own_defaults, selection)
        if options.agreement:
            report_agreement(paths)


def own_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """What these options of a run would be by default, in its program."""
    # which takes a second or two, and a mistake should be told before
    import llm
    import main

    program: Any = (llm if options["env"] == DESK_ID else main).program
    defaults: dict[str, Any] = program.defaults(options)
    return defaults


def labels_without_dashes(arguments: Sequence[str]) -> list[str]:
    """The arguments with labels, such as `--fragment-length 5`, as nobody takes for flags; a baseline is one label."""
    own = [*flag_names(Options()), "--help", "-h"]
    plain: list[str] = []
    after = ""
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        if flag.replace("_", "-") in own:
            after = flag.replace("_", "-")
            plain.append(f"{flag}={value.lstrip('-')}" if equals and after in OF_LABELS else argument)
        elif after == "--baseline" and plain[-1] != after:
            plain[-1] += f" {argument}"
        else:
            plain.append(argument.lstrip("-") if after in OF_LABELS else argument)
    return plain


if __name__ == "__main__":
    run_program(main)
