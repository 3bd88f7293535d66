"""A receiver of webhooks: it keeps what it gets, and responds as a test has chosen."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Event, Lock
from typing import Any

from tests.support.http.served import served
from tests.support.waiting import eventually


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]  # by lower-case name
    body: bytes
    at: float  # of the monotonic clock

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


@dataclass
class Receiver:
    """The requests, and the responses: each request takes the next of `answers`, the last one forever."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(204, {})])
    received: list[Received] = field(default_factory=list)
    hold: Event = field(default_factory=Event)  # unset: no request is answered
    on_request: Callable[[Received], None] = lambda _: None
    lock: Lock = field(default_factory=Lock)

    def answer(self, *statuses: int, **headers: str) -> None:
        """Answer with these statuses, one a request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers = [(status, named) for status in statuses]

    def wait_for(self, count: int, *, seconds: float = 20) -> list[Received]:
        """Return what came once there are `count` requests."""
        eventually(lambda: len(self.received) >= count, seconds=seconds)
        return self.received

    def take(self, request: Received) -> tuple[int, dict[str, str]]:
        with self.lock:
            self.received.append(request)
            answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        self.on_request(request)
        self.hold.wait(60)
        return answer


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listen on a free loopback port for the length of the block."""
    state = Receiver()
    state.hold.set()
    with served(_handler_for(state)) as port:
        state.url = f"http://127.0.0.1:{port}/told"
        try:
            yield state
        finally:
            state.hold.set()


def _handler_for(state: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, extra = state.take(Received(self.path, headers, body, time.monotonic()))
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    return Handler
