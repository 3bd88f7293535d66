"""A loopback HTTP server that answers by path as a test says, and remembers what it was asked."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Event

from tests.support.http.served import served


@dataclass(frozen=True, slots=True)
class Reply:
    """What a path answers: the head as given, then the pieces, each when it is asked for."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: Callable[[], Iterator[bytes]] | None = None  # in place of a body, without a length


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]  # by lower-case name


@dataclass
class ScriptedServer:
    """What is answered, and what was asked."""

    replies: dict[str, Reply] = field(default_factory=dict)  # by path
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    ended: Event = field(default_factory=Event)  # a reply that takes long may wait for it

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """Serve on a free loopback port for the length of the block."""
    state = ScriptedServer()
    with served(_handler_for(state)) as state.port:
        try:
            yield state
        finally:
            state.ended.set()


def _handler_for(state: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.asked.append(Asked(self.path, headers))
            reply = state.replies.get(self.path, Reply(404))
            self.send_response(reply.status)
            sized = {} if reply.pieces else {"Content-Length": str(len(reply.body))}
            for name, value in {**sized, **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in reply.pieces() if reply.pieces else [reply.body]:
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:  # who asks has heard enough
                self.close_connection = True

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            pass

    return Handler
