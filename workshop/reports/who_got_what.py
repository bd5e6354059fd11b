"""Who got what, where labellers want different things: a table, a figure and two sentences."""

import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workshop.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, WIDTH, in_whole_numbers
from workshop.labellers import Agreement
from workshop.messages import say
from workshop.records import Row, RunDirectory, as_csv, cell
from workshop.reports.about import title_of
from workshop.reports.figures import CIRCLES, HEIGHT, SQUARES, add_legend, figure_in
from workshop.safe_files import write_safely

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of the lines of as many groups as there can be: colours, and then their markers and strokes, tell them apart.
COLOURS = BLUE, ORANGE, GREEN, BLACK, GREY
STROKES: Any = ({**CIRCLES, "linestyle": "-"}, {**SQUARES, "linestyle": "--"})
LOOKS: Any = [{"color": colour, **stroke} for stroke, colour in product(STROKES, COLOURS)]


def warn_of_disagreement(groups: Sequence[str], first: Agreement) -> None:
    """Say at the beginning that one reward cannot serve all, if their agreement is surely low."""
    if first.one_reward_cannot_serve_all:
        say(
            f"{' and '.join(groups)} disagree: Krippendorff's alpha is {_with_interval(first)} on {first.pairs} pairs "
            "put to all, so one reward cannot serve all of them; --align-to says whom it serves."
        )


def tell_who_got_what(
    directory: RunDirectory,
    seed: int,
    groups: Sequence[str],
    shares: np.ndarray,
    first: Agreement | None,
    last: Agreement | None,
) -> None:
    """Write `groups.csv` and `plots/aligned_to_who.png`, and say in two sentences who got what.

    `seed` is the run's; `shares` are the groups' of the labellers; `first` and `last` their agreement at the beginning
    and at the end.
    """
    row = directory.rows[-1]
    table = [["group", "share", "return", "got", "agrees", "alpha_first", "alpha_last", "disagree_last"]]
    alphas = [*(math.nan if each is None else each.alpha for each in (first, last))]
    alphas.append(math.nan if last is None else last.disagree)
    for group, share in zip(groups, shares, strict=True):
        own = [row.get(f"{what}_{group}", math.nan) for what in ("return", "got", "agrees")]
        table.append([group, *(cell(float(x)) for x in (share, *own, *alphas))])
    write_safely(directory.path / "groups.csv", lambda stream: stream.write(as_csv(table)))
    title, plot = title_of(directory.path, seed), directory.path / "plots" / "aligned_to_who.png"
    _draw(directory, groups, (first, last), title, plot)
    for line in table_of(row, groups, shares):
        say(line)
    say(in_words(row, groups, last, directory.untrained))


def table_of(row: Row, groups: Sequence[str], shares: np.ndarray) -> list[str]:
    """The last row of the progress by group, as lines of text in columns."""
    lines = [f"{'group':<16}{'labellers':>10}{'return':>10}{'got':>8}{'agrees':>8}"]
    for group, share in zip(groups, shares, strict=True):
        own, got, agrees = (row.get(f"{what}_{group}", math.nan) for what in ("return", "got", "agrees"))
        lines.append(f"{group:<16}{share:>10.0%}{own:>10.1f}{_two(got):>8}{_percent(agrees):>8}")
    return lines


def in_words(row: Row, groups: Sequence[str], last: Agreement | None, untrained: str) -> str:
    """Two sentences: how much of what it wanted each group got, where `untrained` gave 0, and how far they disagree."""
    known = not any(math.isnan(row[f"got_{group}"]) for group in groups)
    each = [
        f"{group} got {_two(row[f'got_{group}'])}" if known else f"{group} a return of {row[f'return_{group}']:.1f}"
        for group in groups
    ]
    first, *others = each
    first = first + " of what it wanted" if known else first.replace(" a return", " got a return", 1)
    text = ", ".join([first, *(other.replace(" got", "") for other in others)]) + "."
    if known:
        text += f" (0 is {untrained}, 1 one trained for that group alone.)"
    if last is not None:
        text += (
            f" On {last.disagree:.0%} of {last.pairs} pairs put to all they disagree (alpha {_with_interval(last)})."
        )
    return text


def _draw(
    directory: RunDirectory, groups: Sequence[str], both: Sequence[Agreement | None], title: str, path: Path
) -> None:
    rows, (along, named) = directory.rows, directory.along
    known = not any(math.isnan(rows[-1][f"got_{group}"]) for group in groups)
    with figure_in(path, title, WIDTH, HEIGHT) as figure:
        gets, agrees, agreement = figure.subplots(1, 3, width_ratios=(3, 3, 1.4))
        steps = [row[along] for row in rows]
        for axes, column in ((gets, "got" if known else "return"), (agrees, "agrees")):
            for group, look in zip(groups, LOOKS, strict=False):
                own = [row.get(f"{column}_{group}", math.nan) for row in rows]
                axes.plot(steps, own, label=group, **look)
            axes.set_xlabel(named)
            in_whole_numbers(axes, 6)
        if known:
            for height in (0, 1):
                gets.axhline(height, color=GREY, linewidth=1, zorder=0)
        gets.set_title("What each group gets", fontsize=10)
        gets.set_ylabel(
            f"0: {directory.untrained}, 1: trained for it alone" if known else "return by what the group wants"
        )
        agrees.set_title("Its answers that the reward agrees with", fontsize=10)
        agrees.set(ylim=(-0.03, 1.03), ylabel="share of them")
        agrees.axhline(0.5, color=GREY, linestyle=":", linewidth=1)
        _draw_agreement(agreement, both)
        for axes in (gets, agrees, agreement):
            axes.grid(alpha=0.3)
        add_legend(figure, gets, agrees)


def _draw_agreement(axes: "Axes", both: Sequence[Agreement | None]) -> None:
    """How far the groups agree with one another at the beginning and at the end, with the intervals."""
    axes.set_title("Groups' agreement", fontsize=10)
    axes.set(xlim=(-0.5, 1.5), ylim=(-1.05, 1.05), ylabel="Krippendorff's alpha")
    axes.set_xticks([0, 1], ["first", "end"])
    axes.axhline(0, color=GREY, linewidth=1, zorder=0)
    for x, each in enumerate(both):
        if each is not None and not math.isnan(each.alpha):
            axes.plot([x, x], [each.low, each.high], color=BLACK)
            axes.plot([x], [each.alpha], "o", color=BLACK)


def _with_interval(each: Agreement) -> str:
    return f"{each.alpha:.2f}, 95 % interval {each.low:.2f} to {each.high:.2f}"


def _two(value: float) -> str:
    return "" if math.isnan(value) else f"{value + 0.0:.2f}"


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.0%}"
