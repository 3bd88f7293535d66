"""A worker that cannot have its port for metrics says so, and does not start."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from shared.settings import EXIT_CONFIGURATION

ROOT = Path(__file__).parents[3]


def test_a_taken_port_stops_the_start_by_its_name(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        own = {"ATELIER_STATE_DIR": str(tmp_path), "ATELIER_METRICS_PORT": port}
        environ = {**os.environ, **own, "REDIS_URL": f"unix://{tmp_path}/nowhere"}
        run = subprocess.run(
            [sys.executable, "-m", "worker", "--queues", "io"],
            env=environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert run.returncode == EXIT_CONFIGURATION
    assert f"configuration: ATELIER_METRICS_PORT: 127.0.0.1:{port} cannot be listened on" in run.stderr
    assert "Traceback" not in run.stderr
