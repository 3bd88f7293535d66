"""The memory that a real API takes for a request, at its peak."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.support.http.gunicorn_server import Gunicorn
from tests.support.processes import resident_mebibytes

Answer = TypeVar("Answer")


def growth(gunicorn: Gunicorn, ask: Callable[[], Answer]) -> tuple[Answer, float]:
    """Return what a request is answered, and by how many MiB the process that serves it grew at most."""
    assert gunicorn.http.get("/healthz").status_code == 200
    pid = gunicorn.pids()[-1]
    Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")  # the peak begins here
    before = resident_mebibytes(pid)
    answer = ask()
    return answer, _peak(pid) - before


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
