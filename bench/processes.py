"""Processes that run while a block runs, and the memory that they use."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120.0
STOP_SECONDS = 30.0
MEBIBYTE = 1024 * 1024


@contextmanager
def running(arguments: list[str], environ: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python module while the block runs; its output goes to a file, shown where the block fails."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env={**os.environ, **environ},
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    except BaseException:
        print(f"{' '.join(arguments)}: status {process.poll()}\n{log.read_text()[-2000:]}", file=sys.stderr)
        raise
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(is_met: Callable[[], bool], what: str, *, seconds: float = START_SECONDS) -> None:
    """Return when the condition holds; raise TimeoutError."""
    deadline = time.monotonic() + seconds
    while not is_met():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)


def resident_mebibytes(*pids: int) -> float:
    """Return the resident memory of processes, summed; pages that they share count for each."""
    return sum(_field(pid, "VmRSS") for pid in pids) / 1024


def private_mebibytes(*pids: int) -> float:
    """Return the memory that ends with the processes: resident, without the pages of files."""
    return sum(_field(pid, "RssAnon") for pid in pids) / 1024


def proportional_mebibytes(*pids: int) -> float:
    """Return the memory of processes, summed, with each shared page divided among its users."""
    return sum(_smaps(pid, "Pss") for pid in pids) / 1024


def cpu_seconds(*pids: int) -> float:
    """Return the processor time that processes have used, summed over their threads."""
    return sum(_ticks(pid) for pid in pids) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(after_name[11]) + int(after_name[12])


def peak_mebibytes(pid: int) -> float:
    """Return the most that a process has ever had resident."""
    return _field(pid, "VmHWM") / 1024


def _field(pid: int, name: str) -> int:
    return _kibibytes(Path(f"/proc/{pid}/status"), name)


def _smaps(pid: int, name: str) -> int:
    return _kibibytes(Path(f"/proc/{pid}/smaps_rollup"), name)


def _kibibytes(path: Path, name: str) -> int:
    line = next(line for line in path.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def with_children(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for parent in found:
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        found.extend(int(child) for child in text.split())
    return found
