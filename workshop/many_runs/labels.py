"""What to call groups of runs: by the flags that their users typed, as far as these are no defaults."""

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Options = Mapping[str, Any]

THE_DEFAULTS = "the defaults"
NOT_SET = "not set"
# They change nothing that is learned, so they are left unsaid unless nothing else tells two groups apart
UNSAID = ("solution", "pictures", "device", "stepping", "host", "port", "open_page", "labellers_may_join")
LONGEST_LABEL = 5000  # characters, which nobody types


@dataclass(frozen=True)
class Label:
    """What a group is called, all its flags, and whether the defaults are what it ran with."""

    text: str
    flags: str
    is_default: bool


def label_all(options: Sequence[Options], defaults: Sequence[Options]) -> list[Label]:
    """Labels, each another one, for groups with these options and, for each, these defaults.

    A group is called by those of its options that are not their defaults or, with a name that it alone has, by its
    name. Options without a known default are told where the groups differ in them.
    """
    differing = differing_names(options)
    told = [_told(each, own, differing) for each, own in zip(options, defaults, strict=True)]
    names = [_own_name(each, own) for each, own in zip(options, defaults, strict=True)]
    how_many = Counter(as_key(each.get("name")) for each in options)
    short, full, labels = [], [], []
    for each, own, which, name in zip(options, defaults, told, names, strict=True):
        said = [option for option in which if option not in UNSAID]
        short.append(name if name and how_many[as_key(name)] == 1 else _flags(each, said) or THE_DEFAULTS)
        full.append(_flags(each, which) or THE_DEFAULTS)
        all_known = own.keys() >= {"name", *which}
        labels.append(Label("", printable(full[-1]), all_known and not said))
    with_names = [f"{name}: {flags}" if name else flags for name, flags in zip(names, full, strict=True)]
    texts = _longer(_longer(short, full), with_names)
    texts = distinct(_longer(texts, _with_what_lacks(texts, options)))
    return [replace(label, text=text) for label, text in zip(labels, texts, strict=True)]


def label_by(values: Sequence[Options]) -> list[str]:
    """Labels, each another one, for groups that are told apart by these values alone."""
    return distinct([_flags(each, each) for each in values])


def differing_names(options: Sequence[Options]) -> list[str]:
    """The options in which some of these are not like the others."""
    names = list(dict.fromkeys(name for each in options for name in each))
    return [name for name in names if len({as_key(each.get(name, NOT_SET)) for each in options}) > 1]


def as_key(value: Any) -> str:
    """The same text for the same value."""
    return json.dumps(value, sort_keys=True)


def as_flag(name: str, value: Any) -> str:
    """An option as a user types it: `--fragment-length 5`, `--no-pretrain`, `--hidden-sizes 64 64`."""
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    if value in (None, "", [], NOT_SET):
        return f"without --{flag}"
    return f"--{flag} {' '.join(map(_as_typed, value)) if isinstance(value, list) else _as_typed(value)}"


def printable(text: str) -> str:
    """The text on one line, of characters that can be seen."""
    return "".join(character if character.isprintable() else "�" for character in text[:LONGEST_LABEL])


def distinct(labels: Iterable[str]) -> list[str]:
    """The labels as they can be printed, and numbered where they are the same then."""
    seen: list[str] = []
    for text in map(printable, labels):
        number = 1
        while (text if number == 1 else f"{text} ({number})") in seen:
            number += 1
        seen.append(text if number == 1 else f"{text} ({number})")
    return seen


def _as_typed(value: Any) -> str:
    if isinstance(value, str):
        return shlex.quote(value)
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _flags(options: Options, names: Iterable[str]) -> str:
    return " ".join(as_flag(name, options.get(name, NOT_SET)) for name in names)


def _told(options: Options, own: Options, differing: Sequence[str]) -> list[str]:
    """The names of the options that say what this group is, but for its name."""
    names = dict.fromkeys([*options, *(name for name in differing if name not in own)])
    return [name for name in names if name != "name" and _is_told(name, options, own, differing)]


def _is_told(name: str, options: Options, own: Options, differing: Sequence[str]) -> bool:
    return bool(options[name] != own[name]) if name in own else name in differing


def _own_name(options: Options, own: Options) -> str:
    """The name that this group was given, "" for none."""
    name = options.get("name")
    return name if isinstance(name, str) and name != own.get("name") else ""


def _longer(labels: Sequence[str], longer: Sequence[str]) -> list[str]:
    """The labels, but the longer ones in place of those that several groups have."""
    counts = Counter(labels)
    return [label if counts[label] == 1 else other for label, other in zip(labels, longer, strict=True)]


def _with_what_lacks(labels: Sequence[str], options: Sequence[Options]) -> list[str]:
    """The labels, with those options after them that a group lacks and another of the same label has."""
    longer = []
    for label, each in zip(labels, options, strict=True):
        same = [other for other, its in zip(options, labels, strict=True) if its == label]
        lacks = [name for name in differing_names(same) if name not in each]
        longer.append(f"{label}, {_flags(each, lacks)}" if lacks else label)
    return longer
