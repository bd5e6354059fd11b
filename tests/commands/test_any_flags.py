"""Any combination of flags either is refused in one sentence, or does what it should: nothing fails in between."""

import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_up_runs import write_run
from stable_baselines3 import PPO

import compare
import main
import sweep
from workshop.commands import run_program
from workshop.exercise.solution import bradley_terry_loss
from workshop.flags import flag_names
from workshop.many_runs import overview
from workshop.many_runs import sweep as many_sweep
from workshop.records.comparisons_from import read_record
from workshop.records.finished import find_runs, read_run
from workshop.reports import report

Typed = tuple[str, ...]  # what comes after a flag

# Each of these keeps a run within a second; flags that are drawn come after them, and so in their place
TINY = {"--total-timesteps": ("400",), "--iterations": ("2",), "--n-envs": ("2",), "--comparisons": ("4",),
        "--fragment-length": ("5",), "--fixed-horizon": ("20",), "--runs-dir": ("runs",)}  # fmt: skip
AS_TYPED = [part for flag, values in TINY.items() for part in (flag, *values)]
# What no flag takes, or few do
WRONG = st.sampled_from([(), ("",), ("x",), ("-1",), ("0",), ("nan",), ("inf",), ("1e400",), (str(10**400),), ("a\0",),
                         ("1.5",), ("1e-320",), ("x" * 300,), ("1", "x")])  # fmt: skip
ON_OR_OFF: st.SearchStrategy[Typed] = st.just(())


def one_of(*values: object) -> st.SearchStrategy[Typed]:
    return st.sampled_from([(str(value),) for value in values])


def whole(least: int, most: int) -> st.SearchStrategy[Typed]:
    return st.integers(least, most).map(lambda number: (str(number),))


def number(least: float, most: float) -> st.SearchStrategy[Typed]:
    return st.floats(least, most, width=32).map(lambda number: (str(number),))


def widths() -> st.SearchStrategy[Typed]:
    return st.lists(st.integers(1, 8), min_size=1, max_size=3).map(lambda sizes: tuple(map(str, sizes)))


