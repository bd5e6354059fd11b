"""Records of comparisons read back, merged, and taken to learn from."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from made_up_records import ENV, LENGTH, MadeUpRecord, answered
from made_up_runs import write_run

from workshop.data import Comparisons, Fragments
from workshop.environments import EnvironmentConfig
from workshop.labelling.options import LabellingConfig
from workshop.messages import UsageError
from workshop.records.answers import read_lines
from workshop.records.comparisons_from import load_comparisons_from, merge, read_record, read_records
from workshop.records.directory import RunDirectory
from workshop.records.untrusted import BrokenRecordError

OBSERVATIONS, ACTIONS = spaces.Box(-np.inf, np.inf, (2,)), spaces.Discrete(2)


def load(*paths: Path, **changes) -> Comparisons:
    options = {
        "environment": EnvironmentConfig(ENV),
        "fragment_length": LENGTH,
        "observation_space": OBSERVATIONS,
        "action_space": ACTIONS,
    } | changes
    return load_comparisons_from(paths, **options)[0]


# Reading one run's


def test_answers_come_back_with_their_fragments(tmp_path: Path):
    record = answered(tmp_path / "run", [0.0, None, 0.5, 1.0])
    read = read_record(record.path)
    assert (read.env_id, read.fragment_length, len(read)) == (ENV, LENGTH, 3)
    np.testing.assert_array_equal(read.preferences, [0, 0.5, 1])
    np.testing.assert_array_equal(read.numbers, [0, 2, 3])
    assert read.labellers == ("ada",) * 3
    np.testing.assert_array_equal(read.seconds, [2, 2, 2])
    assert (read.skipped, read.undone, read.times_undone) == (1, 0, 0)
    for i, number in enumerate(read.numbers):
        for name, array in record.arrays(number).items():
            fragments = read.fragments_a if name.endswith("_a") else read.fragments_b
            np.testing.assert_array_equal(fragments[name[:-2]][i], array[0])
            assert fragments[name[:-2]].dtype == array.dtype


def test_the_last_line_about_a_question_counts(tmp_path: Path):
    record = MadeUpRecord(tmp_path / "run")
    kept, changed, taken_back, changed_twice, unskipped = (record.ask() for _ in range(5))
    record.answer(kept, 1.0)
    record.answer(changed, 1.0)
    record.undo(changed)
    record.answer(taken_back, 0.0)
    record.undo(taken_back)
    record.answer(changed, 0.0, seconds=7)
    for preference in (0.0, 1.0):
        record.answer(changed_twice, preference)
        record.undo(changed_twice)
    record.answer(changed_twice, 0.5)
    record.answer(unskipped, None)
    record.undo(unskipped)
    record.answer(unskipped, 1.0)
    read = read_record(record.path)
    np.testing.assert_array_equal(read.numbers, [kept, changed, changed_twice, unskipped])
    np.testing.assert_array_equal(read.preferences, [1, 0, 0.5, 1])
    np.testing.assert_array_equal(read.seconds, [2, 7, 2, 2])
    assert (read.skipped, read.undone, read.times_undone) == (0, 1, 5)


def test_repeats_are_kept_apart_and_turned_to_the_sides_of_the_first_time(tmp_path: Path):
    record = answered(tmp_path / "run", [0.0, 1.0, 0.5, 1.0, None, 1.0])
    for number, swapped, preference in ((0, True, 1.0), (1, False, 0.0), (2, True, 0.5), (3, True, 1.0)):
        record.answer(record.ask_again(number, swapped), preference, seconds=number)
    record.answer(record.ask_again(4, True), 1.0)  # skipped the first time
    record.answer(record.ask_again(5, True), None)  # skipped the second time
    undone = record.ask_again(5, False)
    record.answer(undone, 1.0)
    record.undo(undone)
    read = read_record(record.path)
    np.testing.assert_array_equal(read.numbers, [0, 1, 2, 3, 5])
    np.testing.assert_array_equal(read.repeats.first, [0, 1, 0.5, 1])
    np.testing.assert_array_equal(read.repeats.again, [0, 0, 0.5, 0])
    np.testing.assert_array_equal(read.repeats.seconds, [0, 1, 2, 3])
    assert (read.skipped, read.undone, read.times_undone) == (1, 0, 1)


def test_what_a_killed_run_was_writing_is_left_out(tmp_path: Path):
    record = answered(tmp_path / "run", [0.0, 1.0])
    whole = record.lines.read_bytes()
    first_line = whole.index(b"\n") + 1
    for end in range(first_line, len(whole)):
        record.lines.write_bytes(whole[:end])
        assert len(read_record(record.path)) == 1
    record.ask()  # a question that was shown and never answered
    record.lines.write_bytes(whole)
    assert len(read_record(record.path)) == 2


def test_an_empty_record_has_no_answers(tmp_path: Path):
    read = read_record(answered(tmp_path / "run", []).path)
    assert (len(read), read.labellers, len(read.repeats.first)) == (0, (), 0)


def test_lines_may_end_as_on_windows(tmp_path: Path):
    record = answered(tmp_path / "run", [0.0, 1.0])
    record.lines.write_bytes(record.lines.read_bytes().replace(b"\n", b"\r\n"))
    assert len(read_record(record.path)) == 2


@dataclass
class Flags:
    runs_dir: Path
    env: str = ENV
    name: str = "test"
    seed: int = 0
    fragment_length: int = 4


def test_what_a_run_directory_writes_is_read(tmp_path: Path):
    run = RunDirectory.make(Flags(tmp_path), [])
    generator = np.random.default_rng(0)
    a, b = (
        Fragments(
            generator.normal(size=(3, 4, 2)).astype(np.float32),
            generator.integers(2, size=(3, 4)),
            generator.normal(size=(3, 4)).astype(np.float32),
        )
        for _ in "ab"
    )
    run.record("synthetic", Comparisons.questions(a, b)).answers(np.array([1.0, np.nan, 0.0]))
    run.iteration = 2
    run.record("synthetic", Comparisons.questions(a[:1], b[:1])).answers(np.array([0.5]))
    read = read_record(run.path)
    comparisons = Comparisons(Fragments(**read.fragments_a), Fragments(**read.fragments_b), read.preferences)
    index = np.array([0, 2, 0])
    for name in vars(a):
        np.testing.assert_array_equal(getattr(comparisons.fragments_a, name), getattr(a[index], name))
        np.testing.assert_array_equal(getattr(comparisons.fragments_b, name), getattr(b[index], name))
    np.testing.assert_array_equal(read.preferences, [1, 0, 0.5])
    assert [line.iteration for line in read_lines(run.path)] == [0, 0, 0, 2]
    np.testing.assert_array_equal(read.numbers, [0, 2, 3])
    assert read.skipped == 1
    assert np.isnan(read.seconds).all()


def test_a_trained_run_is_read(tiny_run):
    _, directory = tiny_run
    assert len(read_record(directory)) == len((directory / "comparisons.jsonl").read_text().splitlines()) == 6


# Merging


def test_merged_answers_keep_their_labeller_and_run(tmp_path: Path):
    ada = answered(tmp_path / "one", [0.0, 1.0], labeller="ada", seed=1)
    again = ada.ask_again(1, swapped=True)
    ada.answer(again, 1.0)
    nobody = answered(tmp_path / "two", [None], labeller="carl", seed=2)
    bob = answered(tmp_path / "three", [0.5, None], labeller="bob", seed=3)
    undone = bob.ask()
    bob.answer(undone, 1.0)
    bob.undo(undone)
    records = [read_record(record.path) for record in (ada, nobody, bob)]
    merged = merge(records)
    assert merged.labellers == ("ada", "ada", "bob")
    assert merged.runs == (ada.path, nobody.path, bob.path)
    np.testing.assert_array_equal(merged.run_of, [0, 0, 2])
    np.testing.assert_array_equal(merged.numbers, [0, 1, 0])
    np.testing.assert_array_equal(merged.preferences, [0, 1, 0.5])
    np.testing.assert_array_equal((merged.repeats.first, merged.repeats.again), ([1], [0]))
    assert (merged.skipped, merged.undone, merged.times_undone) == (2, 1, 1)
    np.testing.assert_array_equal(
        merged.fragments_b["observations"],
        np.concatenate([ada.arrays(i)["observations_b"] for i in (0, 1)] + [bob.arrays(0)["observations_b"]]),
    )


def test_merging_twice_is_merging_at_once(tmp_path: Path):
    one, two, three = (read_record(answered(tmp_path / str(i), [0.0, 1.0], seed=i).path) for i in range(3))
    for merged in (merge([merge([one, two]), three]), merge([one, merge([two, three])])):
        at_once = merge([one, two, three])
        assert merged.runs == at_once.runs
        np.testing.assert_array_equal(merged.run_of, at_once.run_of)
        np.testing.assert_array_equal(merged.fragments_a["observations"], at_once.fragments_a["observations"])


def test_records_without_answers_merge(tmp_path: Path):
    none = [read_record(answered(tmp_path / str(i), [None]).path) for i in range(2)]
    assert (len(merge(none)), merge(none).skipped) == (0, 2)
    assert len(merge([none[0], read_record(answered(tmp_path / "full", [1.0]).path), none[1]])) == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"env": "Pendulum-v1"}, f"the environment is {ENV} in the first and Pendulum-v1 in the second"),
        ({"length": 5}, "the fragment length is 3 in the first and 5 in the second"),
    ],
)
@pytest.mark.parametrize("preference", [1.0, None])
def test_runs_that_differ_are_not_merged(tmp_path: Path, changes: dict, says: str, preference: float | None):
    records = [
        read_record(answered(tmp_path / "first", [1.0]).path),
        read_record(answered(tmp_path / "second", [preference], **changes).path),
    ]
    with pytest.raises(UsageError, match=says) as caught:
        merge(records)
    assert "first" in str(caught.value)
    assert "second" in str(caught.value)


def test_runs_with_other_observations_are_not_merged(tmp_path: Path):
    first, second = (answered(tmp_path / name, [1.0]) for name in ("first", "second"))
    arrays = second.arrays(0)
    for side in "ab":
        arrays[f"observations_{side}"] = np.zeros((1, LENGTH, 4), np.float32)
    np.savez(second.path / "fragments" / "000000.npz", **arrays)
    with pytest.raises(UsageError, match=r"the shape of observations is \(2,\) in the first and \(4,\) in the second"):
        merge([read_record(first.path), read_record(second.path)])


# Finding, and learning from


def test_runs_are_found_below_a_path_and_counted_once(tmp_path: Path):
    first = answered(tmp_path / "runs" / "x", [1.0], labeller="ada")
    second = answered(tmp_path / "runs" / "deep" / "y", [0.0], labeller="bob")
    write_run(tmp_path / "runs", [0, 200], reward="true")  # nothing was asked in it
    recorded = read_records([tmp_path / "runs", second.path, first.path / ".." / "x"])
    assert recorded.labellers == ("ada", "bob")
    assert read_records([tmp_path / "runs" / "*"]).labellers == ("ada", "bob")


def test_the_order_does_not_depend_on_where_the_runs_are(tmp_path: Path):
    answered(tmp_path / "1" / "y", [1.0], labeller="bob")
    answered(tmp_path / "2" / "x", [0.0], labeller="ada")
    assert read_records([tmp_path / "1", tmp_path / "2"]).labellers == ("ada", "bob")


def test_comparisons_to_learn_from_fit_the_spaces(tmp_path: Path):
    record = answered(tmp_path / "run", [1.0, 0.0, 0.5])
    recorded = load(record.path, observation_space=spaces.Box(-np.inf, np.inf, (2,), np.float64))
    assert recorded.fragments_a.observations.dtype == np.float64
    assert recorded.fragments_b.actions.dtype == np.int64
    comparisons = Comparisons.empty(LENGTH, OBSERVATIONS, ACTIONS)
    comparisons.add(recorded)
    np.testing.assert_array_equal(comparisons.preferences, [1, 0, 0.5])
    np.testing.assert_array_equal(comparisons.fragments_b.true_returns, [1, 1, 1])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"environment": EnvironmentConfig("Pendulum-v1")}, f"recorded with --env {ENV}, not Pendulum-v1"),
        ({"fragment_length": 20}, "recorded with --fragment-length 3, not 20"),
        ({"observation_space": spaces.Box(-1, 1, (5,))}, r"the observations have the shape \(2,\)"),
        ({"observation_space": spaces.Discrete(4)}, "the observations have the shape"),
        ({"action_space": spaces.Box(-1, 1, (1,))}, "the actions have the shape"),
        ({"action_space": spaces.Discrete(1)}, "the actions are not all among the 1"),
        ({"action_space": spaces.Discrete(2, start=5)}, "the actions are not all among the 2"),
        ({"observation_space": spaces.Box(0, 9, (2,), np.int64)}, "the observations are of the type float32"),
    ],
)
def test_what_another_task_has_left_is_refused(tmp_path: Path, changes: dict, says: str):
    record = answered(tmp_path / "run", [1.0, 0.0, 0.5])
    with pytest.raises(UsageError, match=f"^--comparisons-from: .*{says}") as caught:
        load(record.path, **changes)
    assert "\n" not in str(caught.value)


def test_a_path_without_answers_is_refused_by_name(tmp_path: Path):
    full = answered(tmp_path / "full", [1.0])
    skipped = answered(tmp_path / "skipped", [None])
    without = write_run(tmp_path / "without", [0, 200])
    for path, says in (
        (skipped.path, "no answered comparisons in .*skipped"),
        (without, "no answered comparisons in .*without"),
        (tmp_path / "nowhere", "There is no .*nowhere"),
    ):
        with pytest.raises(UsageError, match=f"^--comparisons-from: .*{says}"):
            load(full.path, path)
    with pytest.raises(UsageError, match=r"^--comparisons-from: No run is named\.$"):
        load()


def test_a_broken_record_is_a_mistake_in_the_flag(tmp_path: Path):
    record = answered(tmp_path / "run", [1.0, 0.0])
    record.lines.write_text("{}\n")
    with pytest.raises(UsageError, match=r"^--comparisons-from: .*comparisons.jsonl, line 1, names no comparison\.$"):
        load(record.path)


GOOD_NAMES = ["نیلوفر\u200cمهر", "👩\u200d🔬", "Zoë Ångström-O'Neill", "李 小龙", "x" * 200, "a|b `c`", "\u202eabc"]
BAD_NAMES = ["", "  ", "a\tb", "a\nb", "\x1b[31m", "\u2028", "x" * 201, "\ud800", "\x7f"]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_whoever_may_label_can_be_read_again(tmp_path: Path, name: str):
    assert LabellingConfig(labeller=name).labeller == name
    run = RunDirectory.make(Flags(tmp_path), [])
    fragments = Fragments(np.zeros((1, 4, 2), np.float32), np.zeros((1, 4), np.int64), np.zeros((1, 4), np.float32))
    run.record(name, Comparisons.questions(fragments, fragments)).answers(np.array([1.0]))
    assert read_record(run.path).labellers == (name,)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_whoever_cannot_be_read_again_may_not_label(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match=r"^--labeller must be a name of 1 to 200 characters"):
        LabellingConfig(labeller=name)
    record = answered(tmp_path / "run", [1.0])
    line = json.loads(record.lines.read_text())
    record.lines.write_text(json.dumps(line | {"labeller": name}) + "\n")
    with pytest.raises(BrokenRecordError, match="labeller must be a name"):
        read_record(record.path)
