"""The figures of `language.py`."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from language_tables import Row, best_of_n, bounds, curve, fits, names, of_each, select, terms
from matplotlib.figure import Figure

from workshop.drawing import BLACK, BLUE, GREEN, GREY, ORANGE

BEST = 10  # gold


def draw_optimisation(rows: Sequence[Row]) -> Figure:
    """Gold and proxy against the distance from the SFT model, as Gao et al. (2022) draw them."""
    figure = Figure(figsize=(10, 4.8), dpi=160, layout="constrained")
    gold, proxy = figure.subplots(1, 2, sharex=True)
    coefficients = [name for name in names(rows, "optimisation") if name[0].isdigit()]
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(coefficients)))
    for name, colour in zip(coefficients, colours, strict=True):
        points = curve(rows, name)
        gold.plot(np.sqrt(points["kl"]), points["gold"], color=colour, marker=".", label=f"PPO, β = {name}")
        proxy.plot(np.sqrt(points["kl"]), points["proxy"], color=colour, marker=".", linestyle="--")
    others = {"best of 1, 4, 16, 64, 256": (best_of_n(rows), "D", ORANGE), "DPO": (curve(rows, "DPO"), "s", BLACK)}
    for label, (points, marker, colour) in others.items():
        for axes, column in ((gold, "gold"), (proxy, "proxy")):
            axes.plot(np.sqrt(points["kl"]), points[column], marker, color=colour, markersize=5, label=label, zorder=3)
    for kind, (name, (alpha, beta, _)) in zip(("rl", "bon"), fits(rows).items(), strict=True):
        points = curve(rows, "0") if kind == "rl" else best_of_n(rows)
        d = np.linspace(0.05, np.sqrt(points["kl"].max()), 200)
        form = "d (α - β log d)" if kind == "rl" else "d (α - β d)"
        shade = {"color": GREY, "linestyle": ":" if kind == "rl" else "-.", "linewidth": 1.2}
        gold.plot(d, points["gold"][0] + terms(d, kind) @ [alpha, beta], label=f"{form}, fitted to {name}", **shade)
    gold.set(ylabel="gold score: what a visitor wants", xlabel="√KL from the SFT model (KL in nats an answer)")
    gold.set_ylim(max(-16, gold.get_ylim()[0]), BEST + 0.5)
    gold.axhline(BEST, color=GREY, linewidth=0.8)
    gold.set_xlim(-0.1, min(6.0, gold.get_xlim()[1]))  # without a penalty it goes on to 14
    proxy.set(ylabel="proxy: the learned reward, in standard deviations", xlabel="√KL from the SFT model")
    for axes in (gold, proxy):
        axes.grid(alpha=0.3)
    figure.legend(*gold.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def draw_labels(rows: Sequence[Row]) -> Figure:
    """How often the reward model is right, against labels."""
    figure = Figure(figsize=(6, 3.8), dpi=160, layout="constrained")
    axes = figure.subplots()
    for start, colour, label in (("sft", BLUE, "begun from the SFT model"), ("scratch", ORANGE, "from scratch")):
        of = select(rows, "labels", start)
        labels = np.unique(of["x"])
        each = [of["accuracy"][of["x"] == n] for n in labels]
        low, high = zip(*map(bounds, each), strict=True)
        axes.plot(labels, [values.mean() for values in each], color=colour, marker=".", label=label)
        axes.fill_between(labels, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.set(xscale="log", xlabel="labels", ylabel="accuracy on new pairs")
    axes.set_xticks(labels, [f"{n:g}" for n in labels], minor=False)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def draw_claims(rows: Sequence[Row]) -> Figure:
    """Gold at the end in each setting, a point for each seed, with the mean and its interval."""
    settings = list(of_each(rows, "claims"))
    figure = Figure(figsize=(8, 0.4 * len(settings) + 1), dpi=160, layout="constrained")
    axes = figure.subplots()
    for place, (_, of) in enumerate(settings):
        low, high = bounds(of["gold"])
        axes.plot(of["gold"], np.full(len(of["gold"]), place), "o", color=BLUE, alpha=0.3, markersize=4)
        axes.plot([low, high], [place, place], color=BLUE, linewidth=2)
        axes.plot(of["gold"].mean(), place, "D", color=BLUE, markersize=5)
    axes.set_yticks(range(len(settings)), [name for name, _ in settings])
    axes.invert_yaxis()
    axes.axvline(BEST, color=GREEN, linewidth=0.8)
    axes.set_xlabel("gold score at the end; 10 is the best possible (each seed, mean and 95 % interval)")
    axes.grid(alpha=0.3, axis="x")
    return figure
