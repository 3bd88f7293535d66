"""Stillness is measured by the watcher's clock."""

import json
import os
from pathlib import Path

import pytest

from shared.workers.health import HealthWatch


class Clock:
    """Stands still until it is moved."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("shared.workers.health.time", clock)
    return clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "worker.health"


def beat(path: Path, *, pid: int = 7, reason: str = "", modified: int) -> None:
    path.write_text(json.dumps({"pid": pid, "reason": reason}), "utf-8")
    os.utime(path, ns=(modified, modified))


def test_a_worker_that_was_ready_and_stands_still_is_stale(path: Path, clock: Clock) -> None:
    watch = HealthWatch(path)
    beat(path, modified=1)
    assert watch.stale_seconds(7) is None
    clock.now += 21
    assert watch.stale_seconds(7) == 21


def test_progress_keeps_it_fresh_whatever_the_time_of_day_says(path: Path, clock: Clock) -> None:
    watch = HealthWatch(path)
    for modified in (5, 3, 9):
        beat(path, modified=modified)
        clock.now += 15
        assert watch.stale_seconds(7) is None


def test_the_file_of_an_earlier_process_says_nothing_about_this_one(path: Path, clock: Clock) -> None:
    watch = HealthWatch(path)
    beat(path, pid=6, modified=1)
    watch.stale_seconds(7)
    clock.now += 60
    assert watch.stale_seconds(7) is None
    assert not watch.has_been_ready(7)


def test_a_worker_that_loads_its_models_is_not_ready(path: Path, clock: Clock) -> None:
    watch = HealthWatch(path)
    beat(path, reason="the worker is loading its models", modified=1)
    watch.stale_seconds(7)
    assert not watch.has_been_ready(7)
