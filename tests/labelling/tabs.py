"""A tab of a browser with the labelling page, without a browser."""

import http.client
import json
from contextlib import closing
from urllib.parse import urlsplit

from workshop.labelling.server import LabellingServer

JSON = {"Content-Type": "application/json"}
LEFT = {"number": 0, "preference": 0, "seconds": 1.5}


class Tab:
    """A browser's tab, or something that pretends to be one."""

    def __init__(self, server: LabellingServer):
        self.port = server.port
        self.query = urlsplit(server.address).query
        reply, _ = self.ask("GET", f"/?{self.query}", cookie=None)
        self.cookie = reply.headers["Set-Cookie"].partition(";")[0]

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, cookie: str | None = "", **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """A request as the page would send it but for these headers; an empty one is left out."""
        brought = {"Cookie": self.cookie if cookie == "" else cookie}
        brought |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(connection):
            connection.request(method, path, body, {name: value for name, value in brought.items() if value})
            reply = connection.getresponse()
            return reply, reply.read()

    def get(self, path: str) -> bytes:
        reply, data = self.ask("GET", path)
        assert reply.status == 200, data
        return data

    def state(self) -> dict:
        return json.loads(self.get("/state"))

    def post(self, path: str, data: object) -> tuple[int, dict]:
        reply, body = self.ask("POST", path, json.dumps(data), **JSON)
        return reply.status, json.loads(body)


def answer(**fields: object) -> str:
    return json.dumps(LEFT | fields)
