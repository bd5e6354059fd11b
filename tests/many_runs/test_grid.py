"""The flags of a sweep, of which each may have several values."""

import pytest

from main import Config
from workshop.flags import options_of, typed_flags
from workshop.many_runs.grid import combinations, one_by_one, read_axes
from workshop.messages import UsageError

OPTIONS = list(options_of(Config()))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", [[]]),
        ("--fragment-length 5", [["--fragment-length", "5"]]),
        ("--fragment-length 5 10", [["--fragment-length", "5"], ["--fragment-length", "10"]]),
        ("--fragment_length=5 10", [["--fragment-length", "5"], ["--fragment-length", "10"]]),
        ("--fragment-length 5 --fragment-length 5 9", [["--fragment-length", "5"], ["--fragment-length", "9"]]),
        ("--hidden-sizes 64,64 8", [["--hidden-sizes", "64", "64"], ["--hidden-sizes", "8"]]),
        ("--pretrain --no-pretrain", [["--pretrain"], ["--no-pretrain"]]),
        ("--solution", [["--solution"]]),
        ("--initial-log-std -1 -2", [["--initial-log-std", "-1"], ["--initial-log-std", "-2"]]),
    ],
)
def test_alternatives_of_one_flag(typed: str, expected: list[list[str]]):
    assert combinations(read_axes(typed_flags(typed.split()), OPTIONS)) == expected


def test_every_combination_comes_once():
    axes = read_axes(typed_flags(["--comparisons", "4", "8", "--query", "uniform", "entropy"]), OPTIONS)
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
        read_axes(typed_flags(["5"]), OPTIONS)
