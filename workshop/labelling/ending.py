"""What a person wants to know in the end, in words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from workshop.records import ENOUGH_HELD_OUT, Row

NAMED = 3  # people


def what_came_of_it(
    result: Mapping[str, Any],
    rows: Sequence[Row],
    labeller: Any,
    goal: str,
    room: Counter[str] | None = None,
    in_words: str = "",
) -> list[str]:
    """What has been learned, how sure the reward model is, how consistent the person was, and what to try next.

    `result` is the run's, `rows` those of its progress, `labeller` the report on the person, and `goal` what they had
    in mind, which the environment's own reward does not tell of; "" if that is what counts. `room` is how many answers
    each of several people gave, by name, if they labelled together; it is told instead of how consistent they were.
    `in_words` is what the film of the agent shows, which is told where it has not learned what is known to be meant.
    """
    of_it = _of_the_language_model if "gold" in result else _of_the_agent
    learned, again = of_it(result, rows, goal)
    about_people = _consistency(labeller) if room is None else _who_answered(room)
    instead = [in_words] if in_words and (goal or not result["solved"]) else []
    return [learned, *instead, _sureness(rows[-1]), about_people, f"Next, {again}."]


def _of_the_agent(result: Mapping[str, Any], rows: Sequence[Row], goal: str) -> tuple[str, str]:
    again = 'ask for more answers (--comparisons), or teach it something else: --goal "spin the pole"'
    if goal:
        return f'Your agent has learned from your answers what you meant by "{goal}": watch what it does now.', again
    if result["solved"]:
        again = 'as few answers as you can (--comparisons), or something else: --goal "spin the pole"'
        return "Your agent has learned it: watch what it does now.", again
    first, last = rows[0]["true_return_mean"], rows[-1]["true_return_mean"]
    agent = "Your agent has not learned it yet: "
    return f"{agent}its true return is {last:.0f}, and was {first:.0f} before it had learned anything.", again


def _of_the_language_model(result: Mapping[str, Any], rows: Sequence[Row], goal: str) -> tuple[str, str]:
    again = "ask it something yourself: --chat"
    if goal:
        model = f'The language model has learned from your answers what you meant by "{goal}"'
        return f"{model}: read what it answers now, in samples.md.", again
    before = f"and was {result['gold_sft']:.1f} before it had learned from you"
    return f"The gold score of its answers, which is what visitors want, is {result['gold']:.1f}, {before}.", again


def _sureness(row: Row) -> str:
    n, accuracy = row.get("held_out_answers", 0), row.get("reward_model_accuracy")
    if not n or accuracy is None or accuracy != accuracy:
        return "The reward model was never tried on an answer that it had not learned from."
    text = f"The reward model foresaw {round(accuracy * n)} of the {n} of your answers that it had not learned from"
    return f"{text}: too few to be sure." if n < ENOUGH_HELD_OUT else f"{text}."


def _consistency(labeller: Any) -> str:
    same = labeller.consistent
    if same.n == 0:
        return "You were shown no pair twice, so nobody knows how consistent you were."
    return f"You were consistent in {same.count} of the {same.n} pairs that you were shown twice."


def _who_answered(room: Counter[str]) -> str:
    people = "One person" if len(room) == 1 else f"{len(room)} people"
    most = ", ".join(f"{name} ({n})" for name, n in room.most_common(NAMED))
    return f"{people} answered{', most of all' if len(room) > NAMED else ''}: {most}."
