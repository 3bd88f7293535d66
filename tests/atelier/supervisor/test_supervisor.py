"""The supervisor, with small real processes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from atelier.supervisor.child_process import Backoff, ChildSpec, describe
from atelier.supervisor.process_log import ProcessLog
from atelier.supervisor.supervisor import Shutdown, Supervisor
from tests.support.processes import children_of, is_alive
from tests.support.waiting import eventually

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(99)
"""
PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"])
print("up", flush=True)
time.sleep(99)
"""


class Bench:
    """A supervisor with its log and what it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.text = StringIO()
        self.shutdown = Shutdown()
        self.running: dict[str, int] = {}
        self.supervisor = Supervisor(ProcessLog(self.text), self.shutdown, on_change=self._note)

    def _note(self, processes: object) -> None:
        self.running = dict(processes)  # type: ignore[call-overload]

    def spec(self, name: str, code: str, *, grace: float = 10, health: Path | None = None) -> ChildSpec:
        return ChildSpec(
            name=name,
            command=(sys.executable, "-c", code),
            environ=os.environ,
            folder=self.folder,
            grace_seconds=grace,
            health_file=health,
        )

    def start(self, name: str, code: str, **options: float) -> int:
        self.supervisor.start_phase([self.spec(name, code, **options)])  # type: ignore[arg-type]
        return self.running[name]

    def says(self, text: str) -> bool:
        return text in self.text.getvalue()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.shutdown.requested.set()
    bench.shutdown.hurried.set()
    bench.supervisor.stop()


def test_a_process_that_starts_late_ends_with_those_it_belongs_to(bench: Bench) -> None:
    code = "import time; time.sleep(99)"
    for name in ("worker", "api"):
        bench.start(name, code)
    bench.supervisor.start_beside("worker", bench.spec("late", code))
    assert sorted(bench.running) == ["api", "late", "worker"]

    bench.supervisor.stop()
    ends = [line.split()[-2] for line in bench.text.getvalue().splitlines() if line.endswith(" stopped")]
    assert ends[0] == "api"
    assert sorted(ends) == ["api", "late", "worker"]


def test_a_killed_process_is_started_again(bench: Bench) -> None:
    first = bench.start("worker", "import time; time.sleep(99)")
    os.kill(first, signal.SIGKILL)
    assert bench.supervisor.run_until(lambda: bench.running.get("worker", first) != first)
    assert bench.says("worker ended by SIGKILL; starts again in 0.2 s")


def test_what_processes_write_carries_their_names(bench: Bench) -> None:
    bench.start("api", "print('hello'); import time; time.sleep(99)")
    assert bench.supervisor.run_until(lambda: bench.says("api       | hello\n"))


def test_the_group_of_a_dead_process_ends_with_it(bench: Bench) -> None:
    pid = bench.start("api", PARENT)
    bench.supervisor.run_until(lambda: bench.says("up"))
    (grandchild,) = children_of(pid)
    os.kill(pid, signal.SIGKILL)
    bench.supervisor.run_until(lambda: bench.running.get("api", pid) != pid)
    eventually(lambda: not is_alive(grandchild), seconds=5)


def test_processes_end_in_the_reverse_of_their_start(bench: Bench) -> None:
    bench.start("redis", "import time; time.sleep(99)")
    bench.start("api", "import time; time.sleep(99)")
    bench.supervisor.stop()
    text = bench.text.getvalue()
    assert text.index("api stopped") < text.index("redis stopped")
    assert bench.running == {}


def test_a_process_that_outstays_its_grace_is_killed(bench: Bench) -> None:
    pid = bench.start("worker", STUBBORN, grace=0.3)
    bench.supervisor.run_until(lambda: bench.says("up"))
    bench.supervisor.stop()
    assert not is_alive(pid)


def test_a_frozen_process_hears_that_it_is_to_end(bench: Bench) -> None:
    pid = bench.start("worker", "print('up', flush=True); import time; time.sleep(99)", grace=60)
    bench.supervisor.run_until(lambda: bench.says("up"))
    os.kill(pid, signal.SIGSTOP)
    bench.supervisor.stop()
    assert not is_alive(pid)


def test_a_second_request_to_stop_does_not_wait_for_graces(bench: Bench) -> None:
    bench.start("redis", "import time; time.sleep(99)")
    bench.start("worker", STUBBORN, grace=60)
    bench.supervisor.run_until(lambda: bench.says("up"))
    bench.shutdown.requested.set()
    threading.Timer(0.2, bench.shutdown.hurried.set).start()
    bench.supervisor.stop()
    assert bench.running == {}


def test_a_process_that_cannot_run_with_its_settings_stops_everything(bench: Bench) -> None:
    bench.start("worker", "raise SystemExit(78)")
    assert not bench.supervisor.run_until(lambda: False)
    assert bench.supervisor.exit_status == 78
    assert bench.says("cannot run with these settings")


def test_a_worker_whose_health_file_stands_still_is_killed_and_started_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.health.STALE_SECONDS", 0.3)
    health = bench.folder / "worker.health"
    code = f"""
import json, os, time
open({str(health)!r}, "w").write(json.dumps({{"pid": os.getpid(), "reason": ""}}))
time.sleep(99)
"""
    bench.supervisor.start_phase([bench.spec("worker", code, health=health)])
    first = bench.running["worker"]
    assert bench.supervisor.run_until(bench.supervisor.are_ready)
    assert bench.supervisor.run_until(lambda: bench.running.get("worker", first) != first)
    assert bench.says("made no progress")


def test_a_worker_that_was_never_ready_may_take_its_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.health.STALE_SECONDS", 0.0)
    health = bench.folder / "worker.health"
    health.write_text('{"pid": 1, "reason": ""}', "utf-8")  # of an earlier process
    code = "print('up', flush=True); import time; time.sleep(99)"
    bench.supervisor.start_phase([bench.spec("worker", code, health=health)])
    assert bench.supervisor.run_until(lambda: bench.says("up"))
    assert not bench.says("no progress")


def test_children_do_not_outlive_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from tests.atelier.supervisor.test_supervisor import Bench
bench = Bench(Path({str(tmp_path)!r}))
print(bench.start("worker", "print('up', flush=True); import time; time.sleep(99)"), flush=True)
bench.supervisor.run_until(lambda: bench.says("up"))
print("ready", flush=True)
bench.supervisor.run_until(lambda: False)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        child = int(supervisor.stdout.readline())
        assert supervisor.stdout.readline() == "ready\n"
        assert is_alive(child)
        supervisor.kill()
    eventually(lambda: not is_alive(child), seconds=5)


def test_pauses_double_up_to_ten_seconds_and_are_short_again_after_health() -> None:
    backoff = Backoff()
    assert [backoff.after(1) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert [backoff.after(31), backoff.after(1)] == [0.2, 0.4]


def test_ends_are_told_in_words() -> None:
    assert [describe(0), describe(-9)] == ["with status 0", "by SIGKILL"]
