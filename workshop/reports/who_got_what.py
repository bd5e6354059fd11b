"""Who got what, where labellers want different things: a table, a figure and two sentences."""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workshop.labellers import Agreement
from workshop.messages import say
from workshop.records import Row, RunDirectory, as_csv, cell
from workshop.safe_files import write_safely

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def warn_of_disagreement(groups: Sequence[str], first: Agreement) -> None:
    """Say at the beginning that one reward cannot serve all, if their agreement is surely low."""
    if first.one_reward_cannot_serve_all:
        say(
            f"{' and '.join(groups)} disagree: Krippendorff's alpha is {_with_interval(first)} on {first.pairs} pairs "
            "put to all, so one reward cannot serve all of them; --align-to says whom it serves."
        )


def tell_who_got_what(
    directory: RunDirectory,
    groups: Sequence[str],
    shares: np.ndarray,
    first: Agreement | None,
    last: Agreement | None,
) -> None:
    """Write `groups.csv` and `plots/aligned_to_who.png`, and say in two sentences who got what.

    `shares` are the groups' of the labellers; `first` and `last` their agreement at the beginning and at the end.
    """
    row = directory.rows[-1]
    table = [["group", "share", "return", "got", "agrees", "alpha_first", "alpha_last", "disagree_last"]]
    alphas = [*(math.nan if each is None else each.alpha for each in (first, last))]
    alphas.append(math.nan if last is None else last.disagree)
    for group, share in zip(groups, shares, strict=True):
        own = [row.get(f"{what}_{group}", math.nan) for what in ("return", "got", "agrees")]
        table.append([group, *(cell(float(x)) for x in (share, *own, *alphas))])
    write_safely(directory.path / "groups.csv", lambda stream: stream.write(as_csv(table)))
    _draw(directory.rows, groups, (first, last), directory.path / "plots" / "aligned_to_who.png")
    for line in table_of(row, groups, shares):
        say(line)
    say(in_words(row, groups, last))


def table_of(row: Row, groups: Sequence[str], shares: np.ndarray) -> list[str]:
    """The last row of the progress by group, as lines of text in columns."""
    lines = [f"{'group':<16}{'labellers':>10}{'return':>10}{'got':>8}{'agrees':>8}"]
    for group, share in zip(groups, shares, strict=True):
        own, got, agrees = (row.get(f"{what}_{group}", math.nan) for what in ("return", "got", "agrees"))
        lines.append(f"{group:<16}{share:>10.0%}{own:>10.1f}{_two(got):>8}{_percent(agrees):>8}")
    return lines


def in_words(row: Row, groups: Sequence[str], last: Agreement | None) -> str:
    """Two sentences: how much of what it wanted each group got, and how far they disagree."""
    known = not any(math.isnan(row[f"got_{group}"]) for group in groups)
    each = [
        f"{group} got {_two(row[f'got_{group}'])}" if known else f"{group} a return of {row[f'return_{group}']:.1f}"
        for group in groups
    ]
    first, *others = each
    first = first + " of what it wanted" if known else first.replace(" a return", " got a return", 1)
    text = ", ".join([first, *(other.replace(" got", "") for other in others)]) + "."
    if known:
        text += " (0 is a random agent, 1 one trained for that group alone.)"
    if last is not None:
        text += (
            f" On {last.disagree:.0%} of {last.pairs} pairs put to all they disagree (alpha {_with_interval(last)})."
        )
    return text


def _draw(rows: Sequence[Row], groups: Sequence[str], both: Sequence[Agreement | None], path: Path) -> None:
    from matplotlib.figure import Figure

    known = not any(math.isnan(rows[-1][f"got_{group}"]) for group in groups)
    figure = Figure(figsize=(10, 3.4), dpi=120, layout="constrained")
    axes: Sequence[Axes] = figure.subplots(1, 3, width_ratios=(3, 3, 1.4))
    steps = [row["env_steps"] for row in rows]
    what = "got" if known else "return"
    for i, group in enumerate(groups):
        for axis, column in zip(axes, (what, "agrees"), strict=False):
            axis.plot(steps, [row.get(f"{column}_{group}", math.nan) for row in rows], color=f"C{i}", label=group)
    if known:
        for height in (0, 1):
            axes[0].axhline(height, color="0.75", linewidth=1, zorder=0)
    axes[0].set(
        title="What each group gets",
        xlabel="environment steps",
        ylabel="0 random, 1 trained for it alone" if known else "return by what the group wants",
    )
    axes[1].set(title="Its answers that the reward agrees with", xlabel="environment steps", ylim=(-0.03, 1.03))
    axes[1].axhline(0.5, color="0.75", linewidth=1, zorder=0)
    axes[0].legend(frameon=False)
    axes[2].set(title="Groups' agreement", xlim=(-0.5, 1.5), ylim=(-1.05, 1.05), ylabel="Krippendorff's alpha")
    axes[2].set_xticks([0, 1], ["first", "end"])
    axes[2].axhline(0, color="0.75", linewidth=1, zorder=0)
    for x, each in enumerate(both):
        if each is not None and not math.isnan(each.alpha):
            axes[2].plot([x, x], [each.low, each.high], color="0.3")
            axes[2].plot([x], [each.alpha], "o", color="0.3")
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    write_safely(path, partial(figure.savefig, format="png"))


def _with_interval(each: Agreement) -> str:
    return f"{each.alpha:.2f}, 95 % interval {each.low:.2f} to {each.high:.2f}"


def _two(value: float) -> str:
    return "" if math.isnan(value) else f"{value + 0.0:.2f}"


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.0%}"
