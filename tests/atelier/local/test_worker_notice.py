"""A pull waits until live workers have noticed, and for nobody else."""

import threading
import time
from pathlib import Path

import pytest

from atelier.local.readiness import await_notice
from atelier.local.redis_server import EmbeddedServer
from atelier.local.state_folder import UpRecord, write_record
from shared.redis.client import Client
from shared.settings import Settings
from shared.workers import Worker, WorkerRoster

MODEL = "nst-gatys"


@pytest.fixture
def roster(redis_client: Client) -> WorkerRoster:
    return WorkerRoster(redis_client)


@pytest.fixture(params=["variable", "record"])
def settings(
    request: pytest.FixtureRequest, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings of a service that runs: on a server that REDIS_URL names, or by `atelier up`."""
    if request.param == "variable":
        monkeypatch.setenv("REDIS_URL", server.url)
    else:
        monkeypatch.delenv("REDIS_URL", raising=False)
        assert server.process is not None
        write_record(tmp_path, UpRecord(server.process.pid, "", server.url))
    return Settings(state_dir=tmp_path)


def seconds_of_waiting(settings: Settings, *, most: float) -> float:
    began = time.monotonic()
    await_notice(settings, [MODEL], seconds=most)
    return time.monotonic() - began


def test_a_pull_returns_when_a_worker_has_noticed(settings: Settings, roster: WorkerRoster) -> None:
    roster.announce(Worker("w1", 4, (), available=()))
    waiting = threading.Thread(target=await_notice, args=(settings, [MODEL]), kwargs={"seconds": 60})
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    roster.announce(Worker("w1", 4, (), available=(MODEL,)))
    waiting.join(20)
    assert not waiting.is_alive()


def test_a_pull_does_not_wait_where_no_worker_lives(settings: Settings, roster: WorkerRoster) -> None:
    assert roster.live() == ()
    assert seconds_of_waiting(settings, most=60) < 30


def test_a_pull_does_not_wait_for_ever(settings: Settings, roster: WorkerRoster) -> None:
    roster.announce(Worker("w1", 4, (), available=()))
    assert 0.5 <= seconds_of_waiting(settings, most=0.5) < 30


@pytest.mark.parametrize("url", ["", "unix:///nowhere.sock"])
def test_a_pull_needs_no_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    if url:
        monkeypatch.setenv("REDIS_URL", url)
    assert seconds_of_waiting(Settings(state_dir=tmp_path), most=60) < 30
