"""The figures of one run of `llm.py`: gold score and proxy, what the answers are like, and a film strip in words."""

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workshop.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, WIDTH, in_whole_numbers
from workshop.language import BEST_SCORE, TEN_QUESTIONS, as_words
from workshop.records import Row
from workshop.reports import CIRCLES, HEIGHT, SQUARES, add_legend, figure_in

PICTURES, SHOWN = 5, 4  # of a film strip; which of the ten questions
GOLD: Any = {"color": BLUE, **CIRCLES}
PROXY: Any = {"color": ORANGE, "linestyle": "--", **SQUARES}


def draw_gold_and_proxy(rows: Sequence[Row], goal: str, title: str, path: Path) -> None:
    """Gold score and proxy over the updates, and over how far the policy has moved (Gao et al. 2022).

    The gold score says nothing where a person had a `goal` of their own, and is not shown then.
    """
    with figure_in(path, title, WIDTH, HEIGHT) as figure:
        panels = figure.subplots(1, 2)
        distance = [np.sqrt(max(0.0, row["kl"])) for row in rows]
        for axes, where in zip(panels, ([row["update"] for row in rows], distance), strict=True):
            gold = [row["true_return_mean"] for row in rows]
            if goal:
                axes.set_yticks([])
            else:
                axes.plot(where, gold, **GOLD, label="gold score: what visitors want")
                axes.axhline(BEST_SCORE, color=GREY, linewidth=1)
                axes.set_ylabel(f"gold score (at best {BEST_SCORE:g})", color=BLUE)
            beside = axes.twinx()
            learned = [row["learned_return_mean"] for row in rows]
            beside.plot(where, learned, **PROXY, label="proxy: the learned reward")
            beside.set_ylabel("proxy, in spreads of the SFT model's answers", color=ORANGE)
            beside.set_ylim(min(0, *learned) - 0.2, max(4, *learned) + 0.2)
            axes.set_ylim(min(-3, *gold) - 0.5, BEST_SCORE + 0.5)
            axes.grid(alpha=0.3)
            for row, x in zip(rows, where, strict=True):
                if row["reward_hacking"] == 1:
                    axes.axvline(x, color=BLACK, linewidth=1.2, linestyle="--", label="the alarm")
        panels[0].set_xlabel("updates of the policy")
        panels[1].set_xlabel("distance from the SFT model: √KL, KL in nats an answer")
        in_whole_numbers(panels[0])
        add_legend(figure, *figure.axes)


def draw_answers(rows: Sequence[Row], title: str, path: Path) -> None:
    """What the answers are like, over the updates: right, broken, how long, and how far from the SFT model's."""
    with figure_in(path, title, WIDTH, HEIGHT) as figure:
        left, right = figure.subplots(1, 2)
        updates = [row["update"] for row in rows]
        left.plot(updates, [100 * row["right_share"] for row in rows], color=GREEN, **CIRCLES,
                  label="% that answer the question")  # fmt: skip
        left.plot(updates, [100 * row["broken_share"] for row in rows], color=BLACK, **SQUARES,
                  linestyle="--", label="% that have broken text")  # fmt: skip
        left.set(ylim=(-3, 103), ylabel="% of the answers")
        right.plot(updates, [row["answer_length"] for row in rows], color=BLUE, **CIRCLES,
                   label="words in an answer")  # fmt: skip
        right.plot(updates, [row["kl"] for row in rows], color=ORANGE, **SQUARES, linestyle="--",
                   label="KL to the SFT model, nats an answer")  # fmt: skip
        right.set_ylim(bottom=0)
        for axes in (left, right):
            axes.set_xlabel("updates of the policy")
            in_whole_numbers(axes)
            axes.grid(alpha=0.3)
        add_legend(figure, left, right)


def draw_film_strip(samples: Sequence[Any], goal: str, title: str, path: Path) -> None:
    """What the policy answers to one question as it is trained, with the gold score and proxy of all its answers.

    The gold score says nothing where a person had a `goal` of their own.
    """
    early = np.linspace(0, 1, PICTURES) ** 2  # where most of it happens
    chosen = [samples[i] for i in sorted({round(i) for i in early * (len(samples) - 1)})]
    with figure_in(path, title, WIDTH, 2.6) as figure:
        panels = figure.subplots(1, len(chosen), squeeze=False)[0]
        for axes, sample in zip(panels, chosen, strict=True):
            when = "SFT model" if sample.update == 0 else f"after {sample.update} updates"
            axes.set_title(when, fontsize=9, fontweight="bold")
            axes.set(xticks=[], yticks=[], facecolor=PALE)
            said = re.sub(r" (?=[.,!?])", "\N{NO-BREAK SPACE}", sample.answers[SHOWN])  # no mark begins a line
            text = textwrap.fill(said or "(says nothing)", 22)
            axes.text(0.5, 0.56, text, ha="center", va="center", fontsize=9, transform=axes.transAxes)
            scores = f"proxy {sample.proxy:.1f}" if goal else f"gold {sample.gold:.1f}, proxy {sample.proxy:.1f}"
            axes.text(0.5, 0.04, scores, ha="center", va="bottom",
                      fontsize=8, color=GREY, transform=axes.transAxes)  # fmt: skip
        figure.supxlabel(f"“{as_words(TEN_QUESTIONS[SHOWN])}”", fontsize=10)
