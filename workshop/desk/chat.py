"""`python llm.py --chat runs/…`: ask the models of a finished run questions oneself."""

import sys
import textwrap
from pathlib import Path

import numpy as np

from workshop.desk.directory import POLICY, SFT
from workshop.language import QUESTION_LENGTH, TEN_QUESTIONS, VOCABULARY, LanguageModel, as_tokens, as_words
from workshop.messages import RunError, UsageError, say

COLUMN = 38  # characters


def chat(run: Path, seed: int) -> None:
    """Read questions from standard input, a line each, and print what both models answer, side by side.

    An empty line or the end of the input is the end. Raises a UsageError where there is no trained model in the
    directory, and a RunError where one is damaged.
    """
    missing = next((name for name in (SFT, POLICY) if not (run / name).is_file()), None)
    if missing is not None:
        raise UsageError(f"--chat {run}: there is no {missing}; name the directory of a finished run with PPO or DPO.")
    models = []
    for name in (SFT, POLICY):
        try:
            models.append(LanguageModel.load(run / name))
        except Exception as problem:  # whatever zipfile and PyTorch raise for what they cannot read
            raise RunError(f"{run / name} is damaged: it is not a language model of this version.") from problem
    generator = np.random.default_rng(seed)
    say(f"Ask, for example: {as_words(TEN_QUESTIONS[0])}   An empty line ends it.")
    print(f"{'people at the desk (SFT)':{COLUMN}}  trained on comparisons")
    while True:
        if sys.stdin.isatty():
            print("> ", end="", flush=True)
        line = sys.stdin.readline().strip().lower()
        if not line:
            return
        question = _read(line)
        if isinstance(question, str):
            say(question)
            continue
        answers = [as_words(model.sample(question, generator)[0]) for model in models]
        columns = [textwrap.wrap(answer, COLUMN) or ["(says nothing)"] for answer in answers]
        for row in range(max(map(len, columns))):
            left, right = (column[row] if row < len(column) else "" for column in columns)
            print(f"{left:{COLUMN}}  {right}".rstrip(), flush=True)


def _read(line: str) -> np.ndarray | str:
    """The question's tokens, (1, 5), or what is wrong with it, in a sentence."""
    words = [*line.removesuffix("?").split(), "?"]
    unknown = [word for word in words if word not in VOCABULARY]
    if unknown:
        return f"Nobody at the desk knows the word{'s' if len(unknown) > 1 else ''} {', '.join(unknown)}."
    if len(words) != QUESTION_LENGTH:
        return f"A question has {QUESTION_LENGTH - 1} words and a question mark, such as: {as_words(TEN_QUESTIONS[0])}"
    return as_tokens([" ".join(words)], QUESTION_LENGTH)
