import logging

import pytest

from shared.redis.client import Client
from shared.workers import Worker, WorkerRoster
from worker.process import shared_name
from worker.process.shared_name import SharedName

MINE, OTHER, THIRD = "alpha-10-0a1b2c", "alpha-11-3d4e5f", "beta-12-a0b0c0"


def test_a_worker_warns_once_of_another_that_lives_on_under_its_name(
    redis_client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shared_name, "CHECK_SECONDS", 0.0)
    roster = WorkerRoster(redis_client)
    for name in (MINE, OTHER, THIRD):
        roster.announce(Worker(name, 4, ()))
    watch = SharedName(MINE, roster)
    with caplog.at_level(logging.WARNING):
        watch.check()
        assert caplog.records == []  # it may be this worker's own last process, which crashed
        watch.check()
        watch.check()
    (record,) = caplog.records
    assert (record.other, record.levelname) == (OTHER, "WARNING")  # type: ignore[attr-defined]
