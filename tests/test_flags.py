"""Dataclasses of options as flags and as JSON, and the bounds beside their fields."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest

from workshop.bounds import file_name, layer_widths, require_bounds, within
from workshop.commands import read_flags
from workshop.flags import COUNTED, ONLY_ON, POSITIONAL, as_json, flag_names, from_json, options_of, typed_flags
from workshop.messages import UsageError


@dataclass(frozen=True)
class Inner:
    """What lies within."""

    sizes: Annotated[tuple[int, ...], layer_widths] = (8,)
    """Widths."""
    rate: Annotated[float, within(above=0, below=1)] = 0.5
    """A rate."""

    def __post_init__(self) -> None:
        require_bounds(self)


@dataclass(frozen=True)
class Options:
    """What there is."""

    paths: Annotated[tuple[Path, ...], POSITIONAL] = (Path("runs"),)
    """Where."""
    name: Annotated[str, file_name] = "x"
    """A name."""
    how: Literal["one", "two"] = "one"
    """How."""
    which: Literal["a", "b"] | None = None
    """Which, if any."""
    most: int | None = None
    """The most."""
    switch: bool = True
    """On or off."""
    only: Annotated[bool, ONLY_ON] = False
    """On."""
    often: Annotated[int, COUNTED] = 0
    """How often."""
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        require_bounds(self)


def test_flags_are_the_fields_with_dashes_and_what_is_on_or_off_is_two():
    assert flag_names(Options()) == [
        "--name", "--how", "--which", "--most", "--switch", "--no-switch", "--only", "--often", "--sizes", "--rate",
    ]  # fmt: skip
    owners = {option.name: option.owner for option in options_of(Options())}
    assert (owners["most"], owners["rate"]) == (Options, Inner)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", Options()),
        ("a b", Options(paths=(Path("a"), Path("b")))),
        ("a --how two --which=b", Options(paths=(Path("a"),), how="two", which="b")),
        ("--how two c", Options(paths=(Path("c"),), how="two")),
        ("--most -3 --no-switch --only --often --often", Options(most=-3, switch=False, only=True, often=2)),
        ("--sizes 1 2 --rate .25 --sizes 3", Options(inner=Inner((3,), 0.25))),
        ("--most 3 --most 4", Options(most=4)),
        ("--no-switch --switch", Options()),
        ("--switch --no-switch --switch --no-switch", Options(switch=False)),
    ],
)
def test_a_command_line_is_read(typed: str, expected: Options):
    assert read_flags(Options, typed.split()) == expected


def test_defaults_may_follow_from_other_flags_and_what_is_typed_counts_more():
    def defaults(typed_after):
        return {"most": 7, "sizes": (5, 5)} if typed_after("--how") == "two" else {}

    assert read_flags(Options, [], defaults) == Options()
    assert read_flags(Options, ["--how=two"], defaults) == Options(how="two", most=7, inner=Inner((5, 5)))
    assert read_flags(Options, ["--how", "two", "--most", "1"], defaults).most == 1


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--which c", "--which must be a or b, not 'c'."),
        ("--how twoo", "--how must be one or two, not 'twoo'; did you mean two?"),
        ("--most 1.5", "--most must be a whole number, not '1.5'."),
        ("--most", "--most must be a whole number, and nothing follows it."),
        ("--sizes", "--sizes must be followed by one or more values, and nothing follows it."),
        ("--sizes 1 x", "--sizes must be one or more whole numbers, not '1 x'."),
        ("--sizes 0", "--sizes must be 1 to 10 layer widths of 1 to 1024, not 0."),
        ("--rate 1", "--rate must be above 0 and below 1, not 1.0."),
        ("--only 3", "--only takes no value, so leave '3' out; it must stand alone."),
        ("--switch=no", "--switch takes no value, so leave 'no' out; it must stand alone."),
        ("--no-only", "There is no flag --no-only; did you mean --only?"),
        ("--paths a", "There is no flag --paths"),
        ("--name a/b", "--name must be made of 1 to 100 letters"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(typed: str, says: str):
    with pytest.raises(UsageError) as refused:
        read_flags(Options, typed.split())
    assert str(refused.value).startswith(says)


def test_options_come_back_from_json():
    options = Options((Path("a/b"),), how="two", most=3, inner=Inner((1, 2), 0.125))
    content = json.loads(json.dumps(as_json(options)))
    assert content["paths"] == ["a/b"]
    assert content["sizes"] == [1, 2]
    assert from_json(Options, content) == options


@pytest.mark.parametrize(
    "changed",
    [{"most": "3"}, {"most": True}, {"how": "three"}, {"sizes": 3}, {"rate": None}, {"rate": 2.0}, {"more": 1}],
)
def test_json_that_holds_other_options_is_refused(changed: dict):
    content = json.loads(json.dumps(as_json(Options())))
    with pytest.raises(ValueError, match=r"."):
        from_json(Options, content | changed)
    with pytest.raises(ValueError, match="rate"):
        from_json(Options, {name: value for name, value in content.items() if name != "rate"})


def test_a_negative_number_is_a_value_and_no_flag():
    assert typed_flags(["a", "--x", "-1", "-.5", "--y_z=-2", "-h"]) == [
        ("", ["a"]), ("--x", ["-1", "-.5"]), ("--y-z", ["-2"]), ("-h", []),
    ]  # fmt: skip
