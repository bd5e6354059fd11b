"""Figures of few and of many groups: what is in them, and that all of it can be read."""

from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from made_up_runs import write_run
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from typed_runs import write_typed_run

from main import program
from workshop.drawing import LOOK, wrapped
from workshop.many_runs.aligned import aligned
from workshop.many_runs.figure import MOST_CURVES, draw_groups, in_order, save
from workshop.many_runs.groups import Group, group_runs
from workshop.many_runs.selection import Selection
from workshop.records import find_runs, read_run

LONG = (
    "--agent-hidden-sizes 64 64 64 --entropy-bonus 0.35 --reward-learning-rate 0.01 --weight-decay 3 "
    "--oracle-mistakes 0.1 --pool-factor 33 --fragment-length 17 --ensemble-size 7 --goal 'spin the pole, and go on'"
)


def groups_in(directory: Path) -> list[Group]:
    return group_runs([read_run(path) for path in find_runs([directory])], program.defaults)[0]


def drawn(directory: Path, x: str = "env_steps") -> Figure:
    groups = in_order(groups_in(directory))
    return draw_groups(groups, x, Selection().find_baseline(groups), "Title")


def labelled(axes) -> list[str]:
    return [line.get_label() for line in axes.get_lines() if not line.get_label().startswith("_")]


def unwrapped(texts: list[Text]) -> list[str]:
    return [text.get_text().replace("\n", " ") for text in texts]


def require_readable(figure: Figure) -> None:
    """All text is on the page; no two texts of a kind are over each other, and no panel is over the legend."""
    with matplotlib.rc_context(LOOK):
        figure.draw_without_rendering()
    page = figure.bbox
    legend = figure.legends[0].get_window_extent()
    labels = [text.get_window_extent() for text in figure.axes[0].texts]
    for box in [legend, *labels, *(text.get_window_extent() for text in figure.texts)]:
        assert page.x0 <= box.x0 < box.x1 <= page.x1, "beyond the side of the page"
        assert page.y0 <= box.y0 < box.y1 <= page.y1, "beyond the top or the bottom of the page"
    for axes in figure.axes:
        panel = axes.get_window_extent()
        assert not panel.overlaps(legend)
        assert not any(panel.overlaps(label) for label in labels)
        assert panel.width > 0.25 * page.width
        assert panel.height > 200 or labels
    for above, below in pairwise(labels):
        assert below.y1 <= above.y0 + 2, "one label over another"


# Few groups


@pytest.mark.parametrize("x", ["env_steps", "comparisons", "seconds"])
def test_a_few_groups_are_curves_with_a_legend_outside_the_panels(tmp_path: Path, x: str):
    for seed in range(5):
        write_typed_run(tmp_path, "--fragment-length 5", [0, 100 + seed, 200], seed=seed)
    for seed in range(3):
        write_typed_run(tmp_path, "", [0, 10, 20], seed=seed)
    write_typed_run(tmp_path, "--reward true", [0, 200, 200], comparisons=[0, 0, 0])
    figure = drawn(tmp_path, x)
    returns, accuracy, correlation, to_solve = figure.axes
    curves = ["--fragment-length 5 (n = 5)", "the defaults (n = 3)"]
    assert labelled(returns) == [*curves, "--reward true (n = 1), at the end", "random policy", "solved: 190"]
    assert labelled(accuracy) == labelled(correlation) == curves
    assert len(returns.collections) == 1  # the band, of the group with five runs
    line = next(line for line in returns.get_lines() if line.get_label() == curves[0])
    np.testing.assert_array_equal(line.get_ydata(), [102, 200] if x == "comparisons" else [0, 102, *[200] * 11])
    assert sum(len(each.get_offsets()) for each in to_solve.collections if hasattr(each, "get_sizes")) >= 8
    require_readable(figure)


def test_eight_long_labels_are_whole_in_the_legend(tmp_path: Path):
    lines = [f"--comparisons {40 + i} {LONG}" for i in range(MOST_CURVES)]
    for flags in lines:
        write_typed_run(tmp_path, flags, [0, 100, 200])
    figure = drawn(tmp_path)
    assert len(figure.axes) == 4
    for flags, label in zip(lines, unwrapped(figure.legends[0].get_texts()), strict=False):
        assert sorted(label.split()) == sorted(flags.split())
    require_readable(figure)


