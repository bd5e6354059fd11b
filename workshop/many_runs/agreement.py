"""Who agrees with whom: people who answered the same questions, pair by pair."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from workshop.messages import say
from workshop.records import ANSWERS, BrokenRecordError, RecordedComparisons, read_record

NOBODY_IN_PARTICULAR = "person"  # what labellers are called who give no --labeller
Answers = Mapping[bytes, float]  # of one labeller, by question: the preference, with the fragments in one order


def report_agreement(runs: Iterable[Path]) -> None:
    """Print a table of who agrees with whom, of the records in these run directories; what is broken is left out."""
    records = []
    for run in runs:
        if (run / ANSWERS).exists():
            try:
                records.append(read_record(run))
            except BrokenRecordError as problem:
                say(f"Left out: {problem}")
    print(as_table(agreement(records)), flush=True)


def agreement(records: Sequence[RecordedComparisons]) -> list[tuple[str, str, int, int]]:
    """For each two labellers who answered a question of the same two fragments: their names, how many, how many alike.

    A question is the same whichever fragment was shown on the left. Who is called no name is told apart by the run.
    """
    answers: dict[str, dict[bytes, float]] = {}
    for record in records:
        for i in range(len(record)):
            question, preference = _question(record, i)
            answers.setdefault(_who(record, i), {})[question] = preference
    rows = []
    for one, other in combinations(sorted(answers), 2):
        common = answers[one].keys() & answers[other].keys()
        if common:
            alike = sum(answers[one][question] == answers[other][question] for question in common)
            rows.append((one, other, len(common), alike))
    return rows


def as_table(rows: Sequence[tuple[str, str, int, int]]) -> str:
    """The agreement as Markdown, or a sentence if there is none."""
    if not rows:
        return "No two people answered the same question: the first ones are the same in runs with the same --seed."
    lines = [f"| {one} | {other} | {n} | {alike} ({alike / n:.0%}) |" for one, other, n, alike in rows]
    return "\n".join(["| labeller | labeller | same questions | same answers |", "| --- | --- | --- | --- |", *lines])


def _question(record: RecordedComparisons, i: int) -> tuple[bytes, float]:
    """What tells a question from others, and its answer, as if the fragments were shown in the order of their bytes."""
    a, b = (
        b"".join(side[name][i].tobytes() for name in ("observations", "actions"))
        for side in (record.fragments_a, record.fragments_b)
    )
    preference = float(record.preferences[i])
    kind = f"{record.env_id} {record.fragment_length} ".encode()
    return (kind + a + b, preference) if a <= b else (kind + b + a, 1 - preference)


def _who(record: RecordedComparisons, i: int) -> str:
    name = record.labellers[i]
    if name != NOBODY_IN_PARTICULAR:
        return name
    run = record.runs[int(record.run_of[i])]
    return f"{name} ({run.parent.name}/{run.name})"