MAIN = {
    "--seed": whole(0, 2**32 - 1),
    "--name": one_of("a", "a.b-c_d", "..", "CON", "a b"),
    "--runs-dir": one_of("other", "other/below", "file"),
    "--device": one_of("cpu", "auto", "cuda"),
    "--reward": one_of("learned", "true"),
    "--watch": one_of("nowhere", "file"),
    "--resume": one_of("nowhere", "file"),
    "--total-timesteps": whole(100, 600),
    "--iterations": whole(1, 3),
    "--env": one_of("FixedHorizonCartPole-v0", "Pendulum-v1", "CartPole-v1", "FrozenLake-v1", "Pendulum-v9"),
    "--env-kwargs": one_of("g=9.8", "sutton_barto_reward=true", "is_slippery=False", "nonsense"),
    "--fixed-horizon": whole(2, 30),
    "--evaluation-episodes": whole(1, 3),
    "--loss": one_of("yours", "bradley-terry", "thurstone", "lapse", "hinge"),
    "--loss-temperature": number(0.125, 8),
    "--hinge-margin": number(0.125, 8),
    "--lapse-rate": number(0.125, 0.875),
    "--n-envs": whole(1, 4),
    "--stepping": one_of("auto", "in-process"),
    "--rollout-steps": whole(2, 100),
    "--agent-learning-rate": number(2**-20, 0.125),
    "--agent-weight-decay": number(0, 2),
    "--anneal-to": number(0, 1),
    "--agent-epochs": whole(1, 3),
    "--agent-batch-size": whole(2, 500),
    "--agent-hidden-sizes": widths(),
    "--agent-activation": one_of("tanh", "relu"),
    "--entropy-bonus": number(0, 1),
    "--clip-range": number(0.125, 1),
    "--initial-log-std": number(-3, 2),
    "--value-coefficient": number(0, 2),
    "--max-grad-norm": number(0.125, 4),
    "--gamma": number(0, 1),
    "--gae-lambda": number(0, 1),
    "--ensemble-size": whole(1, 3),
    "--hidden-sizes": widths(),
    "--reward-epochs": whole(1, 5),
    "--fit-until": one_of("epochs", "converged"),
    "--fit-patience": whole(1, 3),
    "--reward-batch-size": whole(1, 30),
    "--reward-learning-rate": number(2**-20, 0.125),
    "--weight-decay": number(0, 8),
    "--dropout": number(0, 0.875),
    "--comparisons": whole(0, 12),
    "--comparisons-from": one_of("recorded", "nowhere", "file"),
    "--fragment-length": whole(1, 20),
    "--reward-network": one_of("joint", "additive"),
    "--reward-inputs": one_of("both", "observations"),
    "--pessimism": number(0, 2),
    "--prior-std": number(0.125, 2),
    "--bump-width": number(0.125, 3),
    "--query": one_of("uniform", "disagreement", "entropy", "information-gain"),
    "--diversity": one_of("none", "k-centre"),
    "--pool-factor": whole(1, 10),
    "--schedule": one_of("constant", "frontloaded", "hyperbolic"),
    "--frontload": number(0.125, 32),
    "--comparisons-per-fit": whole(1, 5),
    "--stop-asking": one_of("budget", "settled"),
    "--settle-patience": whole(1, 3),
    "--recent-fraction": number(0, 1),
    "--oracle": one_of("synthetic"),  # the others wait for a person
    "--oracle-temperature": number(0, 4),
    "--oracle-mistakes": number(0, 1),
    "--oracle-skip": number(-2, 4),
    "--oracle-equal": number(0, 2),
    "--oracle-discount": number(0.125, 1),
    "--oracle-unit": one_of("spread", "raw"),
    "--labeller": one_of("me", "…"),
    "--labellers": st.sampled_from(
        [("true:1",), ("upright:2", "spin:1"), ("true:1", "true-reversed:1"), ("nobody:1",)]
    ),
    "--align-to": one_of("everybody", "spin", "turns", "worst-off", "nobody"),
    "--goal": one_of("", "spin"),
    "--ask-again": whole(0, 5),
    "--ask-ahead": whole(0, 5),
    "--host": one_of("127.0.0.1", "nowhere"),
    "--port": whole(0, 65535),
} | dict.fromkeys(("--check", "--hint", "--solution"), ON_OR_OFF)
for name in ("pictures", "allow-variable-horizon", "mix-goals", "orthogonal-init", "normalise", "pretrain",
             "adaptive-weight-decay", "show-true-return", "open-page", "labellers-may-join"):  # fmt: skip
    MAIN |= {f"--{name}": ON_OR_OFF, f"--no-{name}": ON_OR_OFF}
COMPARE = {
    "--x": one_of("env_steps", "comparisons", "seconds", "steps"),
    "--baseline": one_of("the defaults", "--fragment-length 5", "rlhf"),
    "--only": st.sampled_from([("hidden-sizes",), ("--hidden-sizes 64 64", "nothing"), ("…",)]),
    "--follow": ON_OR_OFF,
    "--agreement": ON_OR_OFF,
    "--group-by": st.sampled_from([("env",), ("fragment_length",), ("--hidden-sizes", "query")]),
    "--plots-dir": one_of("plots", "plots/below", "file"),
    "--name": one_of("a", "a b", "nul"),
    "--runs": one_of("run"),  # which is no flag
}
SWEEP = {
    "--program": one_of("main", "other"),
    "--seeds": whole(1, 3),
    "--first-seed": whole(0, 2**32 - 1),
    "--name": one_of("a", "a b"),
    "--runs-dir": one_of("other", "file"),
    "--jobs": one_of(-1, 1, -2),
    "--backend": one_of("processes", "dask"),
    "--scheduler": one_of("nonsense"),
    "--optimise": one_of("comparisons_to_solve", "true_return_mean"),
    "--trials": whole(1, 3),
    "--storage": one_of("trials", "file/below", "empty"),
    "--x": one_of("env_steps", "comparisons", "seconds"),
    "--plots-dir": one_of("plots", "file"),
    # of those of main.py
    "--fragment-length": st.sampled_from([("5",), ("5", "10"), ("5", "500")]),
    "--hidden-sizes": st.sampled_from([("8",), ("8,8", "16"), ("8,",)]),
    "--no-pretrain": ON_OR_OFF,
    "--seed": whole(0, 3),
}


