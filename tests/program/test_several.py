"""Several values after a flag of `main.py` that takes one: the command that is told instead can be pasted."""

import shlex

import pytest

import sweep
from workshop.many_runs.grid import combinations
from workshop.program.several import instead_of_several


@pytest.mark.parametrize(
    ("typed", "flag", "runs", "seeds"),
    [
        ("--fragment-length 1 5 60", "--fragment-length", 3, range(5)),
        ("--solution --fragment-length 1 5 --query uniform entropy --no-pretrain", "--query", 4, range(5)),
        ("--seed 7 5 6", "--seed", 1, range(5, 8)),
        ("--seed=9 10 --hidden-sizes 4 32", "--seed", 1, range(9, 11)),
        ("--seed 3 --gamma 0.9 0.99 --runs-dir 'my runs' --name x", "--gamma", 2, range(3, 4)),
        ("--env Pendulum-v1 Acrobot-v1 --comparisons=20", "--env", 2, range(5)),
    ],
)
def test_the_command_reads_as_a_sweep_over_what_was_typed(typed: str, flag: str, runs: int, seeds: range):
    told = instead_of_several(shlex.split(typed), ["--hidden-sizes"], flag)
    command = shlex.split(told.removesuffix(" runs each of them, and compares what comes of it."))
    assert command[:2] == ["python", "sweep.py"]
    options, axes, passed_on = sweep.read_command_line(command[2:])
    assert len(combinations(axes)) == runs
    assert range(options.first_seed, options.first_seed + options.seeds) == seeds
    assert str(options.runs_dir) in ("my runs", "runs/sweep")
    for kept in ("--solution", "--no-pretrain", "--hidden-sizes", "--comparisons"):
        assert (kept in typed) == (kept in passed_on)


def test_nothing_is_told_where_no_sweep_would_do():
    for typed, flag in (("--name a b", "--name"), ("--watch x --seed 1 2", "--seed"), ("--port 1 2", "--port")):
        assert instead_of_several(shlex.split(typed), [], flag) == ""
