"""Environments of people's own, as they are typed: learned from as they are, or refused in a sentence."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import own_environments
import psutil
import pytest
from conftest import SMALL, type_command, type_here, write_workshop
from own_environments import NETS, OWN, SHORT, run_in, typed
from PIL import Image

from workshop.agent import make_vec_env
from workshop.environments import EnvironmentConfig, environment_spec, keyword_arguments, registry
from workshop.messages import UsageError
from workshop.records import read_run
from workshop.records.comparisons_from import read_record
from workshop.reports import Evaluator, HowToEvaluate

# Which environment


@pytest.mark.endurance
def test_an_environment_beside_main_is_named_by_its_module(tmp_path: Path):
    """In a folder of the user's, in a process of its own, pictures and all."""
    folder = write_workshop(tmp_path, "raise NotImplementedError")
    shutil.copy(Path(own_environments.__file__), folder / "my_one.py")
    flags = ["--env", "my_one:One-v0", *SHORT, *NETS, "--env-kwargs", "size=9", "mode=hard"]
    finished = type_command("main.py", *flags, cwd=folder, anew=True)
    assert finished.returncode == 0, finished.stderr
    (run,) = (folder / "runs").iterdir()
    assert run.name.startswith("One-v0__rlhf__0__")
    assert not [path for path in run.rglob("*") if ":" in path.name]
    config = json.loads((run / "config.json").read_text())
    assert (config["env"], config["env_kwargs"]) == ("my_one:One-v0", ["size=9", "mode=hard"])
    assert (run / "result.json").read_text() == finished.stdout
    assert sorted(path.name for path in (run / "videos").iterdir()) == ["final_policy.gif", "progress.gif"]
    with Image.open(run / "videos" / "final_policy.gif") as picture:
        assert picture.n_frames > 1


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ("nowhere_at_all:One-v0", ["module nowhere_at_all cannot be imported", "beside main.py"]),
        ("own_environments:Two-v0", ["knows no environment of this id"]),
        ("a:b:One-v0", ["cannot be imported"]),
        ("One v0", ["--env One v0", "knows no environment"]),
        ("a" * 101, ["an id has at most 100 characters"]),
    ],
)
def test_what_cannot_be_found_is_named(env: str, said: list[str], tmp_path: Path):
    finished = type_here("main.py", "--env", env, *SHORT, "--runs-dir", str(tmp_path / "runs"))
    assert finished.returncode == 2
    assert all(part in finished.stderr for part in said), finished.stderr
    assert finished.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("statement", ["raise RuntimeError('no')", "import sys; sys.exit('no')", "1 +"])
def test_a_module_that_breaks_off_is_named(statement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "broken_off.py").write_text(statement)
    monkeypatch.syspath_prepend(str(tmp_path))
    finished = type_here("main.py", "--env", "broken_off:One-v0", *SHORT)
    assert finished.returncode == 2
    assert "its module broken_off cannot be imported" in finished.stderr


def test_installed_packages_say_what_they_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """By entry points, in both forms that are about; one that cannot be imported holds nobody up."""
    about = tmp_path / "plugged-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[gymnasium.envs]\n__root__ = plugged_in:register\nspace = plugged_in:register\nbad = nowhere_at_all:f\n"
        "[gymnasium.envs.other]\nx = plugged_in:register\n"
    )
    (tmp_path / "plugged_in.py").write_text(
        "import gymnasium\n"
        "def register():\n"
        f"    gymnasium.register('Plugged-v0', 'own_environments:One', max_episode_steps={own_environments.STEPS})\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._import_plugins.cache_clear()
    ids = ("Plugged-v0", "space/Plugged-v0", "other/Plugged-v0")
    try:
        for env_id in ids:
            spec, _ = environment_spec(EnvironmentConfig(env_id))
            assert spec.id == env_id
        with pytest.raises(UsageError, match=r"of nowhere_at_all:f could not be imported: No module named"):
            environment_spec(EnvironmentConfig("Unplugged-v0"))
    finally:
        registry._import_plugins.cache_clear()
        for env_id in ids:
            gymnasium.registry.pop(env_id, None)


def test_keyword_arguments_are_literals_and_plain_words():
    given = ("size=7", "mode=easy", "flag=true", "off=False", "scale=-1.5e3", "map=['SF','FG']", "text='a b'", "x=None")
    assert keyword_arguments(given) == {
        "size": 7, "mode": "easy", "flag": True, "off": False, "scale": -1500.0, "map": ["SF", "FG"], "text": "a b",
        "x": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("size", "must be name=value"),
        ("=7", "must be name=value"),
        ("a-b=7", "must be name=value"),
        ("size=__import__('os')", "must be a number"),
        ("size=[1", "must be a number"),
        ("render_mode=human", "for the workshop to say"),
        ("max_episode_steps=5", "for the workshop to say"),
        ("sise=7", "unexpected keyword argument 'sise'"),
        ("size=", "must be a number"),
    ],
)
def test_other_keyword_arguments_are_refused_before_anything_runs(given: str, said: str, tmp_path: Path):
    finished = typed("One", tmp_path, "--env-kwargs", given)
    assert finished.returncode == 2
    assert said in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()
    twice = typed("One", tmp_path, "--env-kwargs", "size=7", "size=8")
    assert twice.stderr == "--env-kwargs names size twice; give it one value.\n"


