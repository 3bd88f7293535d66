"""The parent that ends an API which no longer answers."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import children_of, resident_mebibytes
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
    import sys
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from pathlib import Path
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            Path(sys.argv[2]).touch()
        def log_message(self, *_): pass
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
PARENT = """
    import sys
    import api.watch, shared.watched_process
    api.watch.PATIENCE_SECONDS = api.watch.ANSWER_SECONDS = 0.5
    shared.watched_process.LOOK_EVERY_SECONDS = 0.05
    sys.exit(api.watch.main())
"""


class Watched:
    """A watched server, and who watches it."""

    def __init__(self, folder: Path, port: int) -> None:
        scripts = [folder / "parent.py", folder / "child.py"]
        for path, text in zip(scripts, (PARENT, CHILD), strict=True):
            path.write_text(textwrap.dedent(text))
        url = f"http://127.0.0.1:{port}/healthz"
        served = [sys.executable, str(scripts[1]), str(port), str(folder / "asked")]
        command = [sys.executable, str(scripts[0]), "--url", url, "--", *served]
        self.parent = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True
        )
        eventually((folder / "asked").exists)

    def child(self) -> int:
        (child,) = children_of(self.parent.pid)
        return child


@pytest.fixture
def watched(tmp_path: Path, unused_port: int) -> Iterator[Watched]:
    watched = Watched(tmp_path, unused_port)
    yield watched
    if watched.parent.poll() is None:
        os.kill(watched.child(), signal.SIGKILL)
    watched.parent.communicate(timeout=10)


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_an_api_that_is_frozen_ends_with_its_parent(watched: Watched) -> None:
    os.kill(watched.child(), signal.SIGSTOP)
    _, said = watched.parent.communicate(timeout=20)
    assert watched.parent.returncode == 70
    assert "the API has not answered for" in said


def test_a_stop_reaches_the_api(watched: Watched) -> None:
    watched.parent.terminate()
    assert watched.parent.wait(20) == 128 + 15


def test_the_watcher_is_small(watched: Watched) -> None:
    assert resident_mebibytes(watched.parent.pid) < 25
