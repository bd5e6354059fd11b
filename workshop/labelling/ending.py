"""What a person wants to know in the end, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from workshop.records import Row

FEW = 10  # held-out answers, of which a share says little


def what_came_of_it(result: Mapping[str, Any], rows: Sequence[Row], labeller: Any, goal: str) -> list[str]:
    """What the agent does now, how sure the reward model is, how consistent the person was, and what to try next.

    `result` is the run's, `rows` those of its progress, `labeller` the report on the person, and `goal` what they had
    in mind, which the environment's own reward does not tell of; "" if that is what counts.
    """
    again = 'ask for more answers (--comparisons), or teach it something else: --goal "spin the pole"'
    if goal:
        agent = f'Your agent has learned from your answers what you meant by "{goal}": watch what it does now.'
    elif result["solved"]:
        agent = "Your agent has learned it: watch what it does now."
        again = 'as few answers as you can (--comparisons), or something else: --goal "spin the pole"'
    else:
        first, last = rows[0]["true_return_mean"], rows[-1]["true_return_mean"]
        agent = "Your agent has not learned it yet: "
        agent += f"its true return is {last:.0f}, and was {first:.0f} before it had learned anything."
    return [agent, _sureness(rows[-1]), _consistency(labeller), f"Next, {again}."]


def _sureness(row: Row) -> str:
    n, accuracy = row.get("held_out_answers", 0), row.get("reward_model_accuracy")
    if not n or accuracy is None or accuracy != accuracy:
        return "The reward model was never tried on an answer that it had not learned from."
    text = f"The reward model foresaw {round(accuracy * n)} of the {n} of your answers that it had not learned from"
    return f"{text}: too few to be sure." if n < FEW else f"{text}."


def _consistency(labeller: Any) -> str:
    same = labeller.consistent
    if same.n == 0:
        return "You were shown no pair twice, so nobody knows how consistent you were."
    return f"You were consistent in {same.count} of the {same.n} pairs that you were shown twice."