def test_keyword_arguments_reach_the_environment():
    spec, _ = environment_spec(EnvironmentConfig(OWN.format("One"), ("size=9", "mode=hard")))
    venv = make_vec_env(spec, 2, seed=0)
    made = [env.unwrapped for env in venv.venv.env.envs]
    assert [(each.size, each.mode) for each in made] == [(9, "hard")] * 2


@pytest.mark.usefixtures("without_plots")
def test_with_and_without_its_module_it_is_one_environment(tmp_path: Path):
    assert typed("One", tmp_path, "--no-pictures").returncode == 0
    run = run_in(tmp_path)
    assert read_record(run).env_id == "One-v0"
    again = ["--comparisons-from", str(run), "--runs-dir", str(tmp_path / "more"), "--no-pictures"]
    for env in ("One-v0", OWN.format("One")):
        learned = type_here("main.py", "--env", env, *SHORT, *NETS, *again)
        assert learned.returncode == 0, learned.stderr
        assert json.loads(learned.stdout)["comparisons"] == 12
    other = type_here("main.py", "--env", "One-v0", "--env-kwargs", "size=8", *SHORT, *NETS, *again)
    assert other.returncode == 2
    assert "was recorded with --env-kwargs (none), not size=8" in other.stderr
    assert read_run(run).solved_at == -4.0


# What the learner can do with it


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize(
    "kind",
    ["ActionsFromOne", "Lopsided", "Tells", "Pictures", "InADict", "CountsFromTwo", "MyCheetah", "KeepsOverReset"],
)
def test_an_environment_of_ones_own_is_learned_from(kind: str, tmp_path: Path):
    """Its step asserts that actions are in its space, of the right type; the record can be read, and learned from."""
    finished = typed(kind, tmp_path, "--no-pictures")
    assert finished.returncode == 0, finished.stderr
    run = run_in(tmp_path)
    assert len(read_record(run)) == 6
    again = ["--comparisons-from", str(run), "--no-pictures"]
    assert typed(kind, tmp_path, *again, "--comparisons=0").returncode == 0


def test_actions_that_count_from_one_are_all_taken():
    spec, _ = environment_spec(EnvironmentConfig(OWN.format("ActionsFromOne")))
    with gymnasium.make(spec) as env:
        assert env.action_space == gymnasium.spaces.Discrete(3)
        env.reset(seed=0)
        taken: list[Any] = []
        env.unwrapped.reward = lambda: taken.append(env.unwrapped.steps) or 0.0
        for action in range(3):
            env.step(np.int64(action))
    assert len(taken) == 3


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("WholeActions", "its actions are a Box of int64"),
        ("UnboundedActions", "its actions are a Box without bounds"),
        ("RewardInARow", "the reward of step 1 is array([-1.])"),
        ("EndsTruncated", "its episodes can end early"),
        ("NotANumber", "its observation after step 17 is not finite"),
        ("Instructed", "its observations (mission Words) cannot be made a row of numbers"),
        ("OnlyOne", "there cannot be two of it at a time; --n-envs 1"),
    ],
)
@pytest.mark.filterwarnings("ignore")  # Gymnasium's own, of the same thing
def test_what_cannot_be_learned_from_is_refused_before_anything_runs(kind: str, said: str, tmp_path: Path):
    finished = typed(kind, tmp_path)
    assert finished.returncode == 2
    assert f"--env {kind}-v0" in finished.stderr
    assert said in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_a_limit_that_is_its_own_needs_to_be_said(tmp_path: Path):
    refused = type_here("main.py", "--env", "own_environments:OwnLimit-v0", *SHORT)
    assert "its episodes have no limit of steps" in refused.stderr
    spec, trial = environment_spec(EnvironmentConfig("own_environments:OwnLimit-v0", fixed_horizon=20))
    assert (spec.max_episode_steps, trial.early_end) == (20, None)


