"""The plots of one run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workshop.drawing import (
    BLACK,
    BLUE,
    DPI,
    GREEN,
    GREY,
    LOOK,
    ORANGE,
    RANDOM,
    WIDTH,
    in_whole_numbers,
    solved,
)
from workshop.records import ENOUGH_HELD_OUT, Row
from workshop.reports.about import About
from workshop.reports.evaluation import Evaluation
from workshop.reports.held_out import wilson
from workshop.safe_files import write_safely

if TYPE_CHECKING:  # Matplotlib is imported once there is something to draw, so that runs begin earlier
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS = 4000  # at most so many in a scatter plot
HEIGHT = 4.2  # inches, of panels beside each other
CIRCLES: dict[str, Any] = {"marker": "o", "markersize": 3}
SQUARES: dict[str, Any] = {"marker": "s", "markersize": 3}
STEPS: dict[str, Any] = {"drawstyle": "steps-post"}  # between two counts a run is as it was at the first
ALARM: dict[str, Any] = {"color": BLACK, "linewidth": 1.2, "linestyle": "--"}
ASKED = "comparisons the agent's reward was learned from"


def draw_learning_curve(rows: Sequence[Row], about: About, episodes: int, path: Path) -> None:
    """Plot true return, mean ± one standard deviation over episodes, against environment steps and comparisons.

    `rows` are those of `progress.csv`, means over so many `episodes`. Where there were no comparisons there is nothing
    to plot against them. A run with a goal of its own has the learned return in place of the true one.
    """
    compared = rows[-1]["comparisons"] > 0
    with figure_in(path, about.title, WIDTH if compared else 0.6 * WIDTH, HEIGHT) as figure:
        panels = figure.subplots(1, 2 if compared else 1, sharey=True, squeeze=False)[0]
        for axes, column in zip(panels, ("env_steps", "comparisons"), strict=False):
            _draw_return(axes, rows, column, about, episodes)
            _count_from_zero(axes, rows, column)
        panels[0].set(xlabel="environment steps", ylabel=f"{'learned' if about.goal else 'true'} return of an episode")
        if compared:
            panels[1].set_xlabel(ASKED)
        add_legend(figure, panels[0])


def draw_returns(rows: Sequence[Row], about: About, episodes: int, path: Path) -> None:
    """Plot the true return over the iterations, and below it the learned one, for which the agent was trained.

    Where the one falls as the other rises, the agent gets what nobody wanted: reward hacking.
    """
    with figure_in(path, about.title, 0.75 * WIDTH, 1.3 * HEIGHT) as figure:
        true, learned = figure.subplots(2, 1, sharex=True)
        _draw_return(true, rows, "iteration", about, episodes)
        true.set_ylabel("true return of an episode")
        x = _column(rows, "iteration")
        label = "learned return, by the reward model of the time"
        learned.plot(x, _column(rows, "learned_return_mean"), color=ORANGE, label=label, **CIRCLES)
        _mark_alarm(learned, rows, "iteration")
        learned.set(xlabel="iteration", ylabel="learned return of an episode")
        learned.grid(alpha=0.3)
        _count_from_zero(learned, rows, "iteration")
        add_legend(figure, true, learned, columns=2)


def draw_learned_reward(rows: Sequence[Row], evaluation: Evaluation, about: About, path: Path) -> None:
    """Plot the learned reward against the true one, step by step, how well they agreed over the run, and the accuracy.

    Where a goal of its own counts the true reward says nothing, and the accuracy is all there is.
    """
    with figure_in(path, about.title, 0.6 * WIDTH if about.goal else 1.3 * WIDTH, HEIGHT) as figure:
        *compared, accuracy = figure.subplots(1, 1 if about.goal else 3, squeeze=False)[0]
        if compared:
            scatter, agreement = compared
            _draw_scatter(scatter, evaluation)
            x, y = by_comparisons(rows, "reward_correlation")
            agreement.plot(x, y, color=GREEN, **STEPS, **CIRCLES)
            agreement.axhline(0, color=GREY, linewidth=0.8)
            agreement.set(xlabel="comparisons", ylabel="correlation", ylim=(-1.05, 1.05))
            agreement.set_title("Correlation with the true reward", fontsize=10)
            _mark_alarm(agreement, rows, "comparisons")
            agreement.grid(alpha=0.3)
        _draw_accuracy(accuracy, rows)
        accuracy.set(xlabel="comparisons", ylabel="share of the held-out answers", ylim=(-0.025, 1.025))
        accuracy.grid(alpha=0.3)
        for axes in (*compared[1:], accuracy):
            _count_from_zero(axes, rows, "comparisons")
        add_legend(figure, *compared[1:])


def by_comparisons(rows: Sequence[Row], column: str) -> tuple[np.ndarray, np.ndarray]:
    """A column against the number of comparisons: k different counts, and its last value with each; both (k,).

    It begins with the first comparisons, since nobody has measured anything between none and these; rows without a
    value are left out.
    """
    last = {row["comparisons"]: row[column] for row in rows if row["comparisons"] > 0 and not np.isnan(row[column])}
    return np.array(list(last), dtype=np.float64), np.array(list(last.values()), dtype=np.float64)


@contextmanager
def figure_in(path: Path, title: str, width: float, height: float) -> Iterator["Figure"]:
    """An empty figure of so many inches below its title, the run's command; what is drawn then is written to a PNG."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(LOOK):
        lines = 1 + title.count("\n")
        figure = Figure(figsize=(width, height + 0.17 * lines), dpi=DPI, layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontsize=9, color=GREY)
        yield figure
        write_safely(path, partial(figure.savefig, format="png", dpi="figure"))


