"""--help: grouped by the slides' tasks, the flags that a participant needs first at the top."""

import re
import sys

import pytest

import compare
import export
import main
import sweep
from workshop.flags import flag_names, options_of
from workshop.program.program import HELP


def help_of(program, *arguments: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [program.__name__ + ".py", *arguments, "--help"])
        patch.setenv("COLUMNS", "100")
        with pytest.raises(SystemExit) as end:
            (main.program if program is main else program).main()
    assert end.value.code == 0


@pytest.mark.parametrize("program", [main, compare, sweep, export])
def test_help_tells_every_flag_and_how_the_program_is_typed(program, capsys: pytest.CaptureFixture[str]):
    help_of(program)
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: python {program.__name__}.py [flags]")
    options = main.Config() if program is main else program.Options()
    for flag in flag_names(options):
        assert re.search(rf"{flag}\b", text), flag
    for option in options_of(options):
        assert option.flags or option.name.upper() in text


def test_the_ten_flags_that_a_participant_needs_first_are_at_the_top(capsys: pytest.CaptureFixture[str]):
    help_of(main)
    flags = re.findall(r"^│ (--[a-z-]+)", capsys.readouterr().out, flags=re.MULTILINE)
    first = HELP["groups"][0]["flags"].split()
    assert len(first) == 10
    assert flags[:10] == [f"--{name.replace('_', '-')}" for name in first]


def test_every_flag_of_main_is_in_one_group_of_the_slides(capsys: pytest.CaptureFixture[str]):
    grouped = [name for group in HELP["groups"] for name in group["flags"].split()]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {option.name for option in options_of(main.Config())}
    help_of(main)
    text = " ".join(re.sub(r"[│╭╰─╮╯]", " ", capsys.readouterr().out).split())
    for group in HELP["groups"]:
        assert f"{group['title']} {group['slides']}" in text
