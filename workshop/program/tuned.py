"""Settings that suit each other: defaults of flags that follow from other flags, above all from `--env`."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workshop import CARTPOLE_ID
from workshop.environments import without_module
from workshop.labelling import defaults_of_rooms
from workshop.messages import UsageError

SETTINGS = tomllib.loads(Path(__file__).with_name("tuned.toml").read_text(encoding="utf-8"))
# flags that only one kind of reward network has
ONLY = {
    "joint": ("--hidden-sizes", "--dropout", "--adaptive-weight-decay"),
    "additive": ("--prior-std", "--bump-width"),
}


def tuned_settings(typed_after: Callable[[str], str | None]) -> dict[str, Any]:
    """Defaults by field name, where they differ from those where the fields are declared; see `tuned.toml`.

    `typed_after` tells what the user typed after a flag, None if it is not there. They follow from `--env`; from
    `--reward-network`, or from a flag that only one kind of network has; from `--oracle`, `--goal` and
    `--labellers-may-join`; from `--frontload`, which is for one schedule; and, since one member cannot disagree, from
    `--ensemble-size 1`. Raises a UsageError for flags that are of different networks.
    """
    env_id = without_module(typed_after("--env") or CARTPOLE_ID)
    on_the_pole = env_id == CARTPOLE_ID
    settings: dict[str, Any] = {} if on_the_pole else SETTINGS["environments"].get(env_id, SETTINGS["usual"])
    usual = settings.get("reward_network", "additive")
    network = _network(typed_after) or usual
    if typed_after("--reward-network") is None:  # a flag's own value is no default
        settings = settings | {"reward_network": network}
    if network == "joint":
        settings = settings | SETTINGS["joint"] | (SETTINGS["joint-on-the-pole"] if on_the_pole else {})
    elif usual == "joint":
        settings = settings | SETTINGS["additive"]
    if typed_after("--oracle") in ("human", "terminal"):
        settings = settings | SETTINGS["person"] | (SETTINGS["person-on-the-pole"] if on_the_pole else {})
        settings = settings | (SETTINGS["upright"] if on_the_pole and typed_after("--goal") is None else {})
    if rooms := defaults_of_rooms(typed_after):
        settings = settings | rooms | (SETTINGS["room-on-the-pole"] if on_the_pole else {})
    if typed_after("--frontload") is not None:
        settings = settings | {"schedule": "frontloaded"}
    if typed_after("--ensemble-size") == "1":
        settings = settings | {"query": "uniform"}
    if typed_after("--comparisons-from") is not None:
        settings = settings | {"comparisons": 0}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}


def _network(typed_after: Callable[[str], str | None]) -> str | None:
    """The kind of reward network that was asked for, by its name or by a flag that only it has; None if none was."""
    asked = {kind: [flag for flag in flags if typed_after(flag) is not None] for kind, flags in ONLY.items()}
    named = typed_after("--reward-network")
    kinds = [kind for kind, flags in asked.items() if flags]
    for kind in kinds:
        if named in ONLY and kind != named:
            raise UsageError(f"{asked[kind][0]} is for --reward-network {kind}, not {named}; leave one of them out.")
    if len(kinds) > 1:
        first, second = (asked[kind][0] for kind in kinds)
        raise UsageError(f"{first} and {second} are for different kinds of --reward-network; leave one of them out.")
    return named if named in ONLY else next(iter(kinds), None)
