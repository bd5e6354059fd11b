"""Settings that suit each other: defaults of flags that follow from other flags, above all from `--env`."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workshop import CARTPOLE_ID
from workshop.environments import without_module

SETTINGS = tomllib.loads(Path(__file__).with_name("tuned.toml").read_text(encoding="utf-8"))


def tuned_settings(typed_after: Callable[[str], str | None]) -> dict[str, Any]:
    """Defaults by field name, where they differ from those where the fields are declared; see `tuned.toml`.

    `typed_after` tells what the user typed after a flag, None if it is not there. They follow from `--env`, `--preset`
    and `--reward-network`; from `--frontload`, which is for one schedule; since one member cannot disagree, from
    `--ensemble-size 1`; and since people should not wait for a fit after each answer, and may want to undo one, from
    `--oracle human`.
    """
    env_id = without_module(typed_after("--env") or CARTPOLE_ID)
    on_the_pole = env_id == CARTPOLE_ID
    settings: dict[str, Any] = {} if on_the_pole else SETTINGS["environments"].get(env_id, SETTINGS["usual"])
    if typed_after("--preset") == "few-comparisons":
        half = {} if on_the_pole else {"comparisons": settings["comparisons"] // 2}
        settings = settings | SETTINGS["few-comparisons"] | (half or SETTINGS["few-comparisons-on-the-pole"])
    if (typed_after("--reward-network") or settings.get("reward_network")) == "additive":
        settings = settings | SETTINGS["additive"]
    if typed_after("--frontload") is not None:
        settings = settings | {"schedule": "frontloaded"}
    if typed_after("--ensemble-size") == "1":
        settings = settings | {"query": "uniform"}
    if typed_after("--oracle") in ("human", "terminal"):
        settings = settings | {"comparisons_per_fit": 4}
    if typed_after("--comparisons-from") is not None:
        settings = settings | {"comparisons": 0}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
