"""Texts, where a person compares two answers to a question instead of two clips."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """An answer, and the question that it answers, which is shown once above the two that are compared."""

    question: str
    answer: str
