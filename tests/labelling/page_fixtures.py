"""A browser and a page for it: the fixtures of those tests that look at the page."""

from collections.abc import Iterator

import pytest
from browser import Browser

from workshop.labelling.server import LabellingServer
from workshop.labelling.session import Answer, LabellingSession


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.driver.quit()


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    chromium.look()
    return chromium


@pytest.fixture
def recorded() -> list[Answer]:
    return []


@pytest.fixture
def session(recorded: list[Answer]) -> LabellingSession:
    return LabellingSession(recorded.append, 6)


@pytest.fixture
def server(session: LabellingSession) -> Iterator[LabellingServer]:
    server = LabellingServer(session)
    yield server
    server.close()
