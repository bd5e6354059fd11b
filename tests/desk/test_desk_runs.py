"""A run of `llm.py` as it is typed: what it says, what it leaves, and that a seed fixes it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Finished, progress, type_here
from desk_runs import METHODS, TINY_DESK, outcome, train_at_the_desk
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from workshop.language import TEN_QUESTIONS, VOCABULARY, LanguageModel, as_words, gold_scores
from workshop.records.finished import program_of, read_run

pytest_plugins = ["desk_fixtures"]

RESULT = ("run", "gold_sft", "gold", "gold_peak", "proxy", "kl", "reward_model_accuracy", "comparisons", "seconds")
COLUMNS = (
    "iteration", "env_steps", "comparisons", "true_return_mean", "true_return_std", "learned_return_mean",
    "reward_model_loss", "reward_model_accuracy", "reward_correlation", "seconds", "kl", "answer_length",
    "broken_share", "right_share",
)  # fmt: skip


def test_the_last_line_is_its_result(desk_run: Finished):
    finished, directory = desk_run
    result = json.loads(finished.stdout.splitlines()[-1])
    assert tuple(result) == RESULT
    rows = progress(directory)
    gold = [float(row["true_return_mean"]) for row in rows]
    assert result["run"] == str(directory)
    assert [result["gold_sft"], result["gold"], result["gold_peak"]] == pytest.approx(
        [gold[0], gold[-1], max(gold)], abs=0.005
    )
    assert result["proxy"] == pytest.approx(float(rows[-1]["learned_return_mean"]), abs=0.005)
    assert result["kl"] == pytest.approx(float(rows[-1]["kl"]), abs=0.005)
    assert result["comparisons"] == 6
    assert json.loads((directory / "result.json").read_text(encoding="utf-8")) == result


def test_what_it_says_ends_with_where_to_look_and_what_to_try(desk_run: Finished):
    finished, directory = desk_run
    *_, went, look, next_one = finished.stderr.splitlines()
    assert went.startswith("Gold score ")
    assert look == f"Look at:  {directory / 'plots'}, and samples.md beside it"
    assert next_one.endswith(f"python llm.py --chat {directory}")


def test_it_leaves_what_every_run_leaves(desk_run: Finished):
    _, directory = desk_run
    assert re.fullmatch(r"VisitorsDesk-v0__rlhf__0__\d{8}-\d{6}", directory.name)
    left = {path.name for path in directory.iterdir() if not path.name.startswith(("events.out.tfevents.", ".lock"))}
    assert left == {
        "config.json", "command.txt", "progress.csv", "comparisons.jsonl", "fragments", "result.json", "samples.md",
        "sft.pt", "policy.pt", "reward_model.pt", "plots",
    }  # fmt: skip
    assert program_of(directory) == "llm.py"
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    assert (config["env"], config["fragment_length"], config["packages"]["torch"]) == (
        "VisitorsDesk-v0", 24, torch.__version__,
    )  # fmt: skip
    for name in ("gold_and_proxy", "answers", "film_strip"):
        with Image.open(directory / "plots" / f"{name}.png") as picture:
            assert min(picture.size) > 300
    assert read_run(directory).solved_at is None


def test_the_progress_has_a_row_for_each_evaluation(desk_run: Finished):
    rows = progress(desk_run[1])
    assert [row["update"] for row in rows] == ["0", "2", "4"]
    assert [row["comparisons"] for row in rows] == ["0", "6", "6"]
    # two questions, two answers to each, of 24 tokens
    assert [row["env_steps"] for row in rows] == ["0", "192", "384"]
    assert set(COLUMNS) <= rows[0].keys()
    assert float(rows[0]["kl"]) == 0
    for row in rows:
        assert float(row["true_return_mean"]) <= 10
        assert 0 <= float(row["answer_length"]) <= 24
        for share in ("broken_share", "right_share", "reward_model_accuracy"):
            assert 0 <= float(row[share]) <= 1


def test_tensorboard_has_the_gold_score_as_the_true_return(desk_run: Finished):
    events = EventAccumulator(str(desk_run[1])).Reload()
    told = [(point.step, point.value) for point in events.Scalars("rollout/ep_rew_mean")]
    assert told == [
        (int(row["update"]), pytest.approx(float(row["true_return_mean"]), rel=1e-5)) for row in progress(desk_run[1])
    ]


def test_samples_are_the_same_ten_questions_at_each_evaluation(desk_run: Finished):
    text = (desk_run[1] / "samples.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [as_words(question) for question in TEN_QUESTIONS]
    answers = re.findall(r"^\| (\d+) \| (\S+) \| (.*) \|$", text, re.MULTILINE)
    assert [int(update) for update, _, _ in answers] == [0, 2, 4] * 10
    assert {word for *_, answer in answers for word in answer.split()} <= {*VOCABULARY}


def test_the_models_answer_with_the_weights_that_were_saved(desk_run: Finished):
    _, directory = desk_run
    for name in ("sft.pt", "policy.pt"):
        weights = torch.load(directory / name, weights_only=True)
        model = LanguageModel.load(directory / name)
        assert all(torch.equal(weights[key], value) for key, value in model.network.state_dict().items())
        assert model.sample(TEN_QUESTIONS, np.random.default_rng(0)).shape == (10, 24)
    assert "network" in torch.load(directory / "reward_model.pt", weights_only=True)


def test_the_answers_are_those_of_the_oracle_about_two_answers_to_one_question(desk_run: Finished):
    lines = (desk_run[1] / "comparisons.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["labeller"] for line in lines] == ["synthetic"] * 6
    (file,) = (desk_run[1] / "fragments").iterdir()
    with np.load(file) as arrays:
        questions = arrays["observations_a"][:, 0, :5].astype(np.int64)
        np.testing.assert_array_equal(questions, arrays["observations_b"][:, 0, :5])
        for side in "ab":
            gold = gold_scores(questions, arrays[f"actions_{side}"])
            np.testing.assert_allclose(arrays[f"true_rewards_{side}"].sum(axis=1), gold)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, method: str):
    one, again = (
        outcome(train_at_the_desk([*METHODS[method], "--seed", "1", "--runs-dir", str(tmp_path / place)]))
        for place in ("one", "again")
    )
    assert one == again


@pytest.mark.usefixtures("quick")
def test_another_seed_gives_other_weights_and_other_answers(desk_run: Finished, tmp_path: Path):
    one, another = (
        outcome(desk_run[1]),
        outcome(train_at_the_desk([*TINY_DESK, "--seed=1", "--runs-dir", str(tmp_path)])),
    )
    for what in ("fragments", "samples", "weights"):
        assert one[what] != another[what]


@pytest.mark.usefixtures("quick")
def test_best_of_n_trains_nothing_and_is_as_far_away_as_the_formula_says(tmp_path: Path):
    run = train_at_the_desk([*METHODS["best-of-n"], "--runs-dir", str(tmp_path)])
    first, last = progress(run)
    assert not (run / "policy.pt").exists()
    assert float(last["kl"]) == pytest.approx(np.log(4) - 3 / 4, rel=1e-5)
    assert (first["comparisons"], last["comparisons"]) == ("0", "6")


@pytest.mark.usefixtures("quick")
def test_iterations_share_answers_and_updates(tmp_path: Path):
    run = train_at_the_desk(
        [*TINY_DESK[:-2], "--iterations", "3", "--evaluate-every", "9", "--runs-dir", str(tmp_path)]
    )
    rows = progress(run)
    assert [row["comparisons"] for row in rows] == ["0", "2", "4", "6"]
    assert [row["update"] for row in rows] == ["0", "1", "3", "4"]
    assert read_run(run).columns["iteration"].tolist() == [0, 1, 2, 3]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("method", ["ppo", "dpo"])
def test_a_run_of_which_everything_is_skipped_still_ends(tmp_path: Path, method: str):
    run = train_at_the_desk([*METHODS[method], "--oracle-skip", "1000", "--runs-dir", str(tmp_path)])
    last = progress(run)[-1]
    assert (last["comparisons"], last["skipped"], last["reward_model_accuracy"]) == ("0", "60", "")


@pytest.mark.usefixtures("quick")
def test_answers_of_another_run_are_learned_from(desk_run: Finished, tmp_path: Path):
    learned = ["--comparisons-from", str(desk_run[1]), "--runs-dir", str(tmp_path)]
    finished = type_here("llm.py", *[each for each in TINY_DESK if each not in ("--comparisons", "6")], *learned)
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout.splitlines()[-1])["comparisons"] == 6
    (run,) = tmp_path.iterdir()
    assert not (run / "comparisons.jsonl").exists()
