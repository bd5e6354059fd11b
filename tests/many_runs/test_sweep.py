"""Many runs at once: the flags with several values, `sweep.py` as typed, what it skips, what fails, the search."""

import csv
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import optuna
import pytest
from conftest import ROOT, TINY, start_command, type_command
from made_up_runs import write_run

import sweep
from main import Config
from workshop.many_runs.grid import combinations, one_by_one, read_axes
from workshop.many_runs.parallel import as_done, workers
from workshop.many_runs.search import Search, best_first, chosen, follow_trial, score
from workshop.messages import UsageError
from workshop.records.directory import flatten
from workshop.records.finished import find_runs, read_run

OPTIONS = flatten(Config())
TINY_RUN = ["--", "--solution", *TINY, "--hidden-sizes", "8", "--agent-hidden-sizes", "8"]


def sweep_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str) -> None:
    """`python sweep.py …` in this process, one run after another."""
    places = ["--runs-dir", str(tmp_path / "runs"), "--plots-dir", str(tmp_path / "plots"), "--jobs", "1"]
    monkeypatch.setattr(sys, "argv", ["sweep.py", *places, *arguments])
    monkeypatch.chdir(ROOT)
    sweep.main()


def progress_without_seconds(path: Path) -> list[dict[str, str]]:
    with (path / "progress.csv").open(newline="", encoding="utf-8") as file:
        return [{column: cell for column, cell in row.items() if column != "seconds"} for row in csv.DictReader(file)]


# Flags with several values


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", [[]]),
        ("--fragment-length 5", [["--fragment-length", "5"]]),
        ("--fragment-length 5 10", [["--fragment-length", "5"], ["--fragment-length", "10"]]),
        ("--fragment_length=5 10", [["--fragment_length", "5"], ["--fragment_length", "10"]]),
        ("--fragment-length 5 --fragment-length 5 9", [["--fragment-length", "5"], ["--fragment-length", "9"]]),
        ("--hidden-sizes 64,64 8", [["--hidden-sizes", "64", "64"], ["--hidden-sizes", "8"]]),
        ("--pretrain --no-pretrain", [["--pretrain"], ["--no-pretrain"]]),
        ("--solution", [["--solution"]]),
        ("--initial-log-std -1 -2", [["--initial-log-std", "-1"], ["--initial-log-std", "-2"]]),
    ],
)
def test_alternatives_of_one_flag(typed: str, expected: list[list[str]]):
    assert combinations(read_axes(typed.split(), OPTIONS)) == expected


def test_every_combination_comes_once():
    axes = read_axes(["--comparisons", "4", "8", "--query", "uniform", "entropy"], OPTIONS)
    assert [" ".join(each) for each in combinations(axes)] == [
        "--comparisons 4 --query uniform",
        "--comparisons 4 --query entropy",
        "--comparisons 8 --query uniform",
        "--comparisons 8 --query entropy",
    ]
    assert [" ".join(each) for each in one_by_one(axes)] == [
        "--comparisons 4 --query uniform",
        "--comparisons 8 --query uniform",
        "--comparisons 4 --query entropy",
    ]


def test_a_value_before_any_flag_is_refused():
    with pytest.raises(UsageError, match="'5' is not a flag"):
        read_axes(["5"], OPTIONS)


