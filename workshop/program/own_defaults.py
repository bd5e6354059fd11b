"""What a run's options would be, had nobody typed any: defaults that follow from its environment and other flags."""

import json
from collections.abc import Callable, Mapping
from typing import Any

Tuned = Callable[[Callable[[str], str | None]], dict[str, Any]]  # as tuned_settings


def own_defaults(options: Mapping[str, Any], declared: Mapping[str, Any], tuned: Tuned) -> dict[str, Any]:
    """The defaults by which these options, as `config.json` has them, must be judged; of each option that is declared.

    `declared` are the defaults where the flags are declared, `tuned` tells those that follow from other flags. Which of
    these were typed is not on record, and need not be: one that has its default anyway changes nothing, and one that
    does not was typed. So they are taken in one after another, in the order in which `tuned` asks for them, since what
    one brings may be the default of the next.
    """
    typed: dict[str, str] = {}
    while True:
        asked: list[str] = []

        def typed_after(flag: str, asked: list[str] = asked) -> str | None:
            asked.append(flag)
            return typed.get(flag)

        defaults: dict[str, Any] = json.loads(json.dumps({**declared, **tuned(typed_after)}))  # no tuples, as there
        for flag in asked:
            name = flag.removeprefix("--").replace("-", "_")
            value = options.get(name)
            if flag not in typed and name in options and value != defaults.get(name):
                typed[flag] = " ".join(map(str, value)) if isinstance(value, list) else str(value)
                break
        else:
            return defaults
