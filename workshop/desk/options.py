"""The flags of every run of `llm.py`, and the defaults that follow from other flags."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from workshop.bounds import within
from workshop.messages import UsageError
from workshop.program import ProgramConfig

ITERATIONS = 3  # by default, as in llm.py
A_PERSONS = 50  # comparisons by default, about five minutes
# the default of --updates: DPO's are passes over all answers, and best-of-n trains nothing
UPDATES = {"dpo": 5, "best-of-n": 0}
ONLY = {  # flags that only one method has
    "ppo": ("--kl-coefficient", "--questions-each", "--answers-each", "--agent-learning-rate", "--agent-epochs",
            "--agent-minibatches", "--clip-range", "--gae-lambda", "--value-coefficient", "--max-grad-norm"),
    "best-of-n": ("--best-of",),
    "dpo": ("--dpo-beta", "--dpo-learning-rate", "--dpo-batch-size"),
}  # fmt: skip


@dataclass(frozen=True)
class LanguageRunConfig(ProgramConfig):
    """The run."""

    chat: Path | None = None
    """Train nothing; ask the SFT model and the trained one of this finished run questions yourself. A directory of
    runs, or a part of a run's name, is the newest finished one there."""
    evaluate_every: Annotated[int, within(at_least=1, at_most=1_000_000)] = 3
    """Updates between two evaluations; few, since where a policy over-optimises, its peak is early."""
    evaluation_answers: Annotated[int, within(at_least=2, at_most=100_000)] = 256
    """Answers that the policy gives in each evaluation."""


def defaults_of_methods(typed_after: Callable[[str], str | None]) -> dict[str, Any]:
    """Defaults by field name that follow from `--method`, `--oracle` and `--comparisons-from`.

    Raises a UsageError for a flag that is another method's.
    """
    method = typed_after("--method") or "ppo"
    for other, flags in ONLY.items():
        given = next((flag for flag in flags if typed_after(flag) is not None), None)
        if given is not None and other != method and method in ("ppo", *UPDATES):
            raise UsageError(f"{given} is for --method {other}, not {method}; leave one of them out.")
    if method == "best-of-n" and typed_after("--updates") not in (None, "0"):
        raise UsageError("--updates is for --method ppo or dpo: best-of-n trains nothing.")
    settings: dict[str, Any] = {"updates": UPDATES[method]} if method in UPDATES else {}
    to_share = [typed_after(flag) for flag in ("--comparisons", "--updates")]
    fewest = min([ITERATIONS, *(max(1, int(each)) for each in to_share if each and each.isdecimal())])
    if method == "best-of-n" or fewest < ITERATIONS:
        settings["iterations"] = 1 if method == "best-of-n" else fewest
    if typed_after("--oracle") in ("human", "terminal"):
        settings["comparisons"] = A_PERSONS
    return settings | ({"comparisons": 0} if typed_after("--comparisons-from") is not None else {})