# As typed


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A sweep as typed, in two processes, and its folder."""
    folder = tmp_path_factory.mktemp("sweep")
    done = type_command(
        *["sweep.py", "--fragment-length", "5", "8", "--seeds", "2", "--jobs", "2"],
        *["--runs-dir", str(folder / "runs"), "--plots-dir", str(folder / "plots"), *TINY_RUN_WITHOUT_LENGTH],
    )
    assert done.returncode == 0, done.stderr
    return done, folder


TINY_RUN_WITHOUT_LENGTH = [argument for argument in TINY_RUN if not argument.startswith("--fragment-length")]


def test_sweep_runs_every_combination_and_compares_them(swept: tuple[subprocess.CompletedProcess[str], Path]):
    done, folder = swept
    runs = [read_run(path) for path in find_runs([folder / "runs"])]
    assert sorted((run.options["fragment_length"], run.seed) for run in runs) == [(5, 0), (5, 1), (8, 0), (8, 1)]
    assert done.stdout.startswith("| runs | n |")
    assert "| --fragment-length 5 | 2 |" in done.stdout
    assert "| --fragment-length 8 | 2 |" in done.stdout
    assert f"Figure: {folder / 'plots' / 'sweep.png'}" in done.stderr
    assert (folder / "plots" / "sweep.png").stat().st_size > 10_000
    assert "4/4" in done.stderr  # the bar


def test_a_run_of_a_sweep_is_the_run_that_its_command_gives(
    swept: tuple[subprocess.CompletedProcess[str], Path], tmp_path: Path
):
    path = find_runs([swept[1] / "runs"])[0]
    python, *command = (path / "command.txt").read_text(encoding="utf-8").split()
    assert python == "python"
    command[command.index("--runs-dir") + 1] = str(tmp_path)
    alone = type_command(*command)
    assert alone.returncode == 0, alone.stderr
    assert progress_without_seconds(find_runs([tmp_path])[0]) == progress_without_seconds(path)


def test_what_is_there_is_not_run_again(
    swept: tuple[subprocess.CompletedProcess[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys
):
    runs = shutil.copytree(swept[1] / "runs", tmp_path / "runs")
    before = {path: (path / "progress.csv").read_bytes() for path in find_runs([runs])}
    arguments = ["--fragment-length", "8", "5", "--runs-dir", str(runs), "--jobs", "1"]
    monkeypatch.setattr(
        sys,
        "argv",
        ["sweep.py", *arguments, "--seeds", "3", "--plots-dir", str(tmp_path / "plots"), *TINY_RUN_WITHOUT_LENGTH],
    )
    monkeypatch.chdir(ROOT)
    sweep.main()
    printed = capsys.readouterr()
    assert "4 of 6 runs are there already." in printed.err
    assert "| --fragment-length 5 | 3 |" in printed.out
    after = {path: (path / "progress.csv").read_bytes() for path in find_runs([runs])}
    assert len(after) == 6
    assert before.items() <= after.items()


def test_an_unfinished_run_is_done_again(tmp_path: Path):
    unfinished = write_run(tmp_path, [0, 1], iterations=5)
    without_agent = write_run(tmp_path, [0, 1], seed=1)
    (without_agent / "agent.zip").unlink()
    finished = write_run(tmp_path, [0, 1], seed=2)
    assert list(sweep.finished_runs(tmp_path).values()) == [finished]
    assert unfinished.exists()


def test_a_run_that_fails_is_reported_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    def train(config: Config, *others):
        if config.seed == 1:
            raise FloatingPointError("the reward is not finite")
        return real_train(config, *others)

    real_train = sweep.train
    monkeypatch.setattr(sweep, "train", train)
    with pytest.raises(SystemExit) as exit_code:
        sweep_here(monkeypatch, tmp_path, "--seeds", "3", *TINY_RUN)
    assert exit_code.value.code == 1
    printed = capsys.readouterr()
    assert "| sweep | 2 |" in printed.out
    last = printed.err.splitlines()[-2:]
    assert last[0].startswith("Failed: python main.py --solution")
    assert "--seed 1" in last[0]
    assert last[1] == "  FloatingPointError: the reward is not finite"


def group_is_alive(group: int, seconds: float) -> bool:
    """Whether a process of this group is still there after so many seconds."""
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.1)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C cannot be typed for one program on Windows")
def test_ctrl_c_stops_and_the_same_command_goes_on(tmp_path: Path):
    command = ["sweep.py", "--seeds", "3", "--jobs", "2", "--runs-dir", str(tmp_path / "runs")]
    command += ["--plots-dir", str(tmp_path), *TINY_RUN, "--total-timesteps", "20000"]
    command.remove("--total-timesteps=1200")
    process = start_command(*command, new_session=True)
    deadline = time.monotonic() + 300
    while not sweep.finished_runs(tmp_path / "runs") and time.monotonic() < deadline:
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "runs are done; the same command goes on from there." in errors
    assert "Traceback" not in errors
    done = sweep.finished_runs(tmp_path / "runs")
    assert 1 <= len(done) < 3
    assert not group_is_alive(process.pid, seconds=60)
    again = type_command(*command)
    assert again.returncode == 0, again.stderr
    assert f"{len(done)} of 3 runs are there already." in again.stderr
    assert "| sweep | 3 |" in again.stdout


# Workers that die


def die_the_first_time(folder: Path, task: int) -> int:
    """Kill this process, unless an earlier one has already died of this task."""
    mark = folder / f"died-{task}"
    if task == 1 and not mark.exists():
        mark.touch()
        os._exit(9)
    return task * task


def always_die(task: int) -> int:
    os._exit(9)


def test_the_task_of_a_worker_that_died_is_done_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with workers("processes", 2, None):
        results = dict(as_done(partial(die_the_first_time, tmp_path), range(4)))
    assert results == {0: 0, 1: 1, 2: 4, 3: 9}
    assert "A worker died" in capsys.readouterr().err


def test_workers_that_keep_dying_are_given_up(capsys: pytest.CaptureFixture[str]):
    with workers("processes", 2, None):
        assert list(as_done(always_die, range(2))) == []
    assert capsys.readouterr().err.count("A worker died") == 3


# On a Dask cluster


@pytest.fixture
def cluster(tmp_path: Path):
    """A Dask scheduler and two worker processes of this machine: its address, and the workers."""
    if importlib.util.find_spec("distributed") is None:
        pytest.skip("Dask is not installed: pip install -r requirements-dask.txt")
    file = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    here = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = [sys.executable, "-m"]
    scheduler = subprocess.Popen([*start, "distributed.cli.dask_scheduler", *common, "--port", "0"], **here)
    worker = [*start, "distributed.cli.dask_worker", *common, "--nthreads", "1", "--no-nanny"]
    started = [subprocess.Popen([*worker, "--name", str(n)], **here) for n in range(2)]
    deadline = time.monotonic() + 300
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    yield json.loads(file.read_text())["address"], started
    for process in [*started, scheduler]:
        process.kill()
        process.wait()


def test_a_dask_cluster_gives_the_same_and_a_killed_worker_loses_nothing(
    cluster, swept: tuple[subprocess.CompletedProcess[str], Path], tmp_path: Path
):
    address, (doomed, _) = cluster
    command = ["sweep.py", "--fragment-length", "5", "8", "--seeds", "2", "--backend", "dask"]
    command += ["--scheduler", address, "--runs-dir", str(tmp_path / "runs"), "--plots-dir", str(tmp_path)]
    process = start_command(*command, *TINY_RUN_WITHOUT_LENGTH)
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("runs/*/progress.csv")) and time.monotonic() < deadline:
        time.sleep(0.01)
    doomed.kill()
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    there = {sweep.identity(read_run(path).options): path for path in find_runs([swept[1] / "runs"])}
    here = sweep.finished_runs(tmp_path / "runs")
    assert len(here) == 4
    assert here.keys() <= there.keys()
    for key, path in here.items():
        assert progress_without_seconds(path) == progress_without_seconds(there[key])


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("distributed", reason="Dask is not installed: pip install -r requirements-dask.txt")
    monkeypatch.setattr("workshop.many_runs.parallel.SECONDS_TO_CONNECT", 0.5)
    nowhere = workers("dask", 1, "tcp://127.0.0.1:9")
    with pytest.raises(UsageError, match=r"tcp://127\.0\.0\.1:9: no Dask scheduler"), nowhere:
        pass


# Search


def test_a_trial_is_worth_the_mean_over_its_seeds_and_the_unsolved_count_twice(tmp_path: Path):
    solved = read_run(write_run(tmp_path, [0, 200], comparisons=[0, 30]))
    unsolved = read_run(write_run(tmp_path, [0, 100], comparisons=[0, 40], seed=1))
    assert score("comparisons_to_solve", [solved, unsolved]) == (30 + 2 * 40) / 2
    assert score("true_return_mean", [solved, unsolved]) == 150


@pytest.mark.parametrize("storage", ["{}/deep/trials.optuna", "sqlite:///{}/trials.db"])
def test_a_study_is_kept_and_the_best_trial_first(tmp_path: Path, storage: str):
    search = Search("s", storage.format(tmp_path), "comparisons_to_solve", seed=0)
    for number, value in enumerate([30.0, 10.0, 20.0, 10.0]):
        search.open(number).optimize(
            lambda trial, value=value: trial.suggest_categorical("--a", ["--a 30", "--a 10", "--a 20"]) and value,
            n_trials=1,
        )
    best = best_first(search.open())
    assert best[0].value == 10.0
    assert len({tuple(chosen(trial)) for trial in best}) == len(best)


@pytest.mark.parametrize("objective", ["comparisons_to_solve", "true_return_mean"])
def test_a_run_that_falls_behind_is_broken_off(tmp_path: Path, objective: str):
    search = Search("s", str(tmp_path / "trials"), objective, seed=0)

    def run(trial: optuna.Trial, returns: list[float]) -> float:
        for iteration, value in enumerate(returns):
            follow_trial(trial, search.objective, 0, 2, {"true_return_mean": value, "iteration": iteration})
        return 1.0

    for number, returns in enumerate([[0, 100, 190]] * 4 + [[0, 20, 30], [0, 150, 190]]):
        search.open(number).optimize(partial(run, returns=returns), n_trials=1)
    states = [trial.state.name for trial in search.open().trials]
    assert states == ["COMPLETE"] * 4 + ["PRUNED", "COMPLETE"]


def test_search_ends_with_a_command_and_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    arguments = ["--fragment-length", "5", "8", "--optimise", "true_return_mean", "--seeds", "1"]
    for trials in ("1", "2"):
        sweep_here(monkeypatch, tmp_path, *arguments, "--trials", trials, *TINY_RUN_WITHOUT_LENGTH)
    printed = capsys.readouterr()
    command = printed.out.splitlines()[-1]
    assert command.startswith("python main.py --fragment-length ")
    assert command.endswith(" ".join(TINY_RUN_WITHOUT_LENGTH[1:]))
    assert "1 of 2 trials are there already." in printed.err
    finals = {
        run.options["fragment_length"]: run.columns["true_return_mean"][-1]
        for run in map(read_run, find_runs([tmp_path / "runs"]))
    }
    assert int(command.split()[3]) == max(finals, key=finals.get)
    with pytest.raises(UsageError, match="--name sweep"):
        sweep_here(monkeypatch, tmp_path, *arguments[3:], "--fragment-length", "9", *TINY_RUN_WITHOUT_LENGTH)
