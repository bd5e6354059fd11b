"""The plots of one run: what is drawn of made-up rows, read from the axes, and what a run is called."""

from collections.abc import Callable
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from workshop import CARTPOLE_ID
from workshop.records.progress import COLUMNS
from workshop.reports import figures
from workshop.reports.about import About, number, title_of
from workshop.reports.evaluation import Episodes, Evaluation
from workshop.reports.held_out import wilson

POLE = About(gymnasium.spec(CARTPOLE_ID), 3, "python main.py --comparisons 20", answers=20)
NAN = float("nan")


def row(iteration: int, comparisons: int, true_return: float, **columns: float) -> dict[str, Any]:
    known = {
        "iteration": iteration, "env_steps": 1000 * iteration, "comparisons": comparisons,
        "true_return_mean": true_return, "true_return_std": 5.0, "learned_return_mean": -true_return,
        "reward_correlation": 0.1 * iteration, "reward_hacking": 0, "random_return_mean": 55.0, "held_out_answers": 0,
    }  # fmt: skip
    return dict.fromkeys(COLUMNS, NAN) | known | columns


# two iterations without comparisons, then two counts with two iterations each
ROWS = [row(0, 0, 10), row(1, 0, 20), row(2, 12, 30), row(3, 12, 40), row(4, 15, 50, reward_hacking=1), row(5, 15, 60)]


def evaluation() -> Evaluation:
    nothing = np.zeros(1)
    rewards = np.linspace(-1, 1, 50)
    return Evaluation(Episodes(nothing, nothing, nothing, nothing, 0, nothing, nothing), 0.0, 0.5, rewards, rewards**3)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Figure]:
    """Draws, and hands back the figure that was written."""

    def draw(function: Callable[[Path], object]) -> Figure:
        kept = []

        @contextmanager
        def keep(path: Path, title: str, *size: float):
            with figures_in(path, title, *size) as figure:
                kept.append(figure)
                yield figure

        figures_in = figures.figure_in
        monkeypatch.setattr(figures, "figure_in", keep)
        try:
            function(tmp_path / "figure.png")
        finally:
            monkeypatch.setattr(figures, "figure_in", figures_in)
        assert within_the_figure(kept[0]) == []
        return kept[0]

    return draw


