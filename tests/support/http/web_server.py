"""A loopback HTTP server that serves given bytes by path, and remembers what was asked of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit


@dataclass
class WebServer:
    """What is served, and what was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)  # by path
    requests: list[str] = field(default_factory=list)  # path and query
    headers: list[dict[str, str]] = field(default_factory=list)  # of each request, names in lower case
    redirects: dict[str, str] = field(default_factory=dict)  # by path
    url: str = ""
    stop: Callable[[], None] = lambda: None  # before the block ends; the port then refuses connections


@contextmanager
def web_server(port: int = 0) -> Iterator[WebServer]:
    """Serve on a loopback port, by default a free one, for the length of the block."""
    state = WebServer()
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler_for(state))
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})

    def stop() -> None:
        server.shutdown()
        thread.join()
        server.server_close()

    state.stop = stop
    thread.start()
    try:
        yield state
    finally:
        if thread.is_alive():
            stop()


def _handler_for(state: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests.append(self.path)
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            if self.path in state.redirects:
                self.send_response(303)
                self.send_header("Location", state.redirects[self.path])
                self.end_headers()
                return
            body = state.files.get(urlsplit(self.path).path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            pass

    return Handler