def test_one_run_is_drawn(tmp_path: Path):
    write_typed_run(tmp_path, "--diversity k-centre", [0, 100, 200])
    figure = drawn(tmp_path)
    assert unwrapped(figure.legends[0].get_texts())[0] == "--diversity k-centre"
    assert figure.legends[0].get_title().get_text() == "One run"
    require_readable(figure)


def test_runs_on_the_true_reward_alone_are_lines(tmp_path: Path):
    for gamma in (0.9, 0.99):
        write_typed_run(tmp_path, f"--reward true --gamma {gamma}", [0, 100, 200], comparisons=[0, 0, 0])
    (axes,) = drawn(tmp_path).axes
    assert labelled(axes)[:2] == ["--reward true --gamma 0.9", "--reward true --gamma 0.99"]


def test_nothing_is_called_solved_where_nobody_says_what_that_is(tmp_path: Path):
    for seed in range(2):
        write_typed_run(tmp_path, "--env Pendulum-v1", [-1500, -200 + seed], seed=seed)
    figure = drawn(tmp_path)
    assert not [label for axes in figure.axes for label in labelled(axes) if "solved" in label]
    assert figure.axes[-1].get_xlabel() == "true return at the end"
    require_readable(figure)


@pytest.mark.parametrize("x", ["env_steps", "comparisons"])
def test_counts_have_whole_numbers_as_ticks(tmp_path: Path, x: str):
    write_typed_run(tmp_path, "", [0, 100, 200], comparisons=[0, 1, 2])
    figure = drawn(tmp_path, x)
    figure.draw_without_rendering()
    for axes in figure.axes:
        assert all(tick == round(tick) for tick in axes.get_xticks())


# Many groups


def test_many_groups_are_ranked_with_the_baseline_as_a_line(tmp_path: Path):
    numbers = {f"--fragment-length {length}": 30 + 2 * length for length in range(1, 10)}
    for flags, asked in {"": 35, **numbers}.items():
        for seed in range(5):
            write_typed_run(tmp_path, flags, [0, 100, 195], [0, asked - 1, asked], seed=seed)
    write_typed_run(tmp_path, "--query uniform", [0, 100, 100], [0, 10, 20])
    write_typed_run(tmp_path, "--reward true", [0, 100, 198], [0, 0, 0])
    figure = drawn(tmp_path)
    returns, to_solve = figure.axes
    assert unwrapped(returns.texts) == [
        *(f"--fragment-length {length} (n = 5)" for length in (1, 2)),
        *["the defaults (n = 5)", "--fragment-length 3 (n = 5)"],
        *(f"--fragment-length {length} (n = 5)" for length in range(4, 10)),
        "--query uniform (n = 1)",
        "--reward true (n = 1)",
    ]
    assert labelled(returns) == ["the baseline: the defaults", "solved: 190"]
    assert [line.get_xdata()[0] for line in to_solve.get_lines()][-1] == 35
    assert "never" in [text.get_text() for text in to_solve.get_xticklabels()]
    require_readable(figure)


@pytest.mark.parametrize("n", [MOST_CURVES + 1, 40])
def test_many_long_labels_are_whole_beside_their_rows(tmp_path: Path, n: int):
    lines = [f"--comparisons {40 + i} {LONG if i % 3 == 0 else ''}".strip() for i in range(n)]
    for flags in lines:
        write_typed_run(tmp_path, flags, [0, 100, 200])
    figure = drawn(tmp_path)
    told = sorted(sorted(label.split()) for label in unwrapped(figure.axes[0].texts))
    assert told == sorted(
        sorted(flags.replace("--comparisons 36", "").split() or ["the", "defaults"]) for flags in lines
    )
    require_readable(figure)


