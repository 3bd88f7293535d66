"""`/metrics` of a process that has no HTTP of its own: a small server on a port of its own.

It answers GET of this one path, reads no body, and keeps few connections, each for seconds: anyone who
reaches the port learns the numbers, and can do no more than keep others from reading them.
"""

import logging
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from prometheus_client import CollectorRegistry

from shared.metrics.registry import exposition
from shared.network_settings import MetricsSettings
from shared.settings import SettingsError

log = logging.getLogger("atelier.metrics")

PATH = "/metrics"
MOST_CONNECTIONS = 8  # at once; one more is closed
SILENCE_SECONDS = 5.0  # without a byte
LONGEST_SECONDS = 15.0  # of one connection, however busy


class _Handler(BaseHTTPRequestHandler):
    timeout = SILENCE_SECONDS
    server: "_Server"

    def version_string(self) -> str:
        return "atelier"

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self._answer(404, f"only {PATH} is here\n".encode(), "text/plain; charset=utf-8")
            return
        self._answer(200, *exposition(self.server.registry, self.headers.get("Accept", "")))

    def _answer(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("answered", extra={"response": format % args})


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], registry: CollectorRegistry) -> None:
        self.registry = registry
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # that of HTTPServer asks for the host's name, which may take long
        self.server_name, self.server_port = map(str, self.server_address[:2])  # type: ignore[assignment]

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        end = threading.Timer(LONGEST_SECONDS, _cut_off, [request])
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a scrape was broken off", exc_info=True)


def _cut_off(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


def serve_metrics(settings: MetricsSettings, registry: CollectorRegistry) -> HTTPServer | None:
    """Serve a registry where the settings say, in threads of its own; return the server, None for no port.

    Raises SettingsError where the port cannot be had.
    """
    if not settings.port:
        return None
    host = settings.host.strip("[]")
    try:
        server = _Server((host, settings.port), registry)
    except OSError as error:
        place = f"{settings.host}:{settings.port} cannot be listened on: {error.strerror or error}"
        raise SettingsError(f"ATELIER_METRICS_PORT: {place}") from error
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
