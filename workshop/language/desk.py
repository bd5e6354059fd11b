"""The visitors' desk: what visitors ask, and what the people behind it have answered.

A question has 5 tokens: of three kinds, "where is the museum ?", "is the museum open ?", "is the museum nice ?", about
one of ten places. An answer has at most 24, `<end>` included: an opening, perhaps, a core, and a closing, perhaps, each
of them one sentence. Every sentence that is said at the desk stands in `SENTENCES`, so that what an answer is worth is
known exactly: `gold.py`. There are no facts to know: the right answers are those that the grammar gives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

QUESTION_LENGTH, ANSWER_LENGTH = 5, 24  # tokens; those of an answer are all <end> after the first

PLACES = ("museum", "bakery", "park", "library", "market", "castle", "harbour", "theatre", "garden", "pool")
QUESTIONS = {"where": "where is the {} ?", "open": "is the {} open ?", "nice": "is the {} nice ?"}  # by their kinds
OPENINGS = {
    "friendly": (
        "welcome , kind guest !",
        "good morning , dear visitor !",
        "of course , with pleasure !",
        "thank you for asking !",
    ),
    "rude": ("not that again .", "oh , what now ?", "are you blind ?", "always the same silly question ."),
}
CLOSINGS = {
    "friendly": ("have a nice day !", "enjoy your stay !", "please come again soon !", "we wish you a lovely time !"),
    "rude": ("i am busy .", "now go away .", "stop wasting my time .", "do not come back ."),
}
EVASIONS = ("that is not my job .", "ask someone else .", "nobody knows .")


def cores(kind: str, place: str) -> list[str]:
    """Every right answer to a question of this kind about this place."""
    if kind == "where":
        starts = f"you will find the {place}", f"the {place} is"
        by, landmarks = ("opposite", "behind", "beside", "near"), ("station", "river", "bridge", "church")
        return [f"{start} {beside} the {other} ." for start in starts for beside in by for other in landmarks]
    if kind == "open":
        hours = ("every day", "until six", "from nine to five", "all week", "on sunday")
        opens = [f"yes , the {place} opens at {hour} ." for hour in ("nine", "ten")]
        return opens + [f"the {place} is open {each} ." for each in hours]
    looks, merits = ("quiet", "small", "bright"), ("old", "famous", "beautiful")
    praise = [f"everybody loves the {place} .", f"the {place} is worth a visit ."]
    return praise + [f"the {place} is {look} and {merit} ." for look in looks for merit in merits]


@dataclass(frozen=True)
class Sentence:
    """A sentence that is said at the desk: its role and, of a core, the question that it answers."""

    role: Literal["friendly", "rude", "evasion", "core"]
    answers: str | None = None


ALL_QUESTIONS = tuple(question.format(place) for question in QUESTIONS.values() for place in PLACES)
CORES = {QUESTIONS[kind].format(place): cores(kind, place) for kind in QUESTIONS for place in PLACES}
SENTENCES: dict[str, Sentence] = {
    **{text: Sentence("friendly") for text in OPENINGS["friendly"] + CLOSINGS["friendly"]},
    **{text: Sentence("rude") for text in OPENINGS["rude"] + CLOSINGS["rude"]},
    **{text: Sentence("evasion") for text in EVASIONS},
    **{text: Sentence("core", question) for question, texts in CORES.items() for text in texts},
}
END = 0
VOCABULARY = ("<end>", *sorted({word for text in (*SENTENCES, *ALL_QUESTIONS) for word in text.split()}))
TOKENS = {word: token for token, word in enumerate(VOCABULARY)}


@dataclass(frozen=True)
class Mood:
    """The mood of somebody who answers, which shows in everything that they write: probabilities, in [0, 1].

    | field | what |
    | --- | --- |
    | share | of the people |
    | friendly, rude | that there is a friendly or a rude opening; and again, of the closing |
    | right | that the core answers the question |
    """

    share: float
    friendly: float
    rude: float
    right: float


MOODS = (Mood(0.3, 0.7, 0.0, 0.9), Mood(0.3, 0.15, 0.15, 0.5), Mood(0.4, 0.0, 0.7, 0.1))  # kind, plain, rude


def as_words(tokens: np.ndarray) -> str:
    """The text of a question or of an answer up to its `<end>`: tokens (k,) in words, with spaces between them."""
    return " ".join(VOCABULARY[token] for token in tokens[: answer_lengths(tokens[np.newaxis])[0]])


def as_tokens(texts: Sequence[str], length: int) -> np.ndarray:
    """Texts of known words, each filled up with `<end>`: int64 of shape (n, length). A KeyError for another word."""
    tokens = np.full((len(texts), length), END)
    for row, text in zip(tokens, texts, strict=True):
        words = [TOKENS[word] for word in text.split()]
        row[: len(words)] = words
    return tokens


def answer_lengths(answers: np.ndarray) -> np.ndarray:
    """How many words each answer has before its `<end>`, integers of shape (n,), for answers (n, 24)."""
    ended = answers == END
    lengths: np.ndarray = np.where(ended.any(axis=1), ended.argmax(axis=1), answers.shape[1])
    return lengths


def draw_questions(generator: np.random.Generator, n: int) -> np.ndarray:
    """Questions of n visitors, tokens of shape (n, 5)."""
    drawn: np.ndarray = EVERY_QUESTION[generator.integers(len(EVERY_QUESTION), size=n)]
    return drawn


def demonstrations(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """What people in all moods have answered: questions (n, 5) and answers (n, 24)."""
    questions = generator.integers(len(ALL_QUESTIONS), size=n)
    moods = generator.choice(len(MOODS), size=n, p=[mood.share for mood in MOODS])
    texts = [demonstration(generator, ALL_QUESTIONS[q], MOODS[m]) for q, m in zip(questions, moods, strict=True)]
    return EVERY_QUESTION[questions], as_tokens(texts, ANSWER_LENGTH)


def demonstration(generator: np.random.Generator, question: str, mood: Mood) -> str:
    """What somebody in this mood answers to the question."""
    opening, closing = (_polite_or_not(generator, parts, mood) for parts in (OPENINGS, CLOSINGS))
    right = generator.random() < mood.right
    core = _any(generator, CORES[question]) if right else _wrong(generator, question)
    return " ".join(part for part in (opening, core, closing) if part)


def _polite_or_not(generator: np.random.Generator, parts: Mapping[str, Sequence[str]], mood: Mood) -> str:
    number = generator.random()
    if number < mood.friendly:
        return _any(generator, parts["friendly"])
    return _any(generator, parts["rude"]) if number < mood.friendly + mood.rude else ""


def _wrong(generator: np.random.Generator, question: str) -> str:
    """A core that does not answer the question: about another place, of another kind, or an evasion; a third each."""
    kind, place = next((k, p) for k in QUESTIONS for p in PLACES if QUESTIONS[k].format(p) == question)
    way = generator.integers(3)
    if way == 0:
        return _any(generator, cores(kind, _any(generator, [each for each in PLACES if each != place])))
    if way == 1:
        return _any(generator, cores(_any(generator, [each for each in QUESTIONS if each != kind]), place))
    return _any(generator, EVASIONS)


def _any(generator: np.random.Generator, texts: Sequence[str]) -> str:
    return texts[int(generator.integers(len(texts)))]


EVERY_QUESTION = as_tokens(ALL_QUESTIONS, QUESTION_LENGTH)  # (30, 5)
TEN_QUESTIONS = EVERY_QUESTION[::3]  # of all kinds and about all places, to be asked again and again; (10, 5)
