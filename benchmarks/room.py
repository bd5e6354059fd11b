"""How a room labels: `python benchmarks/room.py [--people 30] [--seconds 120] [--every 2] [flags of main.py]`.

Thirty clients, threads of this one process without a browser, join a run of `main.py --labellers-may-join` and do what
the page does: they look at the state as often, fetch both clips, and answer some time after. Said are how many answers
were acknowledged, how many of those the record lacks (lost) or has twice (doubled), how long people waited for a
question, and the 95th percentile of how long a request took.
"""

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
POLL = {True: 1.5, False: 0.5}  # seconds between two looks at the state, with a question or without, as in page.js
BAR = 0.2  # seconds


class Client:
    """Somebody in the room, over one connection that is kept, as a browser's is."""

    def __init__(self, address: str, name: str):
        parts = urlsplit(address)
        self.connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        self.cookie = ""
        self.seconds: list[tuple[str, float]] = []  # of each request, with what it was for
        self.answered: dict[int, float] = {}
        self.refused, self.waited = 0, 0.0
        self.name = name
        self._keep_cookie(self.request("GET", f"/?{parts.query}")[0])
        self._keep_cookie(self.request("POST", "/join", {"name": name})[0])

    def _keep_cookie(self, reply: http.client.HTTPResponse) -> None:
        self.cookie = str(reply.headers["Set-Cookie"]).partition(";")[0]

    def request(self, method: str, path: str, body: object = None) -> tuple[http.client.HTTPResponse, bytes]:
        """A request, and its reply; how long it took is kept."""
        headers = {"Cookie": self.cookie, "Content-Type": "application/json"}
        began = time.perf_counter()
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = self.connection.getresponse()
        data = reply.read()
        self.seconds.append((path.split("?")[0].strip("/").split("/")[0] or "page", time.perf_counter() - began))
        return reply, data

    def label(self, until: float, every: float) -> None:
        """Answer until then (as `time.monotonic` has it), each question after `every` seconds, more or less."""
        generator, state = random.Random(self.name), self._look()
        while time.monotonic() < until and not state["finished"]:
            question = state["question"]
            if question is None:
                time.sleep(POLL[False])
                self.waited += POLL[False]
                state = self._look()
                continue
            number = question["number"]
            for side in "ab":
                self.request("GET", f"/clips/{number}/{side}.png")
            answered_at = time.monotonic() + every * generator.uniform(0.5, 1.5)
            while time.monotonic() + POLL[True] < answered_at:
                time.sleep(POLL[True])
                self._look()
            time.sleep(max(0.0, answered_at - time.monotonic()))
            answer = {"number": number, "preference": generator.choice([0, 1]), "seconds": every}
            reply, data = self.request("POST", "/answer", answer)
            if reply.status == 200:
                self.answered[number] = float(answer["preference"])
                state = json.loads(data)
            else:
                self.refused += 1
                state = self._look()

    def _look(self) -> Any:
        return json.loads(self.request("GET", "/state")[1])


def compare(clients: list[Client], lines: list[dict[str, Any]]) -> tuple[int, int]:
    """How many acknowledged answers the record lacks, and how many questions have more than one answer."""
    on_record = {(line["comparison"], line["labeller"], line["preference"]) for line in lines}
    given = [(number, client.name, preference) for client in clients for number, preference in client.answered.items()]
    lost = sum(answer not in on_record for answer in given)
    doubled = sum(n - 1 for n in Counter(line["comparison"] for line in lines).values())
    return lost, doubled


def tell(clients: list[Client], seconds: float, lines: list[dict[str, Any]]) -> None:
    """Say what came of it."""
    answers, refused = (sum(map(count, clients)) for count in (lambda c: len(c.answered), lambda c: c.refused))
    lost, doubled = compare(clients, lines)
    waited = sum(client.waited for client in clients) / (len(clients) * seconds)
    print(f"{len(clients)} clients, {seconds:.0f} s: {answers} answers ({answers / seconds:.1f} a second), of them "
          f"{lost} lost and {doubled} doubled; {refused} refused, since somebody else had been given the question; "
          f"share of the time without a question: {waited:.0%}")  # fmt: skip
    took = [each for client in clients for each in client.seconds]
    for kind in ("all", *sorted({kind for kind, _ in took})):
        own = np.array([seconds for name, seconds in took if kind in ("all", name)])
        bar = f" (bar: {BAR})" if kind == "all" else ""
        print(f"{kind:>8}: {len(own):6} requests, median {np.median(own):.3f} s, 95th percentile "
              f"{np.quantile(own, 0.95):.3f} s{bar}, longest {own.max():.3f} s")  # fmt: skip


def main() -> None:
    """Let thirty label one run, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=30, help="how many label")
    parser.add_argument("--seconds", type=float, default=120, help="for how long")
    parser.add_argument("--every", type=float, default=2.0, help="seconds from a question to its answer")
    options, passed_on = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "main.py",
            "--solution",
            "--oracle",
            "human",
            "--labellers-may-join",
            "--no-open-page",
            "--port",
            "0",
        ]
        command += ["--no-pictures", "--comparisons", "3000", "--runs-dir", folder, *passed_on]
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
            bufsize=1, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert process.stderr is not None
        try:
            address = next(line.split()[-1] for line in process.stderr if "http://" in line)
            threading.Thread(target=process.stderr.read, daemon=True).start()  # or it would wait for a reader
            clients = [Client(address, f"person {i + 1}") for i in range(options.people)]
            began = time.monotonic()
            arguments = (began + options.seconds, options.every)
            threads = [threading.Thread(target=client.label, args=arguments) for client in clients]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seconds = time.monotonic() - began
        finally:
            process.kill()
            process.wait()
        record = next(Path(folder).iterdir()) / "comparisons.jsonl"
        tell(clients, seconds, [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()])


if __name__ == "__main__":
    main()
