"""A person who answers over HTTP, as the page does, without a browser; and programs with such a page."""

import http.cookiejar
import json
import os
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import Started, start_command

SMALL = ["--solution", "--oracle", "human", "--no-open-page", "--total-timesteps", "1200", "--iterations", "3"]
SMALL += ["--n-envs", "2", "--comparisons", "8", "--ask-again", "2", "--fragment-length", "5"]
SMALL += ["--labeller", "Ada", "--no-pictures"]


def in_a_hurry(program: str = "main.py") -> tuple[str, str]:
    """`python main.py`, say, which does not wait for as long as a person may want to look."""
    return (
        "-c",
        f"""
import runpy
import sys
from workshop.labelling import human
human.SECONDS_TO_LOOK = 0.1
sys.argv[0] = "{program}"
runpy.run_path("{program}", run_name="__main__")
""",
    )


class Page:
    """What the page in a browser does, without one."""

    def __init__(self, address: str):
        self.address, self.base = address, address.partition("?")[0]
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self._opener.open(address, timeout=60).read()

    def get(self, what: str) -> dict:
        return json.load(self._opener.open(f"{self.base}{what}", timeout=60))

    def state(self) -> dict:
        return self.get("state")

    def post(self, what: str, **values: float | str | None) -> dict:
        body = json.dumps(values).encode()
        request = urllib.request.Request(f"{self.base}{what}", body, {"Content-Type": "application/json"})
        return json.load(self._opener.open(request, timeout=60))


@contextmanager
def running(*arguments: str, hurry: bool = True, program: str = "main.py") -> Iterator[tuple[Started, Page, list[str]]]:
    """`python main.py …`, or another program, its page, and what it says on standard error as it comes."""
    process = start_command(*(in_a_hurry(program) if hurry else [program]), *arguments)
    said: list[str] = []
    listener = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
    listener.start()
    try:
        deadline = time.monotonic() + 300
        while not any("http://" in line for line in said) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        address = next((line.split()[-1] for line in said if "http://" in line), None)
        assert address is not None, said
        yield process, Page(address), said
    finally:
        process.kill()
        process.wait()
        listener.join()
        process.stdout.close()
        process.stderr.close()


def label(
    page: Page, until: Callable[[int], bool], answer: Callable[[int], float | None] = lambda n: n % 2
) -> list[int]:
    """Answer questions until the page is finished, or `until` says so of the number of acknowledged answers."""
    acknowledged: list[int] = []
    while not until(len(acknowledged)):
        state = page.state()
        if state["finished"]:
            page.post("farewell")
            break
        if state["question"] is None:
            time.sleep(0.02)
            continue
        number = state["question"]["number"]
        page.post("answer", number=number, preference=answer(number), seconds=1.5)
        acknowledged.append(number)
    return acknowledged


@contextmanager
def forked(start: Callable[[], object], folder: Path) -> Iterator[Page]:
    """A process that does `start` and is killed in the end, and its page; far quicker than one that begins anew."""
    said = folder / "said"
    said.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        try:
            sys.stderr = said.open("w", buffering=1)
            start()
        finally:
            os._exit(0)
    try:
        deadline = time.monotonic() + 300
        while not (said.exists() and "http://" in said.read_text()) and time.monotonic() < deadline:
            time.sleep(0.01)
        yield Page(next(line.split()[-1] for line in said.read_text().splitlines() if "http://" in line))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def lines_of(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "comparisons.jsonl").read_text(encoding="utf-8").splitlines()]
