"""Who has joined a room that labels together: on the disk before they are told, and known again after a kill."""

import hashlib
import json
import secrets
import threading
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from workshop.messages import RunError
from workshop.safe_files import append_safely, write_safely

PEOPLE = "people.jsonl"
LONGEST = 40  # characters of a name
MOST = 300  # people
MOST_AHEAD = 40  # questions


class NameRefusedError(ValueError):
    """Nobody can join by this name; the text says why, in a sentence."""


class NameTakenError(NameRefusedError):
    """Somebody else has joined by it."""


class Key(msgspec.Struct, frozen=True):
    """The first line of the file: the key to the room, which everybody in it sees."""

    room: str


class Person(msgspec.Struct, frozen=True):
    """Each other line: a name, the SHA-256 of that person's own token, how many questions had been asked, and when."""

    name: str
    token: str
    asked: int
    time: str


class People:
    """Who is in the room of the run in `directory`; what it lets them do is decided by a token of each one's own.

    `asked` tells how many questions the run has asked so far; in one that goes on, at least `on_record` were.

    | attribute | what |
    | --- | --- |
    | room | the token with which one may join and look on |
    | names | of all who have joined, in that order |

    Raises a RunError if the file cannot be read.
    """

    def __init__(self, directory: Path, asked: Callable[[], int], on_record: int = 0):
        self._path, self._asked, self._on_record = directory / PEOPLE, asked, on_record
        self._lock = threading.Lock()
        if not self._path.exists():
            first = Key(secrets.token_urlsafe(12))
            write_safely(self._path, lambda stream: stream.write(msgspec.json.encode(first) + b"\n"))
        self._people: dict[str, Person] = {}  # by the token's SHA-256
        self.room = self._read()

    def _read(self) -> str:
        """Take in the file, but for what a kill cut off at its end, which nobody was told of; the room's token."""
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            write_safely(self._path, lambda stream: stream.write(whole))
        try:
            first, *others = whole.splitlines()
            room = msgspec.json.decode(first, type=Key).room
            people = [msgspec.json.decode(line, type=Person) for line in others]
        except ValueError as problem:  # msgspec's errors are such
            raise RunError(f"{self._path} is damaged, so that nobody is known who has joined.") from problem
        self._people = {person.token: person for person in people}
        return room

    @property
    def names(self) -> list[str]:
        """Of all who have joined, in that order."""
        return [person.name for person in list(self._people.values())]

    def join(self, name: str) -> str:
        """Let somebody join by this name; their own token, once that is on the disk.

        Raises a NameRefusedError, or an OSError if the disk is full, say.
        """
        name = unicodedata.normalize("NFC", name.strip(" "))
        with self._lock:
            self._refuse(name)
            token = secrets.token_urlsafe(24)
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            person = Person(name, _hash(token), max(self._asked(), self._on_record), now)
            append_safely(self._path, json.dumps(msgspec.to_builtins(person)).encode() + b"\n")
            self._people[person.token] = person
            return token

    def _refuse(self, name: str) -> None:
        if not name:
            raise NameRefusedError("Say what you are called: a name needs at least one character.")
        if len(name) > LONGEST:
            raise NameRefusedError(f"That name is too long: it has {len(name)} characters, and {LONGEST} fit.")
        if not name.isprintable():
            raise NameRefusedError("A name is made of characters that can be seen, without tabs and ends of lines.")
        if name.casefold() in (other.casefold() for other in self.names):
            raise NameTakenError("Somebody here has that name already; choose another one.")
        if len(self._people) >= MOST:
            raise NameRefusedError(f"The room is full: {MOST} people have joined.")

    def who(self, token: str) -> str | None:
        """The name of the person with this token; None if nobody has it."""
        person = self._people.get(_hash(token))
        return None if person is None else person.name

    def ahead(self, least: int) -> int:
        """How many questions to ask ahead, at least so many: one for each person, within reason.

        Who joins counts from the next question on. So which questions are asked follows from the files alone, and a run
        that goes on asks the same again.
        """
        asked = self._asked()
        with self._lock:  # who is joining right now has read how many were asked
            joined = sum(person.asked < asked for person in self._people.values())
        return max(least, min(MOST_AHEAD, joined))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
