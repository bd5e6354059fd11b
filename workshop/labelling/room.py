"""What the server answers beside the page, where several people label together.

| request | JSON | what |
| --- | --- | --- |
| GET / | | with the room's token, which is in the address: the page to join on; with one's own: the page |
| POST /join | {"name": text} | one's own token, in the cookie; 400 for a name that cannot be, 409 for a taken one |
| GET /front | | the screen for the front of the room |
| GET /front/state | | `LabellingSession.overview`, the address to join at, who has answered how much, the true return |
| GET /joining.svg | | that address as a QR code |
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import segno
from flask import Flask, Response, abort, g

from workshop.labelling.people import NameRefusedError, NameTakenError, People
from workshop.labelling.session import LabellingSession

JOIN = {"name": lambda value: isinstance(value, str)}
DAY = 24 * 3600  # seconds: a phone whose browser was closed need not join anew


@dataclass(frozen=True)
class Room:
    """Who is in it, and the address at which one joins."""

    people: People
    address: str

    @property
    def front(self) -> str:
        """The address of the screen for the front."""
        return self.address.replace("/?", "/front?")


def add_room(app: Flask, session: LabellingSession, room: Room, cookie: str, read_name: Callable[[], str]) -> None:
    """Add to the application what is in the table above; `read_name` gives the name in a request to join."""

    @app.post("/join")
    def join() -> Response:
        if g.person:
            abort(409, f"You have joined already, as {g.person}.")
        try:
            token = room.people.join(read_name())
        except NameRefusedError as refused:
            abort(409 if isinstance(refused, NameTakenError) else 400, str(refused))
        response = Response("{}", mimetype="application/json")
        response.set_cookie(cookie, token, max_age=DAY, httponly=True, samesite="Strict")
        return response

    @app.get("/front")
    def front() -> Response:
        response = app.send_static_file("front.html")
        if not g.person:
            response.set_cookie(cookie, room.people.room, httponly=True, samesite="Strict")
        return response

    @app.get("/front/state")
    def front_state() -> dict[str, Any]:
        present = session.see(g.person or "")  # and the end waits for its farewell
        given = session.given_by()
        people = [{"name": name, "given": given[name], "here": name in present} for name in room.people.names]
        return session.overview() | {
            "address": room.address,
            "people": people,
            "true_return": session.latest_true_return,
        }

    @app.get("/joining.svg")
    def joining() -> Response:
        return Response(as_svg(room.address), mimetype="image/svg+xml")


def as_svg(address: str) -> bytes:
    """A QR code of the address, black on white whatever the page's colours, as an SVG."""
    picture = io.BytesIO()
    segno.make_qr(address).save(picture, kind="svg", xmldecl=False, omitsize=True, light="white")
    return picture.getvalue()


def as_text(address: str) -> str:
    """A QR code of the address for a terminal, half a character a square."""
    text = io.StringIO()
    segno.make_qr(address).terminal(out=text, compact=True, border=2)
    return text.getvalue()
