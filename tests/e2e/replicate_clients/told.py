"""What the scripts of both Python clients share: a receiver of webhooks, out of the standard library."""

import base64
import hmac
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue


class Receiver(BaseHTTPRequestHandler):
    told: "Queue[tuple[dict[str, str], str]]" = Queue()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.told.put((dict(self.headers.items()), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def start() -> str:
    """Listen, as long as the script runs; return the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/told"


def next_one() -> tuple[dict[str, str], str]:
    """Return headers and body of the next request."""
    return Receiver.told.get(timeout=60)


def check(headers: dict[str, str], body: str, secret: str) -> None:
    """Fail where no signature is the secret's, as Standard Webhooks has it."""
    named = {name.lower(): value for name, value in headers.items()}
    content = f"{named['webhook-id']}.{named['webhook-timestamp']}.{body}".encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    assert f"v1,{expected}" in named["webhook-signature"].split()


def refused(call: Callable[[], object], kind: type[Exception]) -> Exception:
    """Return the error of a kind with which a call is refused; fail where it is not."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("it was not refused")