@st.composite
def command_lines(draw: st.DrawFn, flags: dict[str, st.SearchStrategy[Typed]], begin: dict[str, Typed]) -> list[str]:
    """Some flags with values that they take, and in half of the command lines one with a value that most do not."""
    names = draw(st.lists(st.sampled_from(sorted(flags)), unique=True, max_size=10))
    chosen = begin | {name: draw(flags[name], label=name) for name in names}
    if draw(st.booleans(), label="with something wrong"):
        chosen[draw(st.sampled_from(sorted(flags)))] = draw(WRONG)
    return [part for name, values in chosen.items() for part in (name, *values)]


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    code: int
    out: str
    err: str
    changed: bool  # whether anything in its folder did


@pytest.fixture(scope="module", autouse=True)
def _without_what_takes_long() -> Iterator[None]:
    """No pictures, no processes, and an exercise that is done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "preference_loss", bradley_terry_loss)
        patch.setattr(main, "program", replace(main.program, preference_loss=bradley_terry_loss))
        patch.setitem(sweep.PROGRAMS, "main", main.program)
        patch.setattr(report, "why_not_drawn", lambda spec: "for the test")
        for name in ("draw_learning_curve", "draw_learned_reward", "draw_returns", "draw_what_it_learned"):
            patch.setattr(report, name, lambda *_: None)
        patch.setattr(overview, "save", lambda figure, path: None)
        patch.setattr(compare, "follow_runs", lambda starts, *others: compare.compare_runs(find_runs(starts), *others))
        patch.setattr(many_sweep, "as_done", lambda function, tasks: ((task, function(task)) for task in tasks))
        patch.setattr(many_sweep.Sweep, "_run_quietly", lambda self, *others: made_up(*others))
        yield


def made_up(arguments: Sequence[str], parent: int, follow: Callable[..., object] | None = None) -> Path:
    """Stands in for a run of a sweep."""
    config = main.program.read_config(arguments)
    return write_run(
        config.runs_dir, [0, 100, 200], seed=config.seed, fragment_length=config.preferences.fragment_length
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, _without_what_takes_long: None) -> Path:
    """A run with answers to learn from."""
    folder = tmp_path_factory.mktemp("recorded")
    ended = type_into(main.program.main, "main.py", AS_TYPED, folder)
    assert ended.code == 0, ended.err
    return next((folder / "runs").iterdir())


def type_into(program: Callable[[], None], name: str, arguments: Sequence[str], folder: Path) -> Ended:
    """Run a program in this process, in a folder with a file, an empty directory and a run in it."""
    (folder / "file").touch()
    (folder / "empty").mkdir()
    write_run(folder, [0, 200]).rename(folder / "run")
    before = sorted(folder.rglob("*"))
    code, out, err = 0, io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", [name, *arguments])
        try:
            run_program(program, end=sys.exit)
        except SystemExit as end:
            code = int(end.code or 0)
    return Ended(code, out.getvalue(), err.getvalue(), sorted(folder.rglob("*")) != before)


def require_refusal(ended: Ended) -> None:
    """That it said what is wrong, once, and did nothing else."""
    assert ended.code == 2, ended.err
    assert ended.out == ""
    assert len(ended.err.splitlines()) == 1, ended.err
    assert not ended.changed


@pytest.mark.parametrize(
    ("config", "flags"), [(main.Config(), MAIN), (compare.Options(), COMPARE), (sweep.Options(), SWEEP)]
)
def test_no_flag_is_forgotten_here(config: Any, flags: dict[str, Any]):
    assert set(flag_names(config)) <= set(flags)
    if config == main.Config():
        assert set(flags) <= set(flag_names(config)), "a flag that is no more"


@settings(max_examples=15, deadline=None, derandomize=True)
@given(arguments=command_lines(MAIN, TINY))
@example(arguments=[*AS_TYPED, "--env", "FrozenLake-v1"])  # Discrete observations, which are not normalised
def test_any_flags_of_main_are_refused_or_make_a_valid_run(arguments: list[str], recorded: Path):
    require_refusal_or_valid_run(arguments, recorded)


@pytest.mark.endurance
@settings(max_examples=200, deadline=None, derandomize=True)
@given(arguments=command_lines(MAIN, TINY))
def test_many_more_flags_of_main(arguments: list[str], recorded: Path):
    require_refusal_or_valid_run(arguments, recorded)


def require_refusal_or_valid_run(arguments: list[str], recorded: Path) -> None:
    arguments = [str(recorded) if argument == "recorded" else argument for argument in arguments]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        ended = type_into(main.program.main, "main.py", arguments, folder)
        if ended.code != 0:
            require_refusal(ended)
        elif "--hint" in arguments or "--check" in arguments:
            assert ended.out != ""
            assert not ended.changed
        else:
            require_valid_run(json.loads(ended.out), folder, recorded)


def require_valid_run(result: dict[str, Any], folder: Path, recorded: Path) -> None:
    path = folder / result["run"]
    run = read_run(path)
    asked = list(run.columns["comparisons"])
    assert len(asked) == run.options["iterations"] + 1
    PPO.load(path / "agent.zip", device="cpu")
    lines = (path / "comparisons.jsonl").read_text(encoding="utf-8") if (path / "comparisons.jsonl").exists() else ""
    answers = [json.loads(line)["preference"] for line in lines.splitlines()]
    given_before = len(read_record(recorded)) if run.options["comparisons_from"] else 0
    assert asked[-1] == result["comparisons"] == given_before + sum(answer is not None for answer in answers)
    assert asked[-1] <= given_before + run.options["comparisons"]
    assert run.columns["env_steps"][-1] == result["env_steps"] <= run.options["total_timesteps"]
    assert not (path / "checkpoint").exists()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(paths=st.lists(st.sampled_from(["run", "empty", "file", "nowhere", "*"]), max_size=2), data=st.data())
def test_any_flags_of_compare_are_refused_or_give_a_table(paths: list[str], data: st.DataObject):
    arguments = [*paths, *data.draw(command_lines(COMPARE, {}))]
    with tempfile.TemporaryDirectory() as folder:
        ended = type_into(compare.main, "compare.py", arguments, Path(folder))
        if ended.code == 0:
            assert "| runs | n |" in ended.out
            assert ended.changed
        else:
            require_refusal(ended)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(arguments=command_lines(SWEEP, {"--solution": ()}))
def test_any_flags_of_sweep_are_refused_or_give_a_table(arguments: list[str]):
    require_refusal_or_table(arguments)


@pytest.mark.endurance
@settings(max_examples=100, deadline=None, derandomize=True)
@given(arguments=command_lines(SWEEP, {"--solution": ()}))
def test_many_more_flags_of_sweep(arguments: list[str]):
    require_refusal_or_table(arguments)


def require_refusal_or_table(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ended = type_into(sweep.main, "sweep.py", arguments, Path(folder))
        if ended.code == 0:
            assert "| runs | n |" in ended.out
        else:
            require_refusal(ended)
