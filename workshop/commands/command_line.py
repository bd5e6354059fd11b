"""A command line read into a dataclass by cyclopts; what is wrong with it is told in one sentence."""

import difflib
import inspect
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from itertools import dropwhile
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar, get_args, get_origin

import cyclopts
import docstring_parser

from workshop.flags import COUNTED, ONLY_ON, POSITIONAL, Option, options_of, typed_flags, with_values
from workshop.messages import UsageError, shown

Flags = TypeVar("Flags")
# a group of flags in --help: its "title", what the "slides" say, and its "flags", names with spaces between
Group = Mapping[str, str]

KINDS = {"int": "a whole number", "float": "a number", "Path": "a path", "str": "a text"}


def read_flags(
    kind: type[Flags],
    arguments: Sequence[str],
    defaults: Callable[[Callable[[str], str | None]], Mapping[str, Any]] | None = None,
    groups: Sequence[Group] = (),
    instead: Callable[[str], str] | None = None,
) -> Flags:
    """Read a command line into a dataclass; a UsageError says in a sentence what is wrong with it.

    `defaults` gives those defaults, by field name, that follow from other flags. It gets a function that tells what was
    typed after a flag, "" if nothing, None if the flag is not there. `groups` are those of --help, in order; flags that
    are in none of them are with others of their dataclass. `instead` tells what to type where several values follow a
    flag that takes one, "" if there is nothing.
    """
    typed = typed_flags(arguments)

    def typed_after(flag: str) -> str | None:
        return next((values[0] if values else "" for name, values in reversed(typed) if name == flag), None)

    following = {} if defaults is None else defaults(typed_after)
    options = {option.name: option for option in options_of(kind())}
    _refuse_mistakes(arguments, typed, options)
    if instead is not None:
        _refuse_several(typed, options, instead)
    parser = _parser(kind, options, following, groups)
    try:
        read = parser(_last_of_each(typed, options), exit_on_error=False, print_error=False, help_on_error=False)
    except cyclopts.CycloptsError as mistake:
        _refuse(mistake, options)
    if read is None:  # --help was printed
        raise SystemExit(0)
    try:
        return with_values(kind, {**following, **read})
    except ValueError as mistake:  # what one of the dataclasses raised, which names the flag itself
        raise UsageError(str(mistake)) from None


def no_such_flag(typed: str, flags: Collection[str]) -> str:
    """What to say of a flag that there is not, with the closest of those that there are."""
    close = difflib.get_close_matches(typed.replace("_", "-").lower(), [*flags, "--help"], n=1)
    return f"There is no flag {shown(typed)}" + (f"; did you mean {close[0]}?" if close else ": --help lists them all.")


def _parser(
    kind: type, options: Mapping[str, Option], following: Mapping[str, Any], groups: Sequence[Group]
) -> cyclopts.App:
    """A parser that returns the options that were typed, by name: they are made the parameters of a function."""
    group_of = {
        name: cyclopts.Group(group["title"], help=group["slides"], sort_key=place)
        for place, group in enumerate(groups)
        for name in group["flags"].split()
    }
    grouped = [options[name] for name in group_of if name in options]
    parameters = []
    for option in [*grouped, *(each for each in options.values() if each.name not in group_of)]:
        title, texts = _documentation(option.owner)
        default = following.get(option.name, option.value)
        own = cyclopts.Group("Flags" if option.owner is kind else title, sort_key=len(groups))
        parameter = cyclopts.Parameter(
            help=texts.get(option.name),
            group=group_of.get(option.name, own),
            negative=() if ONLY_ON in option.marks else None,
            count=COUNTED in option.marks,
            allow_repeating=option.type is bool or None,  # on and off: the last one counts
            converter=None if option.type is bool or COUNTED in option.marks else _convert,
            show_default=default not in (None, "", ()) and _as_text,
        )
        place = inspect.Parameter.POSITIONAL_ONLY if POSITIONAL in option.marks else inspect.Parameter.KEYWORD_ONLY
        kind_of_value = option.type if default is not None else option.type | None
        annotation: Any = Annotated[kind_of_value, parameter]
        parameters.append(inspect.Parameter(option.name, place, default=default, annotation=annotation))

    def collect(*positional: Any, **values: Any) -> dict[str, Any]:
        names = [name for name, option in options.items() if POSITIONAL in option.marks]
        return dict(zip(names, positional, strict=False)) | values

    collect.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # which Python documents
    by_place = [f"[{option.name.upper()}...]" for option in options.values() if POSITIONAL in option.marks]
    app = cyclopts.App(
        help=inspect.getdoc(kind),
        usage=" ".join(["Usage: python", Path(sys.argv[0]).name, "[flags]", *by_place]),
        help_flags=["--help", "-h"],
        version_flags=[],
        default_parameter=cyclopts.Parameter(negative_iterable=(), consume_multiple=(1, None)),
        result_action="return_value",
    )
    app["--help"].group = ""
    app.default(collect)
    return app


@cache
def _documentation(owner: type) -> tuple[str, dict[str, str | None]]:
    """The first sentence of a dataclass's documentation, and what it says of each field."""
    about = docstring_parser.parse_from_object(owner)
    return about.short_description or "", {each.arg_name: each.description for each in about.params}


