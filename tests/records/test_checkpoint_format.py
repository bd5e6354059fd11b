"""A checkpoint that holds something else than before has another number for its format."""

from pathlib import Path
from typing import Any

from workshop.records.checkpoint import FORMAT, Checkpoints

# Whoever changes what is held raises FORMAT, and writes both down here: else a run that was stopped before the change
# would be called damaged after it, in place of one of another version
HELD_BY = 11
HELD = {
    "agent": "generator global_generators num_timesteps optimizer policy updates",
    "run": "comparisons rows",
    "reward_model": "counts dropout_generator fits generator gradient_steps networks normaliser optimizer outputs",
    "oracle": "generator",
    "questions": "_iteration _iterations_since _judged_with _lowest_loss _may_ask ahead answered generator skipped "
    "stopped",
    "report": "alarm evaluator first_actions first_seen last lengths seconds seeds tensorboard true_returns",
    "report/alarm": "_advice _best _called _fallen _in _late _means _of _suspicious _taken_back _untaught raised",
}


def names(state: dict[str, Any]) -> str:
    return " ".join(sorted(state))


def test_what_is_held_has_not_changed_without_its_number(interrupted: Path):
    state, _ = Checkpoints(interrupted).load()
    held = {part: names(values) for part, values in state.items()} | {"report/alarm": names(state["report"]["alarm"])}
    assert (FORMAT, held) == (HELD_BY, HELD)
