"""What the terminal says: the bar while a run goes on, and a few lines at its end, by what happened."""

import io
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from tqdm import tqdm

import workshop.reports.listeners
from workshop import CARTPOLE_ID
from workshop.reports.about import About
from workshop.reports.conclusion import conclude
from workshop.reports.evaluation import Episodes, Evaluation
from workshop.reports.listeners import Iteration, ProgressBar

POLE, PENDULUM = gymnasium.spec(CARTPOLE_ID), gymnasium.spec("Pendulum-v1")
ROW = {"iteration": 1, "env_steps": 500, "skipped": 0, "stopped_asking": "budget", "learned_return_mean": 12.3}
EXPLAINED = {"bradley-terry": (0.3514, 1.0), "hinge": (-0.00001, 2.0)}


def lines(capsys: pytest.CaptureFixture[str], about: About, held_out: int = 12, **result: Any) -> list[str]:
    known = {"run": "runs/x", "solved": False, "true_return_mean": 52.3, "comparisons": 24, "seconds": 8.1}
    known |= {"comparisons_to_solve": None, "env_steps": 59520}
    conclude(known | result, ROW, about, EXPLAINED, held_out)
    return capsys.readouterr().err.splitlines()


def test_a_solved_run_is_compared_or_done_with_fewer_answers(capsys: pytest.CaptureFixture[str]):
    about = About(POLE, 0, "python main.py", answers=24)
    said = lines(capsys, about, solved=True, true_return_mean=197.6, comparisons_to_solve=19)
    assert said[0] == (
        "Solved: true return 197.6 of 200, from 24 answers, 59520 steps and 8.1 s "
        "(it has stayed solved since it had 19)."
    )
    assert said[1].startswith("Held-out answers, 12, ")
    assert said[1].endswith("bradley-terry 0.351, hinge 0.000")
    assert said[2] == f"Look at:  {Path('runs/x/plots')}"
    assert "--comparisons 19" in said[3]
    assert "--reward true" in said[3]
    assert f"python compare.py {Path('runs')}" in said[3]
    assert len(said) == 4
    last = lines(capsys, about, solved=True, comparisons_to_solve=24)[-1]
    assert "--comparisons 18" in last, "three quarters, where none of the answers was spare"


def test_a_run_that_is_not_solved_needs_more_answers_or_another_seed(capsys: pytest.CaptureFixture[str]):
    said = lines(capsys, About(POLE, 6, "python main.py --seed 6", answers=24))
    assert said[0] == "Not solved: true return 52.3 of 200, from 24 answers, 59520 steps and 8.1 s."
    assert "python main.py --seed 6 --comparisons 48, or python main.py --seed 7. " in said[-1]
    typed = "python main.py --comparisons=24 --seed 6 --comparisons-per-fit 2"
    last = lines(capsys, About(POLE, 6, typed, answers=24))[-1]
    kept = "python main.py --seed 6 --comparisons-per-fit 2 --comparisons 48"
    assert f"{kept}, or python main.py --comparisons=24 --comparisons-per-fit 2 --seed 7. " in last


@pytest.mark.parametrize("held_out", [0, 4, 9])
def test_nothing_is_said_of_choice_models_by_a_few_answers(held_out: int, capsys: pytest.CaptureFixture[str]):
    assert not [each for each in lines(capsys, About(POLE, 0, answers=24), held_out) if "Held-out" in each]


def test_where_nobody_says_what_is_solved_the_run_is_done(capsys: pytest.CaptureFixture[str]):
    said = lines(capsys, About(PENDULUM, 0, answers=200))
    assert said[0].startswith("Done: true return 52.3, from 24 answers")
    assert "--reward true" in said[-1]


def test_with_the_true_reward_there_are_no_answers(capsys: pytest.CaptureFixture[str]):
    said = lines(capsys, About(POLE, 0), comparisons=0, solved=True, comparisons_to_solve=0)
    assert "answers" not in said[0]
    assert "leave --reward true out" in said[-1]


def test_of_a_goal_of_ones_own_no_true_return_is_told(capsys: pytest.CaptureFixture[str]):
    said = lines(capsys, About(POLE, 0, answers=50, goal="spin the pole"), solved=True)
    assert not [each for each in said if "true" in each or "olved" in each]
    assert "--watch runs/x" in said[-1]


def test_answers_of_other_runs_are_no_flag_to_change(capsys: pytest.CaptureFixture[str]):
    about = About(POLE, 0, "python main.py --comparisons-from runs/a", answers=24)
    assert "--comparisons " not in lines(capsys, about)[-1]


def told(row: dict[str, Any]) -> Iteration:
    nothing = np.zeros(1)
    episodes = Episodes(nothing, nothing, nothing, nothing, 0, nothing, nothing)
    return Iteration([ROW | row], Evaluation(episodes, 0.0, 0.0, nothing, nothing), 0, {})


@pytest.mark.parametrize(
    ("about", "row", "says"),
    [
        (About(POLE, 0, answers=36), {"comparisons": 24, "true_return_mean": 52.4},
         "24 of 36 answers, true return 52 of 200"),
        (About(POLE, 0, answers=24), {"comparisons": 0, "true_return_mean": -187.2},
         "0 of 24 answers, true return -187 of 200"),
        (About(PENDULUM, 0, answers=700), {"comparisons": 700, "true_return_mean": -1234.5},
         "700 of 700 answers, true return -1234"),
        (About(POLE, 0), {"comparisons": 0, "true_return_mean": 199.9}, "true return 200 of 200"),
        (About(POLE, 0, answers=50, goal="spin"), {"comparisons": 12, "true_return_mean": -50.0},
         "12 of 50 answers, learned return 12"),
    ],
)  # fmt: skip
def test_the_bar_says_how_many_answers_and_what_return_in_80_columns(
    about: About, row: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
):
    screen = io.StringIO()

    def on_screen(*arguments: Any, **how: Any) -> tqdm:
        return tqdm(*arguments, **how | {"file": screen, "dynamic_ncols": False, "ncols": 80, "disable": False})

    monkeypatch.setattr(workshop.reports.listeners, "tqdm", on_screen)
    bar = ProgressBar(1000, about)
    bar.steps_taken(450)
    bar.iteration(told(row))
    bar.close()
    shown = [line for line in screen.getvalue().replace("\n", "\r").split("\r") if line.strip()]
    assert says in shown[-1]
    assert " 45%|" in shown[-1]
    assert all(len(line) <= 80 for line in shown)
    assert says in shown[-1].rstrip(), "it is whole"


def test_a_run_that_goes_on_shows_at_once_where_it_was(monkeypatch: pytest.MonkeyPatch):
    screen = io.StringIO()
    monkeypatch.setattr(
        workshop.reports.listeners, "tqdm", lambda *_, **how: tqdm(*_, **how | {"file": screen, "disable": False})
    )
    bar = ProgressBar(1000, About(POLE, 0, answers=36))
    bar.go_on([ROW | {"comparisons": 9, "true_return_mean": 99.6}])
    bar.close()
    assert " 50%|" in screen.getvalue()
    assert "9 of 36 answers, true return 100 of 200" in screen.getvalue()
