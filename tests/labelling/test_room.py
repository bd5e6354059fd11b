"""Several people who label together: what each is asked and may do, with their page's server and without."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fake_training import bar, three_questions
from tabs import JSON, LEFT, Tab

from workshop.labelling import hands
from workshop.labelling.people import People
from workshop.labelling.questions import AlreadyAnswered, Answer, CannotUndo, NotAsked, Question
from workshop.labelling.room import as_text
from workshop.labelling.server import LabellingServer
from workshop.labelling.session import LabellingSession


@pytest.fixture
def recorded() -> list[Answer]:
    return []


@pytest.fixture
def session(recorded: list[Answer]) -> LabellingSession:
    return three_questions(recorded)


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path, lambda: 0)


@pytest.fixture
def server(session: LabellingSession, people: People) -> Iterator[LabellingServer]:
    server = LabellingServer(session, people=people)
    yield server
    server.close()


def join(server: LabellingServer, name: str) -> Tab:
    tab = Tab(server)
    reply, body = tab.ask("POST", "/join", json.dumps({"name": name}), **JSON)
    assert reply.status == 200, body
    tab.cookie = reply.headers["Set-Cookie"].partition(";")[0]
    return tab


# Who is asked what


def test_each_is_asked_another_question_and_keeps_it(session: LabellingSession):
    dealt = {name: session.current(name).number for name in ("Ada", "Bob", "Cem")}
    assert dealt == {"Ada": 0, "Bob": 1, "Cem": 2}
    assert session.current("Dan") is None
    assert {name: session.current(name).number for name in dealt} == dealt


def test_nobody_answers_what_another_one_was_asked(session: LabellingSession, recorded: list[Answer]):
    session.current("Ada"), session.current("Bob")
    for name in ("Bob", "Cem", ""):
        with pytest.raises(NotAsked):
            session.answer(0, 0.0, 1.0, name)
    session.answer(0, 0.0, 1.0, "Ada")
    with pytest.raises(AlreadyAnswered):
        session.answer(0, 1.0, 1.0, "Ada")
    assert recorded == [Answer(0, 0.0, 1.0, labeller="Ada")]


def test_each_takes_back_their_own_last_answer_and_no_others(session: LabellingSession, recorded: list[Answer]):
    for name in ("Ada", "Bob"):
        session.answer(session.current(name).number, 0.0, 1.0, name)
    assert (session.state("Ada")["undo"], session.state("Bob")["undo"], session.state("Cem")["undo"]) == (0, 1, None)
    with pytest.raises(CannotUndo):
        session.undo(1, "Ada")
    session.undo(0, "Ada")  # though Bob's is later
    assert recorded[-1] == Answer(0, 0.0, 1.0, undone=True, labeller="Ada")
    assert (session.current("Ada").number, session.current("Bob")) == (0, None)
    assert session.given_by() == {"Bob": 1}


@pytest.mark.parametrize(("pause", "seen_since"), [(hands.LONG, True), (hands.AWAY, False)])
def test_what_somebody_has_had_for_long_or_left_behind_goes_to_who_has_none(
    monkeypatch: pytest.MonkeyPatch, recorded: list[Answer], pause: float, seen_since: bool
):
    now = 100.0
    monkeypatch.setattr(hands.time, "monotonic", lambda: now)
    session = LabellingSession(recorded.append, 5)
    session.ask([Question(0, bar(1), bar(2))])
    assert session.current("Ada").number == 0
    now += pause - 0.1
    if seen_since:
        session.current("Ada")
    assert session.current("Bob") is None
    now += 0.1
    assert session.current("Bob").number == 0
    assert session.current("Ada") is None
    with pytest.raises(NotAsked):
        session.answer(0, 0.0, 1.0, "Ada")
    session.answer(0, 1.0, 1.0, "Bob")
    assert session.wait([0]) == {0: 1.0}


def test_the_end_is_waited_for_until_all_who_are_there_have_seen_it(session: LabellingSession):
    session.current("Ada"), session.current("Bob"), session.see("")
    session.finish("")
    for name in ("Ada", ""):
        session.farewell(name)
        assert not session.wait_for_farewell(0.01)
    session.farewell("Bob")
    assert session.wait_for_farewell(0.01)


def test_many_at_once_answer_each_question_once(recorded: list[Answer]):
    session = LabellingSession(recorded.append, 300)
    names = [f"person {i}" for i in range(12)]

    def label(name: str) -> int:
        given = 0
        while (question := session.current(name)) is not None:
            session.answer(question.number, 1.0, 0.1, name)
            given += 1
        return given

    session.ask([Question(number, bar(1), bar(2)) for number in range(300)])
    with ThreadPoolExecutor(12) as pool:
        given = dict(zip(names, pool.map(label, names), strict=True))
    assert sorted(answer.number for answer in recorded) == list(range(300))
    assert Counter(answer.labeller for answer in recorded) == Counter(given) == session.given_by()


# The server


def test_who_has_joined_is_asked_and_answers_by_their_own_token(server: LabellingServer, recorded: list[Answer]):
    ada, bob = join(server, "Ada"), join(server, "Bob")
    assert (ada.state()["person"], ada.state()["own"], ada.state()["question"]["number"]) == ("Ada", 0, 0)
    assert bob.state()["question"]["number"] == 1
    assert bob.post("/answer", LEFT)[0] == 404  # which is Ada's
    status, state = ada.post("/answer", LEFT)
    assert (status, state["own"], state["given"], state["question"]["number"]) == (200, 1, 1, 2)
    assert bob.post("/undo", {"number": 0})[0] == 409
    assert ada.post("/undo", {"number": 0})[0] == 200
    assert [(answer.labeller, answer.undone) for answer in recorded] == [("Ada", False), ("Ada", True)]


def test_the_rooms_token_lets_one_look_on_and_join_but_not_answer(server: LabellingServer, session: LabellingSession):
    session.current("Ada")
    visitor = Tab(server)
    assert b"What are you called here?" in visitor.get("/")
    assert b"Scan to join" in visitor.get("/front")
    for path in ("/state", "/clips/0/a.png"):
        assert visitor.ask("GET", path)[0].status == 403
    for path, body in (("/answer", LEFT), ("/undo", {"number": 0}), ("/goal", {"goal": "spin"})):
        status, problem = visitor.post(path, body)
        assert (status, problem["error"]) == (403, "Join first: open the address on the screen.")
    assert visitor.ask("GET", "/", cookie=None)[0].status == 403
    assert visitor.ask("GET", "/front", cookie=None)[0].status == 403
    assert visitor.ask("POST", "/join", '{"name": "Eve"}', cookie=None, **JSON)[0].status == 403
    assert visitor.ask("GET", "/front/state", cookie=visitor.cookie[:-1])[0].status == 403


def test_names_that_cannot_be_are_refused_and_nobody_joins_twice(server: LabellingServer, people: People):
    ada, visitor = join(server, "Ada"), Tab(server)
    for name, status, why in (("", 400, "at least one"), ("x" * 41, 400, "40 fit"), ("a\x07", 400, "can be seen"),
                              ("Ada", 409, "already"), (3, 400, "cannot be")):  # fmt: skip
        refused, problem = visitor.post("/join", {"name": name})
        assert (refused, why in problem["error"]) == (status, True), problem
    status, problem = ada.post("/join", {"name": "Bob"})
    assert (status, problem["error"]) == (409, "You have joined already, as Ada.")
    assert people.names == ["Ada"]


def test_the_front_tells_who_has_answered_how_much_and_how_the_agent_does(
    server: LabellingServer, session: LabellingSession
):
    ada, _ = join(server, "Ada"), join(server, "Bob")
    ada.state(), ada.post("/answer", LEFT)
    session.show(None, bar(3), true_return=150.0)
    front = Tab(server)
    state = json.loads(front.get("/front/state"))
    assert state["people"] == [{"name": "Ada", "given": 1, "here": True}, {"name": "Bob", "given": 0, "here": False}]
    assert (state["true_return"], state["agent"]["frames"], state["address"]) == (150.0, 8, server.address)
    assert ada.state()["true_return"] is None  # who labels is not told, unless they are to be
    assert session.current("Bob").number == 2  # the front was asked nothing
    front.get("/agent.png")


def test_the_qr_code_is_drawn_here(server: LabellingServer):
    picture = ElementTree.fromstring(Tab(server).get("/joining.svg"))
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    lines = as_text(server.address).splitlines()
    assert len({len(line) for line in lines if line}) == 1
    assert set("".join(lines)) <= set(" ▀▄█")


def test_a_server_that_is_started_again_knows_everybody(session: LabellingSession, tmp_path: Path):
    first = LabellingServer(session, people=People(tmp_path, lambda: 0))
    ada, port = join(first, "Ada"), first.port
    ada.state()
    first.close()
    again = three_questions([])
    second = LabellingServer(again, port=port, people=People(tmp_path, lambda: 0))
    try:
        assert second.address == first.address
        assert ada.state()["person"] == "Ada"
        assert ada.post("/answer", LEFT)[0] == 200
    finally:
        second.close()


def test_a_pair_that_was_packed_is_served_as_it_was():
    clip = bar(1)
    packed = clip.packed()
    assert (packed.sheet, packed.columns, packed.speed, len(packed)) == (clip.sheet, clip.columns, clip.speed, 8)
    assert packed.frames.strides == (0, 0, 0, 0)  # of no memory


def test_everybody_waits_at_once_and_gets_the_next_question(session: LabellingSession):
    session.current("Ada"), session.current("Bob"), session.current("Cem")
    later = threading.Timer(0.05, session.ask, [[Question(3, bar(1), bar(2))]])
    later.start()
    while (question := session.current("Dan")) is None:
        time.sleep(0.01)
    assert question.number == 3
