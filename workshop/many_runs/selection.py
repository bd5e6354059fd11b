"""Which groups of a comparison are looked at, and which of them is the baseline."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workshop.many_runs.groups import Group
from workshop.many_runs.labels import THE_DEFAULTS
from workshop.messages import UsageError, shown

MOST_NAMED = 5  # groups, in a message


@dataclass(frozen=True)
class Selection:
    """What of the runs is shown.

    | field | what |
    | --- | --- |
    | baseline | the label of the group that the others are compared with |
    | only | labels, or whole words of them, of the groups that are shown; none: all |
    | group_by | the options that runs are grouped by, in place of all of them; none: all |
    | given | options that every run was given, which are not told group by group |

    Dashes before a label do not count, for they are easily taken for a flag where it is typed.
    """

    baseline: str = THE_DEFAULTS
    only: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    given: tuple[str, ...] = ()

    def find_baseline(self, groups: Sequence[Group]) -> Group | None:
        """The baseline among the groups, None if it is not there.

        Where no group is called the defaults, it is the one that ran with them under a name of its own.
        """
        exact = [group for group in groups if _is_called(group, self.baseline)]
        if not exact and self.baseline == THE_DEFAULTS:
            exact = [group for group in groups if group.is_default]
        return exact[0] if len(exact) == 1 else None

    def choose(self, groups: Sequence[Group]) -> list[Group]:
        """The groups that are shown."""
        if not self.only:
            return list(groups)
        chosen = []
        for text in self.only:
            exact = [group for group in groups if _is_called(group, text)]
            chosen += exact or [group for group in groups if _has_words(group, text)]
        return [group for group in groups if group in chosen]

    def require_all_there(self, groups: Sequence[Group]) -> None:
        """Raise a UsageError for a baseline, or a label of those that are shown, that is none of the groups'."""
        if self.baseline != THE_DEFAULTS and not any(_is_called(group, self.baseline) for group in groups):
            raise UsageError(f"--baseline {shown(self.baseline)}: no group is called so; {_named(groups)}")
        for text in self.only:
            if not any(_is_called(group, text) or _has_words(group, text) for group in groups):
                raise UsageError(f"--only {shown(text)}: no group is called so; {_named(groups)}")


def _is_called(group: Group, text: str) -> bool:
    return _in_any_order(text) in (_in_any_order(group.label), _in_any_order(group.flags))


def _in_any_order(label: str) -> list[str]:
    """The flags of a label, for whoever types them in another order."""
    return sorted(flag.lstrip("-") for flag in re.split(r" (?=--)", " ".join(label.split())))


def _has_words(group: Group, text: str) -> bool:
    words = re.escape(" ".join(text.split()).lstrip("-"))
    return any(re.search(rf"(?<![\w.-])-*{words}(?![\w.-])", each) for each in (group.label, group.flags))


def _named(groups: Iterable[Group]) -> str:
    labels = list(dict.fromkeys(group.label for group in groups))
    more = f", and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return f"there are: {'; '.join(shown(label) for label in labels[:MOST_NAMED])}{more}."
