"""The labelling page's server: what it keeps, and that what it refuses changes nothing."""

import errno
import io
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

import numpy as np
import pytest
from fake_training import bar, picture_of, three_questions
from PIL import Image
from tabs import JSON, LEFT, Tab, answer

from workshop.labelling.clips import Clip
from workshop.labelling.server import LabellingServer, listen
from workshop.labelling.session import Answer, LabellingSession, Question


@pytest.fixture
def recorded() -> list[Answer]:
    return []


@pytest.fixture
def session(recorded: list[Answer]) -> LabellingSession:
    return three_questions(recorded)


@pytest.fixture
def server(session: LabellingSession) -> Iterator[LabellingServer]:
    server = LabellingServer(session)
    yield server
    server.close()


def test_closing_uses_nothing_that_is_closed_already(session: LabellingSession):
    """The thread may be woken by something else, and end, before `close` wakes it."""
    server = LabellingServer(session)
    trigger = server._server.trigger
    wake = trigger._physical_pull

    def woken_before() -> None:
        wake()
        server._thread.join(60)
        wake()

    trigger._physical_pull = woken_before
    server.close()
    assert not server._thread.is_alive()
    listen("127.0.0.1", server.port).close()  # the port is free again


@pytest.fixture
def tab(server: LabellingServer) -> Tab:
    return Tab(server)


