"""Recorded comparisons written for other tools, without the true rewards, which are not what anybody answered."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from operator import methodcaller
from pathlib import Path
from typing import Any

from workshop.messages import UsageError, say
from workshop.records.comparisons_from import Arrays, RecordedComparisons, read_records
from workshop.safe_files import write_safely

PAIRS, TIES = "comparisons.jsonl", "ties.jsonl"
README, README_OF_TEXTS = (Path(__file__).with_name(name) for name in ("exported.md", "exported_texts.md"))

# The id of an environment, and the arrays of n fragments: what each was asked and what it says, or None if neither
InWords = Callable[[str, Arrays], tuple[list[str], list[str]] | None]


def export(paths: Sequence[Path], output: Path, in_words: InWords = lambda env_id, arrays: None) -> None:
    """Write the answers of the runs at or below these paths to `output`, and say how many they are.

    Fragments that `in_words` has words for are written as texts, with their question beside them. The same runs give
    the same bytes. Raises a UsageError if the directory is not empty or cannot be written, for whatever `read_records`
    refuses, and for two runs of the same name; nothing is written then.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"--output {output} is there already and not an empty directory; name another.")
    recorded = read_records(paths)
    names = [run.resolve().name for run in recorded.runs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"Two of the runs are called {twice[0]}; rename one, so that they can be told apart.")
    texts = [in_words(recorded.env_id, each) for each in (recorded.fragments_a, recorded.fragments_b)]
    pairs, ties = _rows(recorded, names, texts)
    if not pairs:
        raise UsageError(f'All {len(ties)} answers are "equally good", so that there is no chosen fragment to export.')
    counts = (
        f"{len(pairs)} pairs and {len(ties)} ties, from {len(names)} run{'s' * (len(names) > 1)}; left out: "
        f"{recorded.skipped} skipped, {recorded.undone} undone, {len(recorded.repeats.again)} asked a second time."
    )
    template = README if None in texts else README_OF_TEXTS
    files = {PAIRS: _as_lines(pairs), "README.md": _readme(template, recorded, pairs, ties, counts)}
    if ties:
        files[TIES] = _as_lines(ties)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(f"--output {output} cannot be written: {problem.strerror}.") from problem
    try:
        for name, text in files.items():
            write_safely(output / name, methodcaller("write", text.encode()))
    except OSError:  # the disk is full, say: an export is whole or none
        for name in files:
            (output / name).unlink(missing_ok=True)
        raise
    say(f"Written to {output}: {counts}")


Rows = list[dict[str, Any]]


def _rows(recorded: RecordedComparisons, names: Sequence[str], texts: Sequence[Any]) -> tuple[Rows, Rows]:
    """What goes on the lines of the pairs and of the ties."""
    pairs, ties = [], []
    for i, preference in enumerate(recorded.preferences):
        prompt, (a, b) = {}, (_fragment(each, i) for each in (recorded.fragments_a, recorded.fragments_b))
        if None not in texts:
            prompt, (a, b) = {"prompt": texts[0][0][i]}, (said[i] for _, said in texts)
        about = {
            "labeller": recorded.labellers[i],
            "comparison": int(recorded.numbers[i]),
            "run": names[recorded.run_of[i]],
        }
        if preference == 0.5:
            ties.append({**prompt, "a": a, "b": b} | about)
        else:
            chosen, rejected = (a, b) if preference == 0 else (b, a)
            pairs.append({**prompt, "chosen": chosen, "rejected": rejected} | about)
    return pairs, ties


def _fragment(fragments: Arrays, i: int) -> dict[str, list[Any]]:
    return {name: fragments[name][i].tolist() for name in ("observations", "actions")}


def _as_lines(rows: Rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _readme(template: Path, recorded: RecordedComparisons, pairs: Rows, ties: Rows, counts: str) -> str:
    strict, equal = (Counter(row["labeller"] for row in rows) for rows in (pairs, ties))
    table = []
    for name in sorted(strict | equal):
        shown = name.replace("|", "\\|")
        table.append(f"| {shown} | {strict[name]} | {equal[name]} |")
    configs = {"default": PAIRS} | ({"ties": TIES} if ties else {})  # the datasets library's way to keep files apart
    front_matter = "".join(f"- config_name: {name}\n  data_files: {file}\n" for name, file in configs.items())
    return template.read_text(encoding="utf-8").format(
        front_matter=f"---\nconfigs:\n{front_matter}---\n",
        env_id=recorded.env_id,
        length=recorded.fragment_length,
        counts=counts,
        labellers="\n".join(table),
        pairs_file=PAIRS,
        ties_file=TIES,
        observations=_entry(recorded.fragments_a["observations"]),
        actions=_entry(recorded.fragments_a["actions"]),
    )


def _entry(values: Any) -> str:
    """What one step has of an array (n, L, …), in words."""
    shape = values.shape[2:]
    if not shape:
        return f"a number each, {values.dtype}"
    return f"{' by '.join(map(str, shape))} number{'s' * (shape != (1,))} each, {values.dtype}"
