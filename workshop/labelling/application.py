"""Which requests the labelling page's server answers, and which it refuses.

| refused | status |
| --- | --- |
| no token, or a wrong one, in the cookie (or, for the page itself, in the address) | 403 |
| in a room: all but looking on and joining, with the room's token instead of one's own | 403 |
| a Host that this server does not go by: a foreign name that was made to point here | 403 |
| an Origin other than this server: another site's page in the person's browser | 403 |
| an unknown path; a question that is not being asked | 404 |
| a wrong method | 405 |
| a question that has an answer; an answer that cannot be undone | 409 |
| a body of more than 1 KiB, whether or not its length is told in advance | 413 |
| a body that is not called `application/json` | 415 |
| a body that is not JSON, or not the fields and values of the table below | 400 |
| an answer that cannot be written to disk: it is full; any other reason | 507; 500 |

| request | JSON | what |
| --- | --- | --- |
| GET / | | the page, and with the right ?token= the cookie |
| GET /page/… | | its style, script and icon |
| GET /state | | `LabellingSession.state` |
| GET /clips/N/a.png, /clips/N/b.png | | the two clips of a question, each as a sheet of its frames |
| GET /agent.png, /plot.png | | the agent's latest clip, and the learned reward's story |
| POST /answer | {"number": int, "preference": 0, 0.5, 1 or null, "seconds": ≥ 0} | then the new state |
| POST /undo | {"number": int} | then the new state |
| POST /goal | {"goal": text} | what is judged by, where nobody has said so; then the new state |
| POST /farewell | {} | the page shows the end |

In a room there are more, see `workshop.labelling.room`; whose token is in the cookie decides who answers.
"""

import errno
import hmac
import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from workshop.labelling.questions import AlreadyAnswered, CannotUndo, NotAsked
from workshop.labelling.room import JOIN, Room, add_room
from workshop.labelling.session import LabellingSession

MOST_BYTES = 1024  # of a request's body; an answer has about 60
LONGEST = 7 * 24 * 3600  # seconds that a person may take for an answer
LONGEST_GOAL = 200  # characters
NO_SPACE = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
# What the room's own token opens: to look on, and to join. A person's is needed for everything else.
LOOKING_ON = {"page", "static", "join", "front", "front_state", "joining", "agent", "plot", "farewell"}
# NaN and Infinity, which Python takes for JSON, pass none of these checks.
NUMBER = {"number": lambda value: type(value) is int}
GOAL = {"goal": lambda value: isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_GOAL}
ANSWER = NUMBER | {
    "preference": lambda value: value is None or (type(value) in (int, float) and value in (0, 0.5, 1)),
    "seconds": lambda value: type(value) in (int, float) and 0 <= value <= LONGEST,
}


def make_application(
    session: LabellingSession, token: str, cookie: str, hosts: Collection[str], room: Room | None = None
) -> Flask:
    """The application for one session.

    `token` is what a request must bring along, in a cookie of the name `cookie`; `hosts` are the names and addresses,
    in lower case and without ports, that the server goes by. In a `room` it is the room's, and each person gets one.
    """
    app = Flask(__name__, static_folder="page", static_url_path="/page")
    app.config.update(MAX_CONTENT_LENGTH=MOST_BYTES, PROVIDE_AUTOMATIC_OPTIONS=False)
    assert isinstance(app.json, DefaultJSONProvider)
    app.json.sort_keys = False  # the report has an order
    app.before_request(lambda: _refuse_strangers(token, cookie, hosts, room))
    app.after_request(_add_headers)
    app.register_error_handler(HTTPException, lambda e: _problem(e.code or 500, e.description or e.name))
    app.register_error_handler(NotAsked, lambda error: _problem(404, str(error)))
    app.register_error_handler(AlreadyAnswered, lambda error: _problem(409, str(error)))
    app.register_error_handler(CannotUndo, lambda error: _problem(409, str(error)))
    app.register_error_handler(OSError, _not_saved)
    _add_views(app, session)
    _add_actions(app, session)
    if room is not None:
        add_room(app, session, room, cookie, lambda: str(_read(JOIN)["name"]))

    @app.get("/")
    def page() -> Response:
        response = app.send_static_file("join.html" if g.person is None else "page.html")
        if not g.person:
            # Named after the port, since browsers share cookies between all ports of a host.
            response.set_cookie(cookie, token, httponly=True, samesite="Strict")
        return response

    return app


