"""What groups of runs are called, and which runs are a group, on made-up runs with all of main.py's options."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from typed_runs import change_options, write_typed_run

from main import program
from workshop.many_runs.groups import Group, group_runs, option_names
from workshop.many_runs.labels import as_flag, label_all
from workshop.many_runs.overview import compare
from workshop.many_runs.selection import Selection
from workshop.many_runs.tasks import Task, file_names, task_of
from workshop.messages import UsageError
from workshop.records import find_runs, read_run

TYPED = [  # labels are these very lines
    "--reward-network joint",
    "--reward-network joint --comparisons 20",
    "--reward true",
    "--iterations 5 --agent-learning-rate 0.0005",
    "--loss hinge --hinge-margin 2",
    "--loss-temperature 10",
    "--agent-hidden-sizes 16",
    "--ensemble-size 1",
    "--hidden-sizes 256 256",
    "--prior-std 0.2",
    "--reward-epochs 60 --fit-until converged",
    "--comparisons 4 --schedule frontloaded",
    "--comparisons-from 'their runs/a' b",
    "--diversity k-centre",
    "--schedule hyperbolic",
    "--no-pretrain",
    "--oracle-skip 0",
    "--oracle terminal --goal 'spin the pole'",
]


def groups_in(directory: Path, by: Sequence[str] = ()) -> list[Group]:
    return group_runs([read_run(path) for path in find_runs([directory])], program.defaults, by)[0]


def labels_in(directory: Path) -> set[str]:
    return {group.label for group in groups_in(directory)}


def test_a_group_is_called_by_what_its_user_typed(tmp_path: Path):
    for flags in ("", *TYPED):
        write_typed_run(tmp_path, flags, [0, 200])
    assert labels_in(tmp_path) == {"the defaults", *TYPED}


@pytest.mark.parametrize("flags", ["", "--comparisons 100", "--reward-network additive", "--schedule frontloaded"])
@pytest.mark.parametrize("env", ["Pendulum-v1", "HalfCheetah-v5"])
def test_a_label_is_what_differs_from_the_defaults_of_the_environment(tmp_path: Path, env: str, flags: str):
    write_typed_run(tmp_path, f"--env {env} {flags}", [0, 200])
    own = flags if (env, flags) != ("Pendulum-v1", "--schedule frontloaded") else ""  # which is the default there
    assert labels_in(tmp_path) == {own or "the defaults"}


def test_a_default_that_is_typed_makes_no_other_group(tmp_path: Path):
    write_typed_run(tmp_path, "", [0, 200])
    write_typed_run(tmp_path, "--fragment-length 20 --settle-patience 4 --prior-std 0.05", [0, 200], seed=1)
    (group,) = groups_in(tmp_path)
    assert (group.label, len(group.runs), group.is_default) == ("the defaults", 2, True)


def test_a_long_label_is_whole(tmp_path: Path):
    left_out = ("oracle t", "ensemble", "prior-std", "frontloaded")  # which do not go together with others
    flags = " ".join(flags for flags in TYPED[3:] if not any(part in flags for part in left_out))
    write_typed_run(tmp_path, flags, [0, 200])
    (label,) = labels_in(tmp_path)
    assert len(label) > 250
    assert sorted(label.split()) == sorted(flags.split())


def test_a_name_of_its_own_is_the_label_and_the_flags_are_told_too(tmp_path: Path):
    write_typed_run(tmp_path, "", [0, 200])
    write_typed_run(tmp_path, "--name smooth --prior-std 0.2", [0, 200])
    assert {(group.label, group.flags) for group in groups_in(tmp_path)} == {
        ("the defaults", "the defaults"),
        ("smooth", "--prior-std 0.2"),
    }


def test_a_name_that_several_groups_have_tells_them_apart_from_those_without(tmp_path: Path):
    write_typed_run(tmp_path, "", [0, 200])
    for flags in ("", "--fragment-length 5", "--fragment-length 60 --no-pictures"):
        write_typed_run(tmp_path, f"--name sweep {flags}", [0, 200])
    told = {"the defaults", "sweep: the defaults", "--fragment-length 5", "--fragment-length 60"}
    assert labels_in(tmp_path) == told


def test_what_changes_nothing_that_is_learned_is_said_where_nothing_else_differs(tmp_path: Path):
    write_typed_run(tmp_path, "--solution --no-pictures", [0, 200])
    write_typed_run(tmp_path, "--solution --query uniform", [0, 200])
    write_typed_run(tmp_path, "--loss hinge", [0, 200])
    assert labels_in(tmp_path) == {"the defaults", "--query uniform", "--loss hinge"}
    write_typed_run(tmp_path, "--solution", [0, 200])
    assert labels_in(tmp_path) == {
        "--no-pictures --solution", "--solution", "--query uniform", "--loss hinge",
    }  # fmt: skip


def test_what_every_run_of_a_sweep_was_given_is_said_once(tmp_path: Path):
    for length in (5, 20):
        flags = f"--solution --oracle-mistakes 0.2 --fragment-length {length}"
        write_typed_run(tmp_path, flags, [0, 200])
    runs = [read_run(path) for path in find_runs([tmp_path])]
    (comparison,) = compare(runs, program.defaults, Selection(given=("solution", "oracle_mistakes")))
    assert [group.label for group in comparison.groups] == ["--fragment-length 5", "the defaults"]
    assert comparison.title == "FixedHorizonCartPole-v0, every run with --oracle-mistakes 0.2"
    (comparison,) = compare(runs, program.defaults, Selection())
    assert [group.label for group in comparison.groups] == [
        "--fragment-length 5 --oracle-mistakes 0.2", "--oracle-mistakes 0.2",
    ]  # fmt: skip


def test_runs_of_a_version_without_an_option_are_told_apart(tmp_path: Path):
    write_typed_run(tmp_path, "", [0, 200])
    change_options(write_typed_run(tmp_path, "", [0, 200]), dropout=None)
    assert labels_in(tmp_path) == {"the defaults", "the defaults, without --dropout"}


def test_an_option_that_nobody_knows_is_told_where_it_differs(tmp_path: Path):
    change_options(write_typed_run(tmp_path, "", [0, 200]), env_model="small")
    change_options(write_typed_run(tmp_path, "", [0, 200]), env_model="large")
    assert labels_in(tmp_path) == {"--env-model large", "--env-model small"}


@pytest.mark.parametrize("names", [("a\x1b[31m", "a\x00[31m"), ("the defaults", "rlhf"), ("a", ["a"]), (1, 1.0)])
def test_no_two_groups_have_the_same_label_whatever_is_in_them(tmp_path: Path, names: tuple[object, object]):
    for name in names:
        change_options(write_typed_run(tmp_path, "", [0, 200]), name=name)
    labels = labels_in(tmp_path)
    assert len(labels) == 2
    assert all(label.isprintable() for label in labels)


def test_without_known_defaults_a_label_is_what_differs():
    options = [{"name": "x", "fragment_length": length, "query": "uniform"} for length in (5, 20)]
    labels = label_all(options, [{}, {}])
    assert [label.text for label in labels] == ["--fragment-length 5", "--fragment-length 20"]
    assert not any(label.is_default for label in labels)
    assert [label.text for label in label_all(options[:1], [{}])] == ["x"]


@pytest.mark.parametrize(
    ("name", "value", "flag"),
    [
        ("fragment_length", 5, "--fragment-length 5"),
        ("hidden_sizes", [64, 32], "--hidden-sizes 64 32"),
        ("env_kwargs", ["size=7", "name=a b"], "--env-kwargs size=7 'name=a b'"),
        ("frontload", 16.0, "--frontload 16"),
        ("agent_learning_rate", 1e-05, "--agent-learning-rate 1e-05"),
        ("pretrain", False, "--no-pretrain"),
        ("pretrain", True, "--pretrain"),
        ("fixed_horizon", None, "without --fixed-horizon"),
        ("comparisons_from", [], "without --comparisons-from"),
        ("goal", "", "without --goal"),
    ],
)
def test_an_option_is_named_as_it_is_typed(name: str, value: object, flag: str):
    assert as_flag(name, value) == flag


# Grouping by some options, and choosing


def test_grouping_by_an_option_pools_what_the_others_are(tmp_path: Path):
    for seed, flags in enumerate(["", "--query uniform", "--fragment-length 5", "--fragment-length 5 --dropout 0.1"]):
        write_typed_run(tmp_path, flags, [0, 200], seed=seed)
    write_typed_run(tmp_path, "--reward true", [0, 200], [0, 0])
    five, twenty, true = groups_in(tmp_path, ["fragment_length"])
    assert [group.label for group in (five, twenty, true)] == [
        "--fragment-length 5", "--fragment-length 20", "--reward true --fragment-length 20",
    ]  # fmt: skip
    assert [run.seed for run in twenty.runs] == [0, 1]
    assert [group.is_default for group in (five, twenty, true)] == [False, True, False]
    assert Selection().find_baseline([five, twenty, true]) is twenty


def test_an_option_that_no_run_has_is_named(tmp_path: Path):
    run = read_run(write_typed_run(tmp_path, "", [0, 200]))
    assert option_names(["--fragment-length", "query"], [run]) == ["fragment_length", "query"]
    with pytest.raises(UsageError, match=r"--group-by fragment_lenght: .*; did you mean fragment_length"):
        option_names(["fragment_lenght"], [run])


GROUPS = [
    Group(label, [], label)
    for label in ("the defaults", "--fragment-length 5", "--fragment-length 50", "--query uniform --fragment-length 5")
]


@pytest.mark.parametrize(
    ("only", "chosen"),
    [
        ((), [0, 1, 2, 3]),
        (("--fragment-length 5",), [1]),
        (("fragment-length 50", "the defaults"), [0, 2]),
        (("fragment-length",), [1, 2, 3]),
        (("uniform",), [3]),
        (("length 5",), []),
    ],
)
def test_only_chooses_by_label_or_by_words_of_labels(only: tuple[str, ...], chosen: list[int]):
    assert Selection(only=only).choose(GROUPS) == [GROUPS[place] for place in chosen]


def test_the_baseline_is_found_by_its_label_and_missed_by_name():
    assert Selection().find_baseline(GROUPS) is GROUPS[0]
    assert Selection(baseline="fragment-length 5").find_baseline(GROUPS) is GROUPS[1]
    assert Selection(baseline="fragment-length 5 --query uniform").find_baseline(GROUPS) is GROUPS[3]
    named = [Group("mine", [], "the defaults", is_default=True), GROUPS[1]]
    assert Selection().find_baseline(named) is named[0]
    assert Selection().find_baseline(GROUPS[1:]) is None
    for selection in (Selection(baseline="nothing"), Selection(only=("nothing",))):
        with pytest.raises(UsageError, match="nothing: no group is called so; there are: the defaults; --fragment-le"):
            selection.require_all_there(GROUPS)


# Tasks


def test_runs_whose_returns_cannot_be_compared_are_kept_apart(tmp_path: Path):
    lines = {
        "": "FixedHorizonCartPole-v0",
        "--env Pendulum-v1": "Pendulum-v1",
        "--env Pendulum-v1 --fixed-horizon 50": "Pendulum-v1 --fixed-horizon 50",
        "--env LunarLander-v3 --allow-variable-horizon": "LunarLander-v3 --allow-variable-horizon",
    }
    for flags, title in lines.items():
        assert task_of(read_run(write_typed_run(tmp_path, flags, [0, 200]))).title == title
    other = write_typed_run(tmp_path, "", [0, 200])
    (other / "command.txt").write_text("python llm.py --seed 0\n", encoding="utf-8")
    assert task_of(read_run(other)).title == "llm.py FixedHorizonCartPole-v0"


def test_an_environment_is_the_same_wherever_it_comes_from(tmp_path: Path):
    for env in ("One-v0", "my_one:One-v0"):
        change_options(write_typed_run(tmp_path, "--env Pendulum-v1", [0, 200], seed=len(env)), env=env)
    runs = [read_run(path) for path in find_runs([tmp_path])]
    (task,) = {task_of(run) for run in runs}
    assert task.env == "One-v0"
    (group,) = groups_in(tmp_path)
    assert (group.label, len(group.runs)) == ("the defaults", 2)


def test_files_of_several_tasks_have_names_that_every_system_takes():
    tasks = [Task("main.py", env, flags) for env, flags in (
        ("Pendulum-v1", ""), ("ALE/Pong-v5", ""), ("Pendulum-v1", "--env-kwargs size=7"), ("pendulum-v1", ""),
        ("x:", ""),
    )]  # fmt: skip
    names = list(file_names("c", tasks).values())
    assert names[:3] == ["c-Pendulum-v1", "c-ALE-Pong-v5", "c-Pendulum-v1-env-kwargs-size-7"]
    assert len({name.lower() for name in names}) == len(names)
    assert not set("".join(names)) & set('/\\:*?"<>| ')
    assert file_names("c", tasks[1:2]) == {tasks[1]: "c"}
