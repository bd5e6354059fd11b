"""The plots of one run."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from workshop.records import Row
from workshop.reports.evaluation import EPISODES, Evaluation
from workshop.safe_files import write_safely

if TYPE_CHECKING:  # Matplotlib is imported once there is something to draw, so that runs begin earlier
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by colour-blind readers, and in print
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
DOTS = 4000  # at most so many in a scatter plot
CIRCLES: dict[str, Any] = {"marker": "o", "markersize": 3}
SQUARES: dict[str, Any] = {"marker": "s", "markersize": 3}


def draw_learning_curve(rows: Sequence[Row], solved_at: float | None, path: Path, episodes: int = EPISODES) -> None:
    """Plot true return, mean ± one standard deviation over episodes, against environment steps and comparisons.

    `rows` are those of `progress.csv`, means over so many `episodes`; `solved_at` is the return from which the task
    counts as solved, if known. Where there were no comparisons there is nothing to plot against them.
    """
    compared = rows[-1]["comparisons"] > 0
    figure = _figure(figsize=(10 if compared else 6, 4.2))
    panels = figure.subplots(1, 2 if compared else 1, sharey=True, squeeze=False)[0]
    true_mean, true_std = _column(rows, "true_return_mean"), _column(rows, "true_return_std")
    against = ("env_steps", "environment steps"), ("comparisons", "comparisons the agent's reward was learned from")
    for axes, (column, label) in zip(panels, against, strict=False):
        x = _column(rows, column)
        axes.fill_between(x, true_mean - true_std, true_mean + true_std, color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(x, true_mean, color=BLUE, label=f"true return, mean ± std of {episodes} episodes", **CIRCLES)
        if solved_at is not None:
            axes.axhline(solved_at, color=GREY, linestyle="--", linewidth=1, label=f"solved: {solved_at:g}")
        axes.set_xlabel(label)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("true return of an episode")
    from matplotlib.ticker import EngFormatter

    panels[0].xaxis.set_major_formatter(EngFormatter(sep=""))  # 200k and 1M, not 1e6 in a corner
    if compared:
        _count_along(panels[1])
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    write_safely(path, partial(figure.savefig, format="png", dpi=150))


def draw_learned_reward(rows: Sequence[Row], evaluation: Evaluation, path: Path) -> None:
    """Plot the learned reward against the true one, step by step, and how well they agreed over the run."""
    figure = _figure(figsize=(10, 4.2))
    scatter, curves = figure.subplots(1, 2)
    every = max(1, len(evaluation.true_rewards) // DOTS)
    scatter.scatter(
        evaluation.true_rewards[::every], evaluation.learned_rewards[::every], s=4, alpha=0.3, color=BLUE, linewidths=0
    )
    scatter.set(xlabel="true reward of a step", ylabel="learned reward of the same step")
    scatter.set_title(f"At the end: correlation {evaluation.reward_correlation:.2f}", fontsize=11)
    x, correlation = _column(rows, "comparisons"), _column(rows, "reward_correlation")
    curves.plot(x, correlation, color=GREEN, label="correlation with the true reward", **CIRCLES)
    accuracy = _column(rows, "reward_model_accuracy")
    curves.plot(x, accuracy, color=ORANGE, label="accuracy on held-out comparisons", **SQUARES)
    curves.axhline(0.5, color=GREY, linestyle=":", linewidth=1, label="accuracy of guessing")
    curves.set(xlabel="comparisons", ylim=(np.nanmin([0, *correlation]) - 0.05, 1.05))
    curves.set_title("Over the run", fontsize=11)
    _count_along(curves)
    figure.legend(*curves.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    for axes in (scatter, curves):
        axes.grid(alpha=0.3)
    write_safely(path, partial(figure.savefig, format="png", dpi=150))


def draw_story(rows: Sequence[Row], file: BinaryIO) -> None:
    """Plot, small, how the learned reward came along, without a word of the true one; as PNG."""
    figure = _figure(figsize=(5.6, 2.6))
    accuracy, returns = figure.subplots(1, 2)
    x = _column(rows, "comparisons")
    accuracy.plot(x, 100 * _column(rows, "reward_model_accuracy"), color=ORANGE, **SQUARES)
    accuracy.axhline(50, color=GREY, linestyle=":", linewidth=1)
    accuracy.set_ylim(0, 105)
    accuracy.set_title("Answers it would have foreseen, %", fontsize=9)
    accuracy.set_xlabel("your answers", fontsize=9)
    returns.plot(_column(rows, "iteration"), _column(rows, "learned_return_mean"), color=BLUE, **CIRCLES)
    returns.set_title("What it thinks of the agent", fontsize=9)
    returns.set_xlabel("iteration", fontsize=9)
    for axes in (accuracy, returns):
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=8)
        _count_along(axes)
    figure.savefig(file, format="png", dpi=150)


def _count_along(axes: "Axes") -> None:
    """Whole numbers along the horizontal axis: there is no half of a comparison."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))


def _figure(figsize: tuple[float, float]) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=figsize, layout="constrained")


def _column(rows: Sequence[Row], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows], dtype=np.float64)