# What is refused. "own" stands for this server's own host and port.
REFUSED: dict[str, tuple[int, str, str, str | bytes | None, dict[str, str]]] = {
    "no token": (403, "POST", "/answer", answer(), {"cookie": None, **JSON}),
    "a wrong token": (403, "POST", "/answer", answer(), {"cookie": "labelling=guess", **JSON}),
    "no token, the state": (403, "GET", "/state", None, {"cookie": None}),
    "no token, a clip": (403, "GET", "/clips/0/a.png", None, {"cookie": None}),
    "no token, the page": (403, "GET", "/", None, {"cookie": None}),
    "no token, the script": (403, "GET", "/page/page.js", None, {"cookie": None}),
    "a wrong token in the address": (403, "GET", "/?token=guess", None, {"cookie": None}),
    "a token that is not ASCII": (403, "GET", "/?token=%C3%A9", None, {"cookie": None}),
    "a foreign Host": (403, "POST", "/answer", answer(), {"Host": "evil.example", **JSON}),
    "a Host like ours": (403, "POST", "/answer", answer(), {"Host": "127.0.0.1.evil.example", **JSON}),
    "a broken Host": (403, "POST", "/answer", answer(), {"Host": "[", **JSON}),
    "a foreign Origin": (403, "POST", "/answer", answer(), {"Origin": "http://evil.example", **JSON}),
    "another port's Origin": (403, "POST", "/answer", answer(), {"Origin": "http://127.0.0.1:1", **JSON}),
    "no one's Origin": (403, "POST", "/answer", answer(), {"Origin": "null", **JSON}),
    "a foreign Origin, the state": (403, "GET", "/state", None, {"Origin": "http://evil.example"}),
    "an unknown path": (404, "GET", "/else", None, {}),
    "out of the page's folder": (404, "GET", "/page/../session.py", None, {}),
    "a pair never asked": (404, "POST", "/answer", answer(number=77), JSON),
    "a pair not shown yet": (404, "POST", "/answer", answer(number=2), JSON),
    "a clip of no question": (404, "GET", "/clips/77/a.png", None, {}),
    "a third clip": (404, "GET", "/clips/0/c.png", None, {}),
    "a plot that is not there": (404, "GET", "/plot.png", None, {}),
    "a clip of the agent that is not there": (404, "GET", "/agent.png", None, {}),
    "GET for POST": (405, "GET", "/answer", None, {}),
    "POST for GET": (405, "POST", "/state", "{}", JSON),
    "another method": (405, "DELETE", "/answer", None, {}),
    "a preflight": (405, "OPTIONS", "/answer", None, {}),
    "nothing to undo": (409, "POST", "/undo", '{"number": 0}', JSON),
    "a huge body": (413, "POST", "/answer", answer() + " " * 5000, JSON),
    "a form": (415, "POST", "/answer", "number=0&preference=0", {"Content_Type": "application/x-www-form-urlencoded"}),
    "a plain text": (415, "POST", "/answer", answer(), {"Content_Type": "text/plain"}),
    "no content type": (415, "POST", "/answer", answer(), {}),
    "no body": (400, "POST", "/answer", None, JSON),
    "half a body": (400, "POST", "/answer", answer()[:-4], JSON),
    "no Unicode": (400, "POST", "/answer", b'{"number": \xff}', JSON),
    "a list": (400, "POST", "/answer", "[0, 0, 1]", JSON),
    "a deep body": (400, "POST", "/answer", "[" * 1000, JSON),
    "a field missing": (400, "POST", "/answer", '{"number": 0, "preference": 0}', JSON),
    "a field too many": (400, "POST", "/answer", answer(undone=True), JSON),
    "a number as text": (400, "POST", "/answer", answer(number="0"), JSON),
    "a broken number": (400, "POST", "/answer", answer(number=0.0), JSON),
    "a true number": (400, "POST", "/answer", answer(number=False), JSON),
    "an endless number": (400, "POST", "/answer", '{"number": ' + "1" * 900 + ', "preference": 0}', JSON),
    "an unknown preference": (400, "POST", "/answer", answer(preference=0.7), JSON),
    "a preference as text": (400, "POST", "/answer", answer(preference="0"), JSON),
    "a true preference": (400, "POST", "/answer", answer(preference=True), JSON),
    "NaN": (400, "POST", "/answer", answer(preference=float("nan")), JSON),
    "endless seconds": (400, "POST", "/answer", answer(seconds=float("inf")), JSON),
    "overflowing seconds": (400, "POST", "/answer", answer().replace("1.5", "1e999"), JSON),
    "negative seconds": (400, "POST", "/answer", answer(seconds=-1), JSON),
    "no seconds": (400, "POST", "/answer", answer(seconds=None), JSON),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_changes_nothing(case: str, session: LabellingSession, tab: Tab, recorded: list[Answer]):
    status, method, path, body, headers = REFUSED[case]
    before = session.state()
    if case == "a huge body":
        reply_status = _status_of_huge(tab, path, body)
    else:
        reply, _ = tab.ask(method, path, body, **headers)
        reply_status = reply.status
    assert reply_status == status
    assert recorded == []
    assert session.state() == before
    assert tab.post("/answer", LEFT)[0] == 200  # and the question is still open to its answer


def _status_of_huge(tab: Tab, path: str, body: str) -> int:
    """The server answers before it has read all, so this must not insist on sending all."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {tab.cookie}", "Content-Type: application/json"]
    with socket.create_connection(("127.0.0.1", tab.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode())
        return int(connection.recv(100).split()[1])


def test_a_huge_body_in_chunks_is_refused(session: LabellingSession, tab: Tab, recorded: list[Answer]):
    session.current()
    lines = ["POST /answer HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {tab.cookie}", "Content-Type: application/json"]
    with socket.create_connection(("127.0.0.1", tab.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode())
        body = answer() + " " * 5000
        connection.sendall(f"{len(body):x}\r\n{body}\r\n0\r\n\r\n".encode())
        assert connection.recv(100).split()[1] == b"413"
    assert recorded == []


def test_a_small_body_in_chunks_is_read(tab: Tab, recorded: list[Answer]):
    tab.state()
    reply, _ = tab.ask("POST", "/answer", iter([answer().encode()]), **JSON)
    assert reply.status == 200
    assert len(recorded) == 1


def test_the_page_comes_with_a_cookie_and_safe_headers(tab: Tab):
    reply, page = tab.ask("GET", f"/?{tab.query}", cookie=None)
    assert b"<html" in page
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert tab.get("/") == page  # a reload, without the token in the address
    for path in ("/state", "/clips/0/a.png", "/page/page.js"):
        assert tab.ask("GET", path)[0].headers["Cache-Control"] == "no-store"


def test_the_own_names_are_good_with_any_port_since_ssh_may_forward_one(tab: Tab):
    for host in (f"localhost:{tab.port}", "LOCALHOST:9000", "127.0.0.1", "[::1]:9000"):
        assert tab.ask("GET", "/state", Host=host, Origin=f"http://{host}")[0].status == 200


def test_answers_are_recorded_as_given(tab: Tab, recorded: list[Answer]):
    for number, preference in enumerate([0, 1.0, 0.5]):
        assert tab.state()["question"]["number"] == number
        status, state = tab.post("/answer", {"number": number, "preference": preference, "seconds": 2 + number})
        assert status == 200
        assert state["given"] == number + 1
    assert recorded == [Answer(0, 0.0, 2.0), Answer(1, 1.0, 3.0), Answer(2, 0.5, 4.0)]
    assert state["question"] is None
    assert (state["seconds_per_answer"], state["seconds_left"]) == (3.0, 6.0)


def test_a_skipped_question_is_no_answer(session: LabellingSession, tab: Tab, recorded: list[Answer]):
    tab.state()
    _, state = tab.post("/answer", LEFT | {"preference": None})
    assert recorded == [Answer(0, None, 1.5)]
    assert (state["given"], state["skipped"], state["seconds_per_answer"]) == (0, 1, None)
    assert session.wait([0]) == {0: None}


def test_two_tabs_do_not_count_twice(server: LabellingServer, recorded: list[Answer]):
    one, other = Tab(server), Tab(server)
    assert one.state() == other.state()
    assert one.post("/answer", LEFT)[0] == 200
    assert other.post("/answer", LEFT | {"preference": 1})[0] == 409
    assert recorded == [Answer(0, 0.0, 1.5)]
    assert other.state()["question"]["number"] == 1


def test_of_many_answers_to_a_question_one_counts(tab: Tab, recorded: list[Answer]):
    tab.state()
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: tab.post("/answer", LEFT)[0], range(32)))
    assert sorted(statuses) == [200] + [409] * 31
    assert len(recorded) == 1


@pytest.mark.parametrize(("reason", "status"), [(errno.ENOSPC, 507), (errno.EIO, 500)])
def test_an_answer_that_is_not_on_disk_does_not_count(reason: int, status: int):
    failing, recorded = [True], []

    def record(answer: Answer) -> None:
        if failing[0]:
            raise OSError(reason, "no disk")
        recorded.append(answer)

    session = LabellingSession(record, 5)
    session.ask([Question(0, bar(1), bar(2))])
    with closing(LabellingServer(session)) as server:
        tab = Tab(server)
        before = tab.state()
        refused, problem = tab.post("/answer", LEFT)
        assert refused == status
        assert "no disk" in problem["error"]
        assert tab.state() == before
        failing[0] = False
        assert tab.post("/answer", LEFT)[0] == 200  # the page sends it again
        failing[0] = True
        after = tab.state()
        assert tab.post("/undo", {"number": 0})[0] == status
        assert tab.state() == after
    assert recorded == [Answer(0, 0.0, 1.5)]


def test_undo_is_recorded_and_the_question_asked_again(session: LabellingSession, tab: Tab, recorded: list[Answer]):
    before = tab.state()
    tab.post("/answer", LEFT)
    assert tab.post("/answer", LEFT | {"number": 1})[1]["undo"] == 1
    assert tab.post("/undo", {"number": 0})[0] == 409  # only the latest
    assert tab.post("/undo", {"number": 1})[1]["question"]["number"] == 1
    assert tab.post("/undo", {"number": 1})[0] == 409  # the same request, sent twice
    assert tab.post("/undo", {"number": 0})[1] == before
    assert recorded[2:] == [Answer(1, 0.0, 1.5, undone=True), Answer(0, 0.0, 1.5, undone=True)]
    assert tab.post("/answer", LEFT | {"preference": 1})[0] == 200
    assert session.wait([0]) == {0: 1.0}
    assert tab.state()["undo"] == 0  # though the trainer has it
    assert not session.revised(last=True)  # it will learn nothing any more
    assert tab.state()["undo"] is None
    assert tab.post("/undo", {"number": 0})[0] == 409


def test_a_tab_that_shows_a_later_question_may_still_answer_it(server: LabellingServer, recorded: list[Answer]):
    one, other = Tab(server), Tab(server)
    one.state()
    one.post("/answer", LEFT)  # shows question 1 in both
    other.post("/undo", {"number": 0})
    assert one.post("/answer", LEFT | {"number": 1})[0] == 200
    assert one.state()["question"]["number"] == 0


def test_the_story_is_shown_and_the_true_return_only_if_allowed(session: LabellingSession, tab: Tab):
    plot = picture_of("plot")
    session.tell("training", 0.25)
    session.show(plot, bar(3), true_return=150.0)
    state = tab.state()
    assert (state["doing"], state["share"], state["story"], state["true_return"]) == ("training", 0.25, 1, None)
    assert tab.get("/plot.png") == plot
    assert Image.open(io.BytesIO(tab.get("/agent.png"))).format == "PNG"
    open_session = LabellingSession(print, 5, show_true_return=True)
    open_session.show(None, None, true_return=150.0)
    assert open_session.state()["true_return"] == 150.0


def test_the_end_is_told_with_its_report_in_order(session: LabellingSession, tab: Tab):
    tab.state()
    assert not session.wait_for_farewell(0.01)
    report = {"z": "1", "a": "2"}
    session.finish(report)
    state = tab.state()
    assert (state["finished"], state["question"], list(state["report"].items())) == (True, None, list(report.items()))
    assert tab.post("/answer", LEFT)[0] == 404
    assert not session.wait_for_farewell(0.01)
    assert tab.post("/farewell", {})[0] == 200
    assert session.wait_for_farewell(0.01)


def test_each_server_has_its_own_token_and_frees_its_port(session: LabellingSession):
    first, second = LabellingServer(session), LabellingServer(session)
    tokens = {urlsplit(server.address).query for server in (first, second)}
    assert len(tokens) == 2
    assert all(len(token) >= len("token=") + 32 for token in tokens)
    with pytest.raises(OSError, match=r"."):
        LabellingServer(session, port=first.port)
    reply, _ = Tab(first).ask("GET", f"/?{urlsplit(second.address).query}", cookie=None)
    assert reply.status == 403
    first.close()
    second.close()
    LabellingServer(session, port=first.port).close()


def test_on_all_addresses_it_goes_by_the_machines_names_but_no_others(session: LabellingSession):
    with closing(LabellingServer(session, host="0.0.0.0")) as server:
        tab = Tab(server)
        assert urlsplit(server.address).hostname != "0.0.0.0"
        for host in (urlsplit(server.address).netloc, socket.gethostname(), "localhost"):
            assert tab.ask("GET", "/state", Host=host)[0].status == 200
        assert tab.ask("GET", "/state", Host="evil.example")[0].status == 403


def test_a_sheet_holds_every_frame_where_the_page_looks_for_it(tab: Tab, session: LabellingSession):
    generator = np.random.default_rng(0)
    for count, height, width in ((1, 5, 9), (7, 12, 18), (20, 30, 10)):
        clip = Clip(generator.integers(0, 256, (count, height, width, 3), dtype=np.uint8), 50.0)
        sheet = np.array(Image.open(io.BytesIO(clip.sheet)))
        for index, frame in enumerate(clip.frames):
            top, left = index // clip.columns * height, index % clip.columns * width
            assert (sheet[top : top + height, left : left + width] == frame).all()
    served = Image.open(io.BytesIO(tab.get("/clips/1/b.png")))
    assert (np.array(served) == np.array(Image.open(io.BytesIO(session.clip(1, "b").sheet)))).all()


def test_what_is_judged_by_is_asked_for_once_where_nobody_has_said(recorded: list[Answer]):
    session = LabellingSession(recorded.append, 5, needs_goal=True)
    with closing(LabellingServer(session)) as server:
        tab = Tab(server)
        assert (tab.state()["needs_goal"], tab.state()["goal"]) == (True, "")
        for bad in ("", "   ", "x" * 201, 3):
            assert tab.post("/goal", {"goal": bad})[0] == 400
        status, state = tab.post("/goal", {"goal": " spin  the pole "})
        assert (status, state["goal"], state["needs_goal"]) == (200, "spin the pole", False)
        assert tab.post("/goal", {"goal": "something else"})[1]["goal"] == "spin the pole"