def _convert(kind: Any, tokens: Sequence[cyclopts.Token]) -> Any:
    """What was typed, as the option's type; a ValueError if it is none. 1.5 is no whole number."""
    if get_origin(kind) is tuple:
        return tuple(_convert(get_args(kind)[0], [token]) for token in tokens)
    if get_origin(kind) is Literal:
        if tokens[0].value not in get_args(kind):
            raise ValueError
        return tokens[0].value
    return kind(tokens[0].value)


def _as_text(value: Any) -> str:
    """A default as it would be typed."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _last_of_each(typed: Sequence[tuple[str, Sequence[str]]], options: Mapping[str, Option]) -> list[str]:
    """The arguments, but for flags that are typed again later: the last one counts."""
    counted = {option.flag for option in options.values() if COUNTED in option.marks}
    last = {flag: place for place, (flag, _) in enumerate(typed)}
    kept = [each for place, each in enumerate(typed) if last[each[0]] == place or each[0] in counted]
    arguments = []
    for flag, values in kept:
        several = len(values) != 1 or not flag  # what follows "=" is a value, whatever it begins with
        arguments += ([flag] if flag else []) + list(values) if several else [f"{flag}={values[0]}"]
    return arguments


def _refuse_mistakes(
    arguments: Sequence[str], typed: Sequence[tuple[str, Sequence[str]]], options: Mapping[str, Option]
) -> None:
    """Raise a UsageError for what can be told of the arguments before they are parsed."""
    may_be_empty = [option.flag for option in options.values() if option.value == ""]
    for flag, values in typed:
        for value in (flag, *values):
            if "\0" in value or value.encode(errors="ignore").decode() != value:
                raise UsageError(
                    f"{shown(ascii(flag)[1:-1]) or 'The value'} must be text without NUL characters, in UTF-8, not "
                    f"{shown(ascii(value))}."
                )
        if "" in values and flag not in may_be_empty:
            raise UsageError(f"{shown(flag) or 'The value'} must not be empty; leave it out for what is the default.")
    by_flag = {flag: option for option in options.values() for flag in option.flags}
    after = [each for each in dropwhile(lambda each: each != "--", arguments) if each in by_flag]
    if after:
        raise UsageError(f"{after[0]} comes after --, where there are no flags any more; leave the -- out.")
    unknown = [flag for flag, _ in typed if flag not in ("", "--help", "-h", *by_flag)]
    if unknown:
        as_typed = {typed_flags([argument])[0][0]: argument.partition("=")[0] for argument in arguments}
        raise UsageError(" ".join(no_such_flag(as_typed[flag], by_flag) for flag in unknown))
    for flag, values in typed:
        option = by_flag.get(flag)
        if values and option is not None and (option.type is bool or COUNTED in option.marks):
            raise UsageError(f"{flag} takes no value, so leave {shown(repr(values[0]))} out; it must stand alone.")


def _refuse_several(
    typed: Sequence[tuple[str, Sequence[str]]], options: Mapping[str, Option], instead: Callable[[str], str]
) -> None:
    """Raise a UsageError for several values after a flag that takes one, with what to type instead."""
    by_flag = {option.flag: option for option in options.values()}
    for flag, values in typed:
        if len(values) > 1 and flag in by_flag and get_origin(by_flag[flag].type) is not tuple:
            hint = instead(flag)
            raise UsageError(f"{flag} takes one value, and {len(values)} follow it{f': {hint}' if hint else '.'}")


def _refuse(mistake: cyclopts.CycloptsError, options: Mapping[str, Option]) -> NoReturn:
    """Raise a UsageError for what cyclopts cannot make sense of."""
    if isinstance(mistake, cyclopts.UnusedCliTokensError):
        assert mistake.unused_tokens, "which it is about"
        value = shown(repr(mistake.unused_tokens[-1]))
        raise UsageError(f"{value} belongs to no flag: a value comes after one, as in --seed 3.")
    assert mistake.argument is not None, "which the others are about"
    option = options[mistake.argument.field_info.name]
    if isinstance(mistake, cyclopts.MissingArgumentError):
        several = get_origin(option.type) is tuple
        must = "followed by one or more values" if several else _allowed(option)
        raise UsageError(f"{option.flag} must be {must}, and nothing follows it.")
    value = " ".join(token.value for token in mistake.argument.tokens)
    close = difflib.get_close_matches(value, map(str, _choices(option)), n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    raise UsageError(f"{option.flag} must be {_allowed(option)}, not {shown(repr(value))}{hint}")


def _choices(option: Option) -> tuple[Any, ...]:
    return get_args(option.type) if get_origin(option.type) is Literal else ()


def _allowed(option: Option) -> str:
    """What may follow a flag, in words."""
    if _choices(option):
        *others, last = _choices(option)
        return f"{', '.join(others)} or {last}" if others else str(last)
    if get_origin(option.type) is tuple:
        return f"one or more {KINDS[get_args(option.type)[0].__name__].removeprefix('a ')}s"
    return KINDS[option.type.__name__]
