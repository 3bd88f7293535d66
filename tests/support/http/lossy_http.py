"""An HTTP server that hands requests on to another one, and loses the response to some of them."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.http.served import served


@dataclass
class LossyHttp:
    """What is lost, and what came."""

    upstream: int  # port
    lose: list[int] = field(default_factory=list)  # what the next PUTs get, though they are carried out
    puts: int = 0
    port: int = 0

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def lossy_http(upstream: int) -> Iterator[LossyHttp]:
    """Serve on a free loopback port for the length of the block."""
    state = LossyHttp(upstream)
    with served(_handler_for(state)) as state.port:
        yield state


def _handler_for(state: LossyHttp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _hand_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, data = _answer(state.upstream, self, body)
            state.puts += self.command == "PUT"
            if self.command == "PUT" and state.lose:
                status, headers, data = state.lose.pop(0), {}, b""
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _hand_on  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


def _answer(port: int, asked: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(asked.command, asked.path, skip_host=True, skip_accept_encoding=True)
        for name, value in asked.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        found = connection.getresponse()
        kept = {name: value for name, value in found.getheaders() if name.lower() != "transfer-encoding"}
        return found.status, kept, found.read()
    finally:
        connection.close()
