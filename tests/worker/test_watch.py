"""The parent that ends a worker which hangs."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import children_of, resident_mebibytes
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
WORKER = """
    import json, os, signal, sys, time
    from pathlib import Path
    from worker.health import write_health
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    while True:
        write_health(Path(sys.argv[1]), "", ())
        time.sleep(0.05)
"""
PARENT = """
    import sys
    from pathlib import Path
    import shared.watched_process, worker.health, worker.watch
    worker.health.STALE_SECONDS = 0.5
    shared.watched_process.LOOK_EVERY_SECONDS = 0.05
    file = sys.argv[1]
    sys.exit(worker.watch.watch([sys.executable, sys.argv[2], file], Path(file)))
"""


class Watched:
    """A watched process, and who watches it."""

    def __init__(self, folder: Path) -> None:
        self.health = folder / "health"
        scripts = [folder / "parent.py", folder / "child.py"]
        for path, text in zip(scripts, (PARENT, WORKER), strict=True):
            path.write_text(textwrap.dedent(text))
        command = [sys.executable, str(scripts[0]), str(self.health), str(scripts[1])]
        self.parent = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True
        )
        eventually(self.health.exists)

    def child(self) -> int:
        (child,) = children_of(self.parent.pid)
        return child


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    if watched.parent.poll() is None:
        os.kill(watched.child(), signal.SIGKILL)
    watched.parent.communicate(timeout=10)


def test_a_worker_that_is_frozen_ends_with_its_parent(watched: Watched) -> None:
    os.kill(watched.child(), signal.SIGSTOP)
    _, said = watched.parent.communicate(timeout=20)
    assert watched.parent.returncode == 70
    assert "made no progress" in said


def test_a_stop_reaches_the_worker_and_its_status_comes_back(watched: Watched) -> None:
    watched.parent.terminate()
    assert watched.parent.wait(20) == 3


def test_a_worker_that_is_killed_ends_its_parent(watched: Watched) -> None:
    os.kill(watched.child(), signal.SIGKILL)
    assert watched.parent.wait(20) == 128 + 9


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_the_watcher_is_small(watched: Watched) -> None:
    assert resident_mebibytes(watched.parent.pid) < 20


def test_arguments_reach_the_worker(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "worker.watch",
        "--file",
        str(tmp_path / "health"),
        "--queues",
        "nonsense",
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "invalid choice: 'nonsense'" in answer.stderr
