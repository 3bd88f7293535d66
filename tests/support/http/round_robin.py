"""A proxy that hands requests to several servers by turns, and passes responses on as they come."""

import http.client
import itertools
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler

from tests.support.http.served import served

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}
_PIECE_BYTES = 65_536
TURN = (
    "X-Turn"  # header of a request: the number of the server that is to have it; of a response: that had it
)


@contextmanager
def round_robin(upstreams: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Serve on a free loopback port while the block runs; yield the URL.

    Each request goes to the next server, unless it names one itself.
    """
    with served(_handler_for(upstreams)) as port:
        yield f"http://127.0.0.1:{port}"


def _handler_for(upstreams: Sequence[tuple[str, int]]) -> type[BaseHTTPRequestHandler]:
    turns = itertools.cycle(range(len(upstreams)))  # one step is atomic

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def hand_on(self) -> None:
            turn = int(self.headers.get(TURN, next(turns)))
            connection = http.client.HTTPConnection(*upstreams[turn], timeout=60)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            headers |= {
                "X-Forwarded-For": self.client_address[0],
                "X-Forwarded-Proto": "http",
                "X-Forwarded-Host": self.headers["Host"],
            }
            connection.request(self.command, self.path, body, headers)
            try:
                self._answer(connection.getresponse(), turn)
            finally:
                connection.close()

        def _answer(self, response: http.client.HTTPResponse, turn: int) -> None:
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header(TURN, str(turn))
            self.send_header("Connection", "close")  # which ends a body without a length, too
            self.end_headers()
            self.close_connection = True
            with suppress(OSError):  # the client has left
                while piece := response.read1(_PIECE_BYTES):
                    self.wfile.write(piece)
                    self.wfile.flush()
                self.connection.shutdown(socket.SHUT_WR)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.hand_on)
    return Handler
