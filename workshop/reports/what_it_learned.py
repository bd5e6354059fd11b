"""The plot of what a reward model is: the learned reward over each of its inputs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from workshop import CARTPOLE_ID
from workshop.drawing import BLACK, BLUE, GREY, LOOK, WIDTH
from workshop.environments import POLE_ACTIONS, POLE_INPUTS
from workshop.reports.about import About
from workshop.reports.dependence import Dependence
from workshop.reports.figures import add_legend, figure_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 6  # inputs, of an environment that has more
ANGLE = 2  # the place of the pole's angle in an observation
OF_POLE = (*POLE_INPUTS, "action")
TRUE: Any = {"color": BLACK, "linewidth": 1.2, "linestyle": "--", "label": "cos θ, the true reward, standardised too"}


def draw_what_it_learned(dependences: Sequence[Dependence], about: About, path: Path) -> None:
    """Plot the learned reward over each input, the others being as they were in the rollouts, all on one scale.

    The pole's angle comes first, with the true reward beside it. Of other environments those inputs are shown along
    which the reward changes most.
    """
    on_the_pole = about.spec.id == CARTPOLE_ID and not about.spec.kwargs
    with figure_in(path, about.title, WIDTH, 5.0) as figure:
        if on_the_pole:
            large, *small = figure.subplot_mosaic("aabc;aade", sharey=True).values()
            angle = dependences[ANGLE]
            shown = [angle, *(each for each in dependences if each is not angle)]
            panels = [large, *small]
        else:
            shown = sorted(dependences, key=lambda each: -each.importance)[:MOST]
            columns = min(3, len(shown))
            grid = figure.subplots(-(-len(shown) // columns), columns, sharey=True, squeeze=False)
            panels = list(grid.flat)
        for axes, dependence in zip(panels, shown, strict=False):
            _draw(axes, dependence)
            axes.set_xlabel(_name(dependence, on_the_pole))
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
        if on_the_pole:
            _finish_pole(panels, shown, with_true_reward=not about.goal)
        for axes in panels:
            if axes.get_subplotspec().is_first_col():  # type: ignore[union-attr]  # which those of a grid have
                axes.set_ylabel("learned reward, standardised")
        add_legend(figure, *panels)


def draw_learned_so_far(dependences: Sequence[Dependence], env_id: str, file: BinaryIO) -> None:
    """Plot, small, what the reward makes of the pole's angle or else of the input that it changes most with; as PNG."""
    import matplotlib
    from matplotlib.figure import Figure

    on_the_pole = env_id == CARTPOLE_ID
    shown = dependences[ANGLE] if on_the_pole else max(dependences, key=lambda each: each.importance)
    with matplotlib.rc_context(LOOK):
        figure = Figure(figsize=(5.2, 2.9), layout="constrained")
        axes = figure.subplots()
        _draw(axes, shown)
        axes.set(xlabel=_name(shown, on_the_pole), ylabel="learned reward")
        if on_the_pole:
            quarters = np.arange(-2, 3) * np.pi / 2
            axes.set_xticks(quarters, ["hangs", "to the left", "upright", "to the right", "hangs"])
        figure.savefig(file, format="png", dpi=150)


def _draw(axes: "Axes", dependence: Dependence) -> None:
    mean, spread = dependence.rewards.mean(axis=0), dependence.rewards.std(axis=0)
    several = len(dependence.rewards) > 1
    label = f"learned reward{f', mean ± std of {len(dependence.rewards)} members' if several else ''}"
    values = dependence.values
    if dependence.discrete:
        whiskers = spread if several else None
        axes.errorbar(values, mean, whiskers, color=BLUE, fmt="o", markersize=5, capsize=3, label=label)
        if len(values) <= 10:
            axes.set_xticks(values)
            axes.set_xlim(values[0] - 0.6, values[-1] + 0.6)
    else:
        if several:
            axes.fill_between(values, mean - spread, mean + spread, color=BLUE, alpha=0.2, linewidth=0)
            axes.plot(values, dependence.rewards.T, color=BLUE, alpha=0.25, linewidth=0.6)
        axes.plot(values, mean, color=BLUE, linewidth=2, label=label)
        axes.set_xlim(values[0], values[-1])
        axes.plot(
            dependence.seen, np.full(len(dependence.seen), 0.02), "|", color=GREY, alpha=0.4, markersize=7,
            transform=axes.get_xaxis_transform(), label="where the rollouts were",
        )  # fmt: skip
    axes.grid(alpha=0.3)


def _finish_pole(panels: Sequence["Axes"], shown: Sequence[Dependence], with_true_reward: bool) -> None:
    """The true reward, which is cos θ whatever the other inputs are, and ticks that say what they mean."""
    large, *small = panels
    quarters = np.arange(-2, 3) * np.pi / 2
    large.set_xticks(quarters, ["−π", "−π/2", "0", "π/2", "π"])
    small[-1].set_xticks(range(len(POLE_ACTIONS)), POLE_ACTIONS)
    if with_true_reward:
        cosines = np.cos(shown[0].seen.astype(np.float64))
        spread = cosines.std() or 1.0
        angles = np.linspace(-np.pi, np.pi, 101)
        large.plot(angles, (np.cos(angles) - cosines.mean()) / spread, **TRUE)
        for axes in small:
            axes.axhline(0, **TRUE)


def _name(dependence: Dependence, on_the_pole: bool) -> str:
    if on_the_pole:
        return OF_POLE[dependence.index if dependence.of == "observation" else -1]
    alone = dependence.discrete  # a Discrete space has one number
    return dependence.of if alone else f"{dependence.of} {dependence.index}"