def _draw_return(axes: "Axes", rows: Sequence[Row], column: str, about: About, episodes: int) -> None:
    """The true return, or the learned one with a goal, against a column, with all that it is compared with."""
    of, counted = "learned" if about.goal else "true", column == "comparisons"
    x, mean = by_comparisons(rows, f"{of}_return_mean") if counted else _all(rows, column, f"{of}_return_mean")
    how = STEPS if counted else {}
    label = f"{of} return, mean of {episodes} episodes"
    if not about.goal:
        _, std = by_comparisons(rows, "true_return_std") if counted else _all(rows, column, "true_return_std")
        step: Any = "post" if counted else None
        axes.fill_between(x, mean - std, mean + std, color=BLUE, alpha=0.2, linewidth=0, step=step)
        label = f"{of} return, mean ± std of {episodes} episodes"
    axes.plot(x, mean, color=BLUE, label=label, **CIRCLES, **how)
    _mark_alarm(axes, rows, column)
    axes.grid(alpha=0.3)
    if about.goal:
        return
    if about.solved_at is not None:
        axes.axhline(about.solved_at, **solved(about.solved_at))
    random_return = rows[-1]["random_return_mean"]
    if np.isfinite(random_return):
        axes.axhline(random_return, **RANDOM)
    if about.returns is not None:  # the same in every run of the environment
        least, most = about.returns
        axes.set_ylim(least - 0.025 * (most - least), most + 0.025 * (most - least))


def _draw_scatter(axes: "Axes", evaluation: Evaluation) -> None:
    every = max(1, len(evaluation.true_rewards) // DOTS)
    axes.scatter(
        evaluation.true_rewards[::every], evaluation.learned_rewards[::every], s=4, alpha=0.3, color=BLUE, linewidths=0
    )
    axes.set(xlabel="true reward of a step", ylabel="learned reward of the same step")
    axes.locator_params(nbins=6)
    axes.set_title(f"At the end: correlation {evaluation.reward_correlation:.2f}", fontsize=10)
    axes.grid(alpha=0.3)


def _draw_accuracy(axes: "Axes", rows: Sequence[Row]) -> None:
    """The share of the held-out answers that are foreseen, with its interval, where there are enough to tell it."""
    told = [row for row in rows if row["held_out_answers"] >= ENOUGH_HELD_OUT]
    x, share = by_comparisons(told, "reward_model_accuracy")
    axes.axhline(0.5, color=GREY, linestyle=":", linewidth=1)
    if len(x) == 0:
        most = max([0, *(int(row["held_out_answers"]) for row in rows if row["held_out_answers"] > 0)])
        axes.set_title("Accuracy on held-out answers", fontsize=10)
        text = f"too few held-out answers to tell:\n{most}, and {ENOUGH_HELD_OUT} are needed"
        axes.text(0.5, 0.65, text, transform=axes.transAxes, ha="center", color=GREY)
        return
    _, n = by_comparisons(told, "held_out_answers")
    low, high = wilson(share, n)
    axes.fill_between(x, low, high, color=ORANGE, alpha=0.2, linewidth=0, step="post")
    axes.plot(x, share, color=ORANGE, **STEPS, **SQUARES)
    if len(x) == 1:  # of which a band would have no width
        axes.vlines(x, low, high, color=ORANGE, alpha=0.4, linewidth=2)
    axes.set_title(f"Accuracy on {n[-1]:.0f} held-out answers, 95 % interval", fontsize=10)
    axes.text(0.01, 0.49, "guessing", transform=axes.get_yaxis_transform(), va="top", color=GREY, fontsize=8)


def _mark_alarm(axes: "Axes", rows: Sequence[Row], column: str) -> None:
    """A line where the alarm for reward hacking went off, if it did."""
    for row in rows:
        if row["reward_hacking"] == 1:
            axes.axvline(row[column], label=f"the alarm: reward hacking? (iteration {row['iteration']})", **ALARM)


def _count_from_zero(axes: "Axes", rows: Sequence[Row], column: str) -> None:
    """Whole numbers along the axis, from 0, so that it is seen how many came before what is drawn."""
    most = max(1, rows[-1][column])
    axes.set_xlim(-0.02 * most, 1.03 * most)
    in_whole_numbers(axes)


def add_legend(figure: "Figure", *panels: "Axes", columns: int = 4) -> None:
    """What is drawn in these panels and has a name, once each, below them."""
    every = [each for axes in panels for each in zip(*axes.get_legend_handles_labels(), strict=True)]
    found = {label: line for line, label in reversed(every)}  # of those that are called alike the first is shown
    found = {label: found[label] for _, label in every}
    if found:
        figure.legend(list(found.values()), list(found), loc="outside lower center", ncols=columns)


def _all(rows: Sequence[Row], x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    return _column(rows, x), _column(rows, y)


def _column(rows: Sequence[Row], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows], dtype=np.float64)
