"""What a receiver's certificate must say."""

import asyncio
import logging
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from shared.network import guarded_client
from worker.webhooks.sender import PostResult, Sender

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


class _Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204 if self.headers["Host"].startswith("receiver.example:") else 421)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key and the certificate of receiver.example, which the sender trusts."""
    path = tmp_path / "receiver.pem"
    names = ["-subj", "/CN=receiver.example", "-addext", "subjectAltName=DNS:receiver.example"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, "-keyout", str(path), "-out", f"{path}.crt"], check=True, capture_output=True)
    path.write_text(path.read_text("utf-8") + Path(f"{path}.crt").read_text("utf-8"), "utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", f"{path}.crt")
    return path


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """Where the receiver listens, on the loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


def post(url: str) -> PostResult:
    async def send() -> PostResult:
        sender = Sender(timeout_seconds=10)
        try:
            return await sender.post(url, b"{}", {}, private=True)
        finally:
            await sender.close()

    return asyncio.run(send())


def on_loopback(host: bytes, port: int, **_: Any) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


def test_a_certificate_must_be_of_the_name_that_is_told(
    port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "atelier.network")
    monkeypatch.setattr(guarded_client, "getaddrinfo", on_loopback)
    assert post(f"https://receiver.example:{port}/").status == 204
    refused = post(f"https://other.example:{port}/")
    assert (refused.status, refused.error) == (None, "no answer within 10 s")
    assert "certificate" in caplog.records[-1].reason.lower()  # type: ignore[attr-defined]
