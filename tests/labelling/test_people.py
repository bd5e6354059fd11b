"""Who is in a room: names, tokens, and how many questions are asked ahead for them."""

import json
from pathlib import Path

import pytest

from workshop.labelling.people import MOST_AHEAD, PEOPLE, NameRefusedError, NameTakenError, People
from workshop.messages import RunError


def people_in(path: Path, asked: int = 0, on_record: int = 0) -> People:
    return People(path, lambda: asked, on_record)


def test_who_has_joined_is_known_by_a_token_of_their_own_also_after_a_kill(tmp_path: Path):
    people = people_in(tmp_path)
    ada, bob = people.join("Ada"), people.join(" Bob ")
    assert (people.who(ada), people.who(bob), people.who("")) == ("Ada", "Bob", None)
    assert people.who(people.room) is None
    again = people_in(tmp_path)
    assert (again.room, again.names, again.who(ada)) == (people.room, ["Ada", "Bob"], "Ada")
    assert ada not in (tmp_path / PEOPLE).read_text()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "at least one character"),
        ("   ", "at least one character"),
        ("x" * 41, "41 characters, and 40 fit"),
        ("A\tB", "can be seen"),
        ("A\nB", "can be seen"),
        ("A\u202eB", "can be seen"),
        ("A\u200bda", "can be seen"),
        ("A\ud800", "can be seen"),
        ("Ada", "has that name already"),
        ("ADA ", "has that name already"),
        ("Ame\u0301lie", "has that name already"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_a_sentence(tmp_path: Path, name: str, why: str):
    people = people_in(tmp_path)
    people.join("Ada"), people.join("Amélie")
    before = (tmp_path / PEOPLE).read_bytes()
    with pytest.raises(NameRefusedError, match=why) as refused:
        people.join(name)
    assert isinstance(refused.value, NameTakenError) == ("already" in why)
    assert (tmp_path / PEOPLE).read_bytes() == before


def test_other_languages_have_names_too(tmp_path: Path):
    names = ["Żółć", "李雷", "محمد", "Mary Ann O'Neil", "x" * 40]
    people = people_in(tmp_path)
    assert [people.who(people.join(name)) for name in names] == names


def test_a_line_that_a_kill_cut_off_was_told_to_nobody_and_is_dropped(tmp_path: Path):
    people_in(tmp_path).join("Ada")
    whole = (tmp_path / PEOPLE).read_bytes()
    for end in range(len(whole) - 1):
        (tmp_path / PEOPLE).write_bytes(whole + whole[:end].replace(b"\n", b" "))
        assert people_in(tmp_path).names == ["Ada"]
        assert (tmp_path / PEOPLE).read_bytes() == whole


@pytest.mark.parametrize("content", [b"", b"[]\n", b'{"room": 3}\n', b'{"room": "a"}\n{"name": "Ada"}\n', b"\xff\n"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes):
    (tmp_path / PEOPLE).write_bytes(content)
    with pytest.raises(RunError, match=r"people\.jsonl is damaged"):
        people_in(tmp_path)


def test_one_question_ahead_for_each_person_who_joined_before_the_last_one_was_asked(tmp_path: Path):
    asked = 0
    people = People(tmp_path, lambda: asked)
    people.join("Ada"), people.join("Bob"), people.join("Cem")
    assert people.ahead(2) == 2
    asked = 3
    assert people.ahead(2) == 3
    people.join("Dan")
    assert people.ahead(2) == 3  # as a run that goes on would find it, which asks the same questions again
    asked = 4
    assert people.ahead(2) == 4
    for number in range(2 * MOST_AHEAD):
        people.join(str(number))
    asked = 5
    assert people.ahead(2) == MOST_AHEAD


def test_who_joins_while_a_run_catches_up_with_its_record_changes_nothing_in_it(tmp_path: Path):
    people_in(tmp_path, asked=1).join("Ada")
    asked = 2
    again = People(tmp_path, lambda: asked, on_record=7)
    for name in ("Bob", "Cem"):
        again.join(name)
    counts = []
    for now in range(9):
        asked = now
        counts.append(again.ahead(0))
    assert counts == [0, 0, 1, 1, 1, 1, 1, 1, 3]
    assert [json.loads(line).get("asked") for line in (tmp_path / PEOPLE).read_text().splitlines()] == [None, 1, 7, 7]