def _add_views(app: Flask, session: LabellingSession) -> None:
    @app.get("/state")
    def state() -> dict[str, Any]:
        return session.state(g.person)

    @app.get("/clips/<int:number>/<side>.png")
    def clip(number: int, side: str) -> Response:
        return _png(session.clip(number, side).sheet)

    @app.get("/agent.png")
    def agent() -> Response:
        latest = session.latest_clip
        return _png(None if latest is None else latest.sheet)

    @app.get("/plot.png")
    def plot() -> Response:
        return _png(session.plot)


def _add_actions(app: Flask, session: LabellingSession) -> None:
    @app.post("/answer")
    def answer() -> dict[str, Any]:
        session.answer(**_read(ANSWER), person=g.person)
        return session.state(g.person)

    @app.post("/undo")
    def undo() -> dict[str, Any]:
        session.undo(**_read(NUMBER), person=g.person)
        return session.state(g.person)

    @app.post("/goal")
    def goal() -> dict[str, Any]:
        session.set_goal(**_read(GOAL))
        return session.state(g.person)

    @app.post("/farewell")
    def farewell() -> dict[str, Any]:
        _read({})
        session.farewell(g.person or "")
        return {}


def _refuse_strangers(token: str, cookie: str, hosts: Collection[str], room: Room | None) -> None:
    """Refuse what does not come from the person's own page, before anything else is looked at.

    `g.person` is who asks: "" where there is but one, None for somebody who has yet to join the room.
    """
    if _host_of(f"//{request.headers.get('Host', '')}") not in hosts:
        abort(403, "This server does not go by that name.")
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() != f"http://{request.headers['Host']}".lower():
        abort(403, "Only this server's own page may ask.")
    brought = [request.cookies.get(cookie, "")]
    g.person = "" if room is None else room.people.who(brought[0])
    if g.person:
        return
    if request.path in ("/", "/front"):
        brought.append(request.args.get("token", ""))
    if not any(hmac.compare_digest(candidate.encode(), token.encode()) for candidate in brought):
        abort(403, "Open the address that the program printed: it holds the key to this page.")
    if g.person is None and request.endpoint not in LOOKING_ON:
        abort(403, "Join first: open the address on the screen.")


def _host_of(url: str) -> str | None:
    """The host in an address, in lower case and without brackets; None if there is none."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _read(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The request's JSON, with exactly these fields, each of which passes its check."""
    if request.mimetype != "application/json":
        abort(415, "The body must be application/json.")
    try:
        data = json.loads(request.get_data())
    except (ValueError, RecursionError):
        abort(400, "The body is not JSON.")
    if not isinstance(data, dict) or data.keys() != fields.keys():
        abort(400, f"The body must be an object with the fields {sorted(fields)}.")
    for name, is_good in fields.items():
        if not is_good(data[name]):
            abort(400, f"{name} has a value that cannot be.")
    return data


def _png(data: bytes | None) -> Response:
    if data is None:
        abort(404, "There is nothing to show yet.")
    return Response(data, mimetype="image/png")


def _not_saved(error: OSError) -> Response:
    status = 507 if error.errno in NO_SPACE else 500
    return _problem(status, f"The answer could not be saved: {error.strerror or error}.")


def _problem(status: int, text: str) -> Response:
    if request.path in ("/", "/front"):  # read by a person, not by the page
        return Response(text, status, mimetype="text/plain")
    return Response(json.dumps({"error": text}), status, mimetype="application/json")


def _add_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response