def within_the_figure(figure: Figure) -> list[str]:
    """Texts that are cut off at the figure's edges."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    legends = [text for legend in figure.legends for text in legend.get_texts()]
    texts = [figure._suptitle, *legends, *(a.title for a in figure.axes), *(a.xaxis.label for a in figure.axes)]
    width, height = figure.get_size_inches() * figure.dpi
    cut = []
    for text in texts:
        box = text.get_window_extent(renderer)
        if text.get_text() and (box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1):
            cut.append(text.get_text())
    return cut


def line(axes, label: str):
    return next(each for each in axes.get_lines() if each.get_label().startswith(label))


def labels(figure: Figure) -> list[str]:
    return [each.get_label() for axes in figure.axes for each in axes.get_lines()]


def test_against_comparisons_the_last_value_of_each_count_counts_and_nothing_before_the_first():
    x, y = figures.by_comparisons(ROWS, "true_return_mean")
    np.testing.assert_array_equal(x, [12, 15])
    np.testing.assert_array_equal(y, [40, 60])
    x, y = figures.by_comparisons([*ROWS, row(6, 16, NAN)], "true_return_mean")
    np.testing.assert_array_equal(x, [12, 15])
    assert [len(each) for each in figures.by_comparisons(ROWS[:2], "true_return_mean")] == [0, 0]


def test_learning_curve_has_steps_against_comparisons_and_all_that_it_is_compared_with(drawn):
    figure = drawn(partial(figures.draw_learning_curve, ROWS, POLE, 20))
    steps, comparisons = figure.axes
    np.testing.assert_array_equal(line(steps, "true return").get_xdata(), [0, 1000, 2000, 3000, 4000, 5000])
    curve = line(comparisons, "true return")
    np.testing.assert_array_equal(curve.get_xdata(), [12, 15])
    assert curve.get_drawstyle() == "steps-post"
    assert set(line(steps, "the alarm").get_xdata()) == {4000}
    assert set(line(comparisons, "the alarm").get_xdata()) == {15}
    assert "(iteration 4)" in line(steps, "the alarm").get_label()
    for axes in figure.axes:
        assert set(line(axes, "random policy").get_ydata()) == {55}
        assert set(line(axes, "solved: 190").get_ydata()) == {190}
        assert all(tick == round(tick) for tick in axes.get_xticks())
    assert figure._suptitle.get_text() == "python main.py --comparisons 20  seed 3"


def test_the_returns_have_one_range_in_every_run_of_the_pole(drawn):
    ranges = set()
    for returns in ([10, 12], [-150, 199]):
        rows = [row(0, 0, returns[0]), row(1, 5, returns[1])]
        figure = drawn(partial(figures.draw_learning_curve, rows, POLE, 20))
        ranges |= {axes.get_ylim() for axes in figure.axes}
    ((low, high),) = ranges
    assert low < -200
    assert high > 200
    elsewhere = About(gymnasium.spec("Pendulum-v1"), 0)
    figure = drawn(partial(figures.draw_learning_curve, [row(0, 0, -1200.0), row(1, 5, -300.0)], elsewhere, 20))
    assert -1500 < figure.axes[0].get_ylim()[0] < -1200
    assert not [label for label in labels(figure) if label.startswith("solved")], "of which nobody says what it is"


def test_nothing_is_plotted_against_comparisons_where_there_were_none(drawn):
    assert len(drawn(partial(figures.draw_learning_curve, ROWS[:2], POLE, 20)).axes) == 1


def test_returns_stand_above_each_other_with_the_alarm_in_both(drawn):
    true, learned = drawn(partial(figures.draw_returns, ROWS, POLE, 20)).axes
    np.testing.assert_array_equal(line(true, "true return").get_ydata(), [10, 20, 30, 40, 50, 60])
    np.testing.assert_array_equal(line(learned, "learned return").get_ydata(), [-10, -20, -30, -40, -50, -60])
    assert [set(line(axes, "the alarm").get_xdata()) for axes in (true, learned)] == [{4}, {4}]
    assert true.get_xlim() == learned.get_xlim()
    quiet = [each | {"reward_hacking": 0} for each in ROWS]
    assert not [each for each in labels(drawn(partial(figures.draw_returns, quiet, POLE, 20))) if "alarm" in each]


def test_accuracy_has_its_interval_and_is_not_shown_of_nine_answers(drawn):
    rows = [
        row(i, 10 + i, 50, reward_model_accuracy=accuracy, held_out_answers=n)
        for i, (accuracy, n) in enumerate([(1.0, 9), (0.8, 10), (0.75, 12)])
    ]
    *_, accuracy = drawn(partial(figures.draw_learned_reward, rows, evaluation(), POLE)).axes
    shown = [each for each in accuracy.get_lines() if each.get_drawstyle() == "steps-post"]
    np.testing.assert_array_equal(shown[0].get_xydata(), [[11, 0.8], [12, 0.75]])
    assert "12 held-out answers" in accuracy.get_title()
    (band,) = (each for each in accuracy.collections if hasattr(each, "get_datalim") and each.get_paths())
    ends = band.get_paths()[0].vertices[:, 1]
    assert ends.min() == pytest.approx(0.4677, abs=1e-4)  # of 9 of 12
    assert ends.max() == pytest.approx(0.9433, abs=1e-4)  # of 8 of 10

    *_, accuracy = drawn(partial(figures.draw_learned_reward, rows[:1], evaluation(), POLE)).axes
    assert [each for each in accuracy.get_lines() if each.get_drawstyle() == "steps-post"] == []
    assert "9, and 10 are needed" in accuracy.texts[0].get_text()


def test_wilsons_interval_is_that_of_the_textbooks():
    """By scipy.stats.binomtest(…).proportion_ci(0.95, "wilson")."""
    low, high = wilson(np.array([0.8, 0.0, 1.0, 0.5]), np.array([10, 10, 10, 100]))
    np.testing.assert_allclose(low, [0.4902, 0.0, 0.7225, 0.4038], atol=1e-4)
    np.testing.assert_allclose(high, [0.9433, 0.2775, 1.0, 0.5962], atol=1e-4)


def test_a_goal_of_ones_own_leaves_the_true_reward_out(drawn):
    about = About(POLE.spec, 3, POLE.command, answers=20, goal="spin the pole")
    curve = drawn(partial(figures.draw_learning_curve, ROWS, about, 20))
    learned = drawn(partial(figures.draw_learned_reward, ROWS, evaluation(), about))
    for figure in (curve, learned):
        said = [*labels(figure), *(text for axes in figure.axes for text in (axes.get_ylabel(), axes.get_title()))]
        assert not [text for text in said if "true" in text or "solved" in text or "random" in text]
    np.testing.assert_array_equal(line(curve.axes[0], "learned return").get_ydata(), [-10, -20, -30, -40, -50, -60])
    assert len(learned.axes) == 1
    assert about.caption(ROWS[3], 40.0) == "12 answers, learned return -40"


def test_captions_say_what_was_asked_and_what_is_the_best():
    assert POLE.caption(row(3, 27, 0), 198.7) == "27 answers, true return 199 of 200"
    assert POLE.caption(row(3, 1, 0), -0.04) == "1 answer, true return 0.0 of 200"
    assert About(POLE.spec, 0).caption(row(3, 0, 0), 100) == "iteration 3, true return 100 of 200"
    assert About(gymnasium.spec("Pendulum-v1"), 0, answers=9).caption(row(3, 9, 0), -150.2) == (
        "9 answers, true return -150"
    )
    shorter = deepcopy(POLE.spec)
    shorter.max_episode_steps = 50
    assert About(shorter, 0, answers=9).achieved(49, NAN) == "true return 49 of 50"
    assert [number(value) for value in (9.94, 9.96, -9.96, 1234.5, -0.0)] == ["9.9", "10", "-10", "1234", "0.0"]


def test_titles_have_the_command_and_the_seed_on_a_few_lines():
    spec = POLE.spec
    assert About(spec, 3, "python main.py --seed 3").title == "python main.py --seed 3"
    assert About(spec, 3).title == "seed 3"
    long = About(spec, 0, "python main.py " + " ".join(f"--flag-{i} value" for i in range(100))).title
    assert long.count("\n") == 2
    assert long.endswith(" …")
    assert max(map(len, long.split("\n"))) <= 102


def test_figures_of_a_run_are_called_by_what_was_typed_for_it(tmp_path: Path):
    assert title_of(tmp_path, 3) == "seed 3"  # nothing is on record
    (tmp_path / "command.txt").write_text("python llm.py  --updates 3\n", encoding="utf-8")
    assert title_of(tmp_path, 3) == "python llm.py --updates 3  seed 3"


@pytest.mark.parametrize("command", ["python main.py --name $x$_{", "python main.py " + "--env-kwargs a=1 " * 12])
def test_any_command_makes_a_title(drawn, command: str):
    drawn(partial(figures.draw_learning_curve, ROWS, About(POLE.spec, 3, command), 20))
