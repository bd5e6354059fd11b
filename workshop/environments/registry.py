"""Where an environment is found by its id: among Gymnasium's own, installed packages', and those of a named module."""

import difflib
import importlib
from contextlib import nullcontext
from functools import cache
from importlib.metadata import entry_points
from typing import Any

import gymnasium
from gymnasium.envs import registration
from gymnasium.envs.registration import EnvSpec, namespace

from workshop.bounds import LONGEST_NAME
from workshop.messages import UsageError, shown

PLUGINS = "gymnasium.envs"  # the entry points by which packages declare theirs; "__root__" is for no namespace
OURS = ("gymnasium.", "workshop.")


def without_module(env: str) -> str:
    """An environment's id, without the module that registers it: `One-v0` of `my_one:One-v0`."""
    return env.rpartition(":")[2]


def needs_code_of_others(env: Any) -> bool:
    """Whether more is imported than Gymnasium and the workshop to make an environment of this name."""
    known = gymnasium.registry.get(env) if isinstance(env, str) else None
    return known is None or not (isinstance(known.entry_point, str) and known.entry_point.startswith(OURS))


def find(env: str) -> EnvSpec:
    """The environment of this name, which may begin with a module that registers it, and a colon.

    The module, or installed packages that declare environments, are imported if it is not there without. Raises a
    UsageError, one sentence, if it cannot be found.
    """
    module, colon, env_id = env.rpartition(":")
    if len(env) > LONGEST_NAME:
        raise UsageError(f"--env {shown(env)}: an id has at most {LONGEST_NAME} characters.")
    if colon:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as problem:  # a module may raise anything
            raise UsageError(
                f"--env {shown(env)}: its module {shown(module)} cannot be imported ({_why(problem)}); a file of your "
                "own, such as my_module.py, goes beside main.py."
            ) from problem
    try:
        return gymnasium.spec(env_id)
    except Exception:  # of a part of an id that is wrong, each kind has its own
        failed = _import_plugins()
    try:
        return gymnasium.spec(env_id)
    except Exception as problem:
        ids = {each.lower(): each for each in gymnasium.registry}
        close = difflib.get_close_matches(env_id.lower(), ids, n=1)
        closest = ids[(close or difflib.get_close_matches(env_id.lower(), ids, n=1, cutoff=0))[0]]
        hint = f"; did you mean {closest}?" if close else f" ({_why(problem)}); the closest is {closest}."
        hint += "".join(f" (The package of {name} could not be imported: {why}.)" for name, why in failed.items())
        raise UsageError(f"--env {shown(env)}: Gymnasium knows no environment of this id{hint}") from problem


@cache
def _import_plugins() -> dict[str, str]:
    """Let installed packages register the environments that they declare; those that fail, and why."""
    failed = {}
    groups = (group for group in entry_points().groups if group == PLUGINS or group.startswith(f"{PLUGINS}."))
    for plugin in (plugin for group in sorted(groups) for plugin in entry_points(group=group)):
        space = plugin.name if plugin.group == PLUGINS else plugin.group.removeprefix(f"{PLUGINS}.")
        try:
            register = plugin.load()
            if callable(register):
                with nullcontext() if space == "__root__" else namespace(space):
                    register()
        except (Exception, SystemExit) as problem:  # a package may raise anything
            registration.current_namespace = None  # which Gymnasium leaves as it was then
            failed[plugin.value] = _why(problem)
    return failed


def _why(problem: BaseException) -> str:
    return shown(problem).rstrip(".") or type(problem).__name__
