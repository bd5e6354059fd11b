"""Recorded comparisons read back: one run's, several people's as one, and those that another run learns from.

A run's record is its `config.json`, `comparisons.jsonl` (see `workshop.records.answers`) and `fragments/*.npz`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from workshop.data import Comparisons, Fragments, Space
from workshop.environments import EnvironmentConfig, keyword_arguments, without_module
from workshop.labellers import labellers_goal
from workshop.messages import UsageError
from workshop.records.answers import ANSWERS, Line, read_lines
from workshop.records.finished import find_runs
from workshop.records.fragment_files import ARRAYS, LARGEST_FRAGMENTS, read_fragments
from workshop.records.untrusted import CONFIG, BrokenRecordError, find_file, read_config

Arrays = Mapping[str, np.ndarray]  # by the names in ARRAYS, each of shape (n, L, …)
# the fields of RecordedComparisons that merging joins end to end as arrays, and the tuples and counts that it adds up
JOINED = ("preferences", "seconds", "numbers")
ADDED = ("runs", "goals", "labellers", "skipped", "undone", "times_undone")


@dataclass(frozen=True)
class Repeats:
    """m questions asked a second time and answered both times, to see how consistent somebody is.

    | field | what |
    | --- | --- |
    | first, again | (m,), the two answers: 0.0, 0.5 or 1.0, both as the pair was shown the first time |
    | seconds | (m,), how long the second took; NaN where nobody measured |
    """

    first: np.ndarray
    again: np.ndarray
    seconds: np.ndarray


@dataclass(frozen=True)
class RecordedComparisons:
    """n answered questions of one run or of several, each pair once, in the order in which they were asked.

    | field | what |
    | --- | --- |
    | env_id, env_kwargs | the environment that the fragments are from, without its module, and what it was made with |
    | fragment_length | their steps L |
    | runs, goals | the directories of the runs, and what each one's labeller was to judge by; "" for the true reward |
    | fragments_a, fragments_b | arrays by name: observations, actions (n, L, …), true_rewards (n, L); none if n is 0 |
    | preferences | (n,), float64: 0.0 a, 1.0 b, 0.5 equally good |
    | labellers | who answered, n names |
    | seconds | (n,), how long the answer took, NaN where nobody measured |
    | run_of | (n,), integers: which of `runs` the answer is from |
    | numbers | (n,), integers: the answer's number in its run |
    | repeats | questions asked a second time, for reports: they are not among the n |
    | skipped | how many questions were skipped in the end |
    | undone | how many answers were taken back and not given again |
    | times_undone | how often an answer was taken back, given again or not |
    """

    env_id: str
    env_kwargs: Mapping[str, Any]
    fragment_length: int
    runs: tuple[Path, ...]
    goals: tuple[str, ...]
    fragments_a: Arrays
    fragments_b: Arrays
    preferences: np.ndarray
    labellers: tuple[str, ...]
    seconds: np.ndarray
    run_of: np.ndarray
    numbers: np.ndarray
    repeats: Repeats
    skipped: int
    undone: int
    times_undone: int

    def __len__(self) -> int:
        return len(self.preferences)


def read_record(run: Path) -> RecordedComparisons:
    """The answers recorded in this run directory, whether it is finished or not.

    Of several lines about one question the last counts. Nothing outside the directory is read and no code in it is run.
    Raises a BrokenRecordError, one sentence that names file and line, for whatever is not as a run writes it.
    """
    env_id, env_kwargs, length = _kind_of_record(run)
    lines = read_lines(run)
    last = {line.comparison: line for line in lines}
    asked = [last[number] for number in sorted(last)]
    answers = [line for line in asked if line.repeats is None and line.preference is not None]
    repeated = [(last[line.repeats], line) for line in asked if line.repeats is not None]
    repeated = [(first, again) for first, again in repeated if None not in (first.preference, again.preference)]
    arrays = _load_fragments(run, [*answers, *(again for _, again in repeated)], length)
    for first, again in repeated:
        _require_same_pair(again, first, arrays)
    second_answers = np.array([again.preference for _, again in repeated], np.float64)
    swapped = np.array([again.swapped for _, again in repeated], bool)
    return RecordedComparisons(
        env_id=env_id,
        env_kwargs=env_kwargs,
        fragment_length=length,
        runs=(run,),
        goals=(_goal(run),),
        fragments_a=_stack(answers, arrays, "a"),
        fragments_b=_stack(answers, arrays, "b"),
        preferences=np.array([line.preference for line in answers], np.float64),
        labellers=tuple(line.labeller for line in answers),
        seconds=np.array([line.seconds for line in answers], np.float64),
        run_of=np.zeros(len(answers), np.int64),
        numbers=np.array([line.comparison for line in answers], np.int64),
        repeats=Repeats(
            np.array([first.preference for first, _ in repeated], np.float64),
            np.where(swapped, 1 - second_answers, second_answers),
            np.array([again.seconds for _, again in repeated], np.float64),
        ),
        skipped=sum(line.repeats is None and line.preference is None and not line.undone for line in asked),
        undone=sum(line.repeats is None and line.undone for line in asked),
        times_undone=sum(line.undone for line in lines),
    )


def merge(records: Sequence[RecordedComparisons]) -> RecordedComparisons:
    """One or more records as one, in the given order; every answer keeps its labeller's name.

    Raises a UsageError that names two runs and what differs, if they are not of the same environment and fragment
    length or the shapes of observations or actions differ.
    """
    first = next((record for record in records if len(record)), records[0])
    kind = _kind(first)
    for record in records:
        for what, value in _kind(record).items():
            if value != kind[what]:
                raise UsageError(
                    f"{first.runs[0]} and {record.runs[0]} cannot be merged: "
                    f"{what} is {kind[what]} in the first and {value} in the second."
                )
    joined: dict[str, Any] = _join([{name: getattr(record, name) for name in JOINED} for record in records])
    added: dict[str, Any] = {name: reduce(add, [getattr(record, name) for record in records]) for name in ADDED}
    full = [record for record in records if len(record)]  # only these know the shapes
    runs_before = np.cumsum([0, *(len(record.runs) for record in records)])
    return replace(
        first,
        fragments_a=_join([record.fragments_a for record in full]),
        fragments_b=_join([record.fragments_b for record in full]),
        run_of=np.concatenate([record.run_of + n for record, n in zip(records, runs_before, strict=False)]),
        repeats=Repeats(**_join([vars(record.repeats) for record in records])),
        **joined,
        **added,
    )


def read_records(paths: Sequence[Path]) -> RecordedComparisons:
    """The records of the runs at or below these paths, as one; a run named twice counts once.

    Runs without a record, such as those on the true reward, are passed over if there are others at the same path.
    Raises a UsageError, one sentence, for a path without any answer, a broken record, and runs that cannot be merged.
    """
    records: dict[Path, RecordedComparisons] = {}
    for path in paths:
        runs = [path] if (path / ANSWERS).exists() else [run for run in find_runs([path]) if (run / ANSWERS).exists()]
        try:
            here = {run.resolve(): read_record(run) for run in runs}
        except BrokenRecordError as problem:
            raise UsageError(str(problem)) from problem
        if not any(len(record) for record in here.values()):
            raise UsageError(f"There are no answered comparisons in {path}.")
        records = here | records
    if not records:
        raise UsageError("No run is named.")
    by_name = sorted(records, key=lambda run: (run.name, run))  # the same wherever the runs are kept
    return merge([records[run] for run in by_name])


def load_comparisons_from(
    paths: Sequence[Path],
    environment: EnvironmentConfig,
    fragment_length: int,
    observation_space: Space,
    action_space: Space,
) -> tuple[Comparisons, set[str]]:
    """The answers in these runs, as the comparisons of a run with this environment, fragment length and spaces.

    With them come the goals that they were given for; "" is no goal of one's own, but the true reward.
    Observations and actions get the types of their spaces. Raises a UsageError, one sentence that begins with the flag
    `--comparisons-from`, for whatever `read_records` refuses and for what another environment or length has left.
    """
    env_id = without_module(environment.env)
    try:
        recorded = read_records(paths)
        flags = {
            "env": (recorded.env_id, env_id),
            "env-kwargs": (_typed(recorded.env_kwargs), _typed(keyword_arguments(environment.env_kwargs))),
            "fragment-length": (recorded.fragment_length, fragment_length),
        }
        for flag, (theirs, ours) in flags.items():
            if theirs != ours:
                raise UsageError(f"{recorded.runs[0]} was recorded with --{flag} {theirs}, not {ours}.")
        sides = []
        for fragments in (recorded.fragments_a, recorded.fragments_b):
            observations = as_elements(fragments["observations"], observation_space, "observations", env_id)
            actions = as_elements(fragments["actions"], action_space, "actions", env_id)
            sides.append(Fragments(observations, actions, fragments["true_rewards"].astype(np.float32)))
    except UsageError as mistake:
        raise UsageError(f"--comparisons-from: {mistake}") from mistake
    labellers = np.array(recorded.labellers, dtype=np.str_)
    return Comparisons(sides[0], sides[1], recorded.preferences, labellers), set(recorded.goals)


def _kind_of_record(run: Path) -> tuple[str, dict[str, Any], int]:
    path, config = run / CONFIG, read_config(run)
    env, typed, length = config.get("env"), config.get("env_kwargs", []), config.get("fragment_length")
    if not isinstance(env, str) or not env.isprintable():
        raise BrokenRecordError(f"{path} names no env.")
    try:
        env_kwargs = keyword_arguments(tuple(typed))
    except (AttributeError, TypeError, ValueError) as problem:
        raise BrokenRecordError(f"{path} has env_kwargs that are none.") from problem
    if type(length) is not int or length < 1:
        raise BrokenRecordError(f"{path} gives no fragment_length.")
    return without_module(env), env_kwargs, length


def _goal(run: Path) -> str:
    """What a person judged by in this run; the synthetic oracle goes by the true reward, whatever it says."""
    config = read_config(run)
    if config.get("oracle") == "synthetic":
        return labellers_goal(config.get("labellers"))
    return str(config.get("goal") or "")


def _typed(env_kwargs: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={env_kwargs[name]!r}" for name in sorted(env_kwargs)) or "(none)"


def _load_fragments(run: Path, lines: Sequence[Line], length: int) -> dict[str, Arrays]:
    """The arrays of every file that these lines name, by its path; all of the same shapes but for n, and types."""
    files: dict[str, Arrays] = {}
    kind, left = None, LARGEST_FRAGMENTS
    for line in lines:
        if line.fragments not in files:
            path = find_file(run, line.fragments)
            arrays = files[line.fragments] = read_fragments(path, length, left)
            left -= sum(array.nbytes for array in arrays.values())
            new_kind = [(arrays[f"{name}_a"].shape[2:], arrays[f"{name}_a"].dtype) for name in ARRAYS]
            if kind not in (None, new_kind):
                raise BrokenRecordError(f"{path} has arrays of other shapes or types than the files before it.")
            kind = new_kind
        if line.row >= len(files[line.fragments]["true_rewards_a"]):
            raise BrokenRecordError(f"{line.place} names row {line.row}, which {line.fragments} does not have.")
    return files


def _stack(lines: Sequence[Line], arrays: Mapping[str, Arrays], side: str) -> Arrays:
    if not lines:
        return {}
    return {name: np.stack([arrays[line.fragments][f"{name}_{side}"][line.row] for line in lines]) for name in ARRAYS}


def _require_same_pair(line: Line, earlier: Line, arrays: Mapping[str, Arrays]) -> None:
    """A wrong `swapped` would turn a consistent labeller into an inconsistent one."""
    for name in ARRAYS:
        for side, other in ("ab", "ba") if line.swapped else ("aa", "bb"):
            here, there = arrays[line.fragments][f"{name}_{side}"], arrays[earlier.fragments][f"{name}_{other}"]
            if not np.array_equal(here[line.row], there[earlier.row]):
                swapped = "swapped " if line.swapped else ""
                raise BrokenRecordError(
                    f"{line.place} does not show the {swapped}fragments of comparison {line.repeats}, which it repeats."
                )


def _kind(record: RecordedComparisons) -> dict[str, Any]:
    """What must be the same for two records to be merged; shapes only where there are answers to have them."""
    kind = {
        "the environment": record.env_id,
        "what it was made with": _typed(record.env_kwargs),
        "the fragment length": record.fragment_length,
    }
    for name in ("observations", "actions") if len(record) else ():
        kind[f"the shape of {name}"] = record.fragments_a[name].shape[2:]
    return kind


def _join(columns: Sequence[Arrays]) -> dict[str, np.ndarray]:
    names = columns[0] if columns else ()
    return {name: np.concatenate([column[name] for column in columns]) for name in names}


def as_elements(values: np.ndarray, space: Space, name: str, env_id: str) -> np.ndarray:
    """Values (n, L, …) with the type of this space, after a look whether they can be its elements."""
    if values.shape[2:] != space.shape:
        raise UsageError(f"the {name} have the shape {values.shape[2:]}, those of {env_id} {space.shape}.")
    dtype = np.dtype(space.dtype)
    if not np.can_cast(values.dtype, dtype, "same_kind"):
        raise UsageError(f"the {name} are of the type {values.dtype}, those of {env_id} {dtype}.")
    if isinstance(space, spaces.Discrete) and not ((space.start <= values) & (values < space.start + space.n)).all():
        raise UsageError(f"the {name} are not all among the {space.n} of {env_id}.")
    return values.astype(dtype, copy=False)