@pytest.mark.usefixtures("without_plots")
@pytest.mark.filterwarnings("ignore")  # Gymnasium's own, of the same thing
def test_numbers_that_are_none_are_blamed_on_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(own_environments.NotANumberLater, "given", 0)
    finished = typed("NotANumberLater", tmp_path, "--no-pictures")
    assert finished.returncode == 1
    assert "NotANumberLater-v0 cannot be" in finished.stderr
    assert "step" in finished.stderr
    assert "preference_loss" not in finished.stderr


@pytest.mark.usefixtures("without_plots")
def test_episodes_that_end_early_only_later_are_told_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As where an agent must have learned something to reach an end: random actions do not show it."""
    for flags, told in ((), 1), (["--allow-variable-horizon"], 0), (["--fixed-horizon=30"], 0):
        monkeypatch.setattr(own_environments.EndsLater, "given", 0)
        finished = typed("EndsLater", tmp_path, "--no-pictures", "--iterations=3", "--total-timesteps=900", *flags)
        assert finished.returncode == 0, finished.stderr
        assert finished.stderr.count("EndsLater-v0: episodes end early now") == told


@pytest.mark.usefixtures("without_plots")
def test_one_of_which_only_one_can_be_is_one_at_a_time(tmp_path: Path):
    finished = typed("OnlyOne", tmp_path, "--n-envs=1")
    assert finished.returncode == 0, finished.stderr
    assert (run_in(tmp_path) / "videos" / "final_policy.gif").exists()
    assert not own_environments.OnlyOne.taken, "and it is let go of in the end"


# What it costs


def test_memory_is_foretold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"total": 8_000_000_000})())
    flags = ["--total-timesteps", "20_000_000", "--iterations=2", "--no-pictures"]
    refused = typed("Pictures", tmp_path, *flags)
    assert refused.returncode == 2
    assert "--env Pictures-v0 with these flags needs about 10 GB of memory, and this machine has 8:" in refused.stderr
    assert "445 bytes" in refused.stderr  # 12 * 12 * 3 of uint8, an int64 action, a float32 reward and a bool
    assert not (tmp_path / "runs").exists()
    record = typed("Pictures", tmp_path, "--comparisons=200_000", "--fragment-length=10")
    assert record.returncode == 2
    assert "would fill 1.8 GB; a run's record may have 1." in record.stderr


@pytest.mark.parametrize("copies", [1, 3, 4, 7])
def test_evaluation_plays_the_same_episodes_however_many_at_a_time(copies: int):
    spec = gymnasium.spec("Pendulum-v1")

    def policy(observations: np.ndarray) -> np.ndarray:
        return observations[:, 2:] / 4

    def evaluated(at_a_time: int) -> Any:
        evaluator = Evaluator(spec, np.random.default_rng(0), HowToEvaluate(7, at_a_time))
        evaluator._generator = np.random.default_rng(5)
        return evaluator.evaluate(policy, lambda observations, actions: observations[:, 0]).episodes

    one, other = evaluated(7), evaluated(copies)
    assert other.true_returns.shape == (7,)
    np.testing.assert_array_equal(one.true_returns, other.true_returns)
    assert len(other.true_rewards) == 7 * 200
    np.testing.assert_array_equal(one.first_seen, other.first_seen)


@pytest.mark.usefixtures("without_plots")
def test_as_many_episodes_are_evaluated_as_is_said(tmp_path: Path):
    finished = type_here("main.py", *SMALL, "--evaluation-episodes", "1", "--runs-dir", str(tmp_path / "runs"))
    assert finished.returncode == 0, finished.stderr
    with (run_in(tmp_path) / "progress.csv").open(newline="") as file:
        assert {row["true_return_std"] for row in csv.DictReader(file)} == {"0"}