def test_many_groups_without_a_baseline_or_a_threshold_have_one_panel(tmp_path: Path):
    for i in range(MOST_CURVES + 1):
        write_typed_run(tmp_path, f"--env Pendulum-v1 --comparisons {10 + i}", [-1500, -200 - i])
    figure = drawn(tmp_path)
    (returns,) = figure.axes
    assert unwrapped(returns.texts)[0] == "--comparisons 10"
    require_readable(figure)


# Labels and values


def test_labels_are_cut_between_flags_if_that_can_be():
    assert wrapped("--hidden-sizes 64 64 --query uniform", 24) == "--hidden-sizes 64 64\n--query uniform"
    assert wrapped("--goal 'spin it, and on'", 14) == "--goal 'spin\nit, and on'"
    assert wrapped("x" * 25, 10) == "x" * 10 + "\n" + "x" * 10 + "\n" + "x" * 5


def test_against_comparisons_curves_begin_where_every_run_has_learned_from_some(tmp_path: Path):
    one = read_run(write_run(tmp_path, [0, 100, 150, 200], comparisons=[0, 17, 17, 18]))
    grid, values = aligned([one], "comparisons", "true_return_mean")
    np.testing.assert_array_equal(grid, [17, 18])  # nobody has measured what is between 0 and 17
    np.testing.assert_array_equal(values, [[150, 200]])  # the last value for each count
    two = read_run(write_run(tmp_path, [0, 60, 80, 90], comparisons=[0, 5, 10, 20], seed=1))
    grid, values = aligned([one, two], "comparisons", "true_return_mean")
    np.testing.assert_array_equal(grid, [17, 18, 20])
    np.testing.assert_array_equal(values, [[150, 200, 200], [80, 80, 90]])


def test_against_anything_else_runs_are_compared_at_the_same_places(tmp_path: Path):
    one = read_run(write_run(tmp_path, [0, 100, 200], comparisons=[0, 10, 10]))
    two = read_run(write_run(tmp_path, [0, 60, 80, 90], comparisons=[0, 5, 10, 20], held_out=[0, 10, 10, 10], seed=1))
    grid, values = aligned([one, two], "env_steps", "true_return_mean")
    np.testing.assert_array_equal(grid, [0, 100, 200])  # as far as both went
    np.testing.assert_array_equal(values, [[0, 100, 200], [0, 60, 80]])
    grid, values = aligned([one, two], "seconds", "reward_model_accuracy")
    np.testing.assert_array_equal(grid, [2, 4])  # nothing was held out at first
    np.testing.assert_allclose(values, [[0.6, 0.7]] * 2)


def test_accuracies_of_a_few_answers_are_not_drawn(tmp_path: Path):
    one = read_run(write_run(tmp_path, [0, 60, 80, 90], held_out=[0, 9, 10, 11]))
    grid, values = aligned([one], "env_steps", "reward_model_accuracy")
    np.testing.assert_array_equal(grid, [200, 300])
    np.testing.assert_allclose(values, [[0.7, 0.8]])
    write_run(tmp_path / "few", [0, 60, 80, 90], held_out=[0, 3, 6, 9])
    panel = next(axes for axes in drawn(tmp_path / "few").axes if "accuracy" in axes.get_ylabel())
    assert not panel.lines
    assert [text.get_text() for text in panel.texts] == ["too few held-out answers to tell:\n10 are needed"]


def test_curves_against_comparisons_are_steps(tmp_path: Path):
    write_typed_run(tmp_path, "", [0, 100, 200], comparisons=[0, 17, 18])
    returns = drawn(tmp_path, "comparisons").axes[0]
    (line,) = [line for line in returns.get_lines() if line.get_label() == "the defaults"]
    assert line.get_drawstyle() == "steps-post"
    np.testing.assert_array_equal(line.get_xdata(), [17, 18])


def test_a_dollar_is_no_mathematics_and_a_picture_is_wide_enough(tmp_path: Path):
    write_typed_run(tmp_path / "runs", "--goal '$ \\frac $'", [0, 100, 200])
    save(drawn(tmp_path / "runs"), tmp_path / "figure")
    with Image.open(tmp_path / "figure.png") as picture:
        assert 1280 <= picture.size[0] <= 2000
    assert "\\frac" in (tmp_path / "figure.svg").read_text(encoding="utf-8")
