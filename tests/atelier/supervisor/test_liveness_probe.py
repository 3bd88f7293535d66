"""A process that no longer answers is replaced."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from atelier.local.redis_server import EmbeddedServer, answers, lives, server_command, server_url
from atelier.supervisor.child_process import Probe, ProbeWatch
from tests.atelier.supervisor.test_supervisor import Bench
from tests.support.waiting import eventually


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atelier.supervisor.child_process.ASK_EVERY_SECONDS", 0.02)


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.shutdown.requested.set()
    bench.supervisor.stop()


def test_silence_counts_from_the_last_answer(quick: None) -> None:
    answer = True
    asked = 0

    def ask() -> bool:
        nonlocal asked
        asked += 1
        return answer

    watch = ProbeWatch(Probe(ask, 0.2))
    eventually(lambda: asked > 2)
    assert watch.silent_seconds() is None
    answer = False
    eventually(lambda: watch.silent_seconds() is not None, seconds=5)


def test_a_new_process_may_take_its_time(quick: None) -> None:
    watch = ProbeWatch(Probe(lambda: False, 0.0))
    assert watch.silent_seconds() is None


def test_a_frozen_server_is_killed_and_started_again(supervised: Bench, quick: None) -> None:
    folder = supervised.folder / "redis"
    url = server_url(folder)
    command, probe = tuple(server_command(folder)), Probe(lambda: lives(url), 0.5)
    spec = replace(supervised.spec("redis", ""), command=command, probe=probe)
    supervised.supervisor.start_phase([spec])
    first = supervised.running["redis"]
    assert supervised.supervisor.run_until(lambda: answers(url))
    with redis.Redis.from_url(url) as client:
        client.set("kept", "1")
    os.kill(first, signal.SIGSTOP)
    assert supervised.supervisor.run_until(lambda: supervised.running.get("redis", first) != first)
    assert supervised.says("redis has not answered for")
    assert supervised.supervisor.run_until(lambda: answers(url))
    with redis.Redis.from_url(url) as client:
        assert client.get("kept") == b"1"


def test_a_server_that_loads_its_journal_lives(tmp_path: Path) -> None:
    url = server_url(tmp_path)
    with EmbeddedServer(tmp_path), redis.Redis.from_url(url) as client, client.pipeline() as pipeline:
        for number in range(30_000):
            pipeline.set(f"key:{number}", "value")
        pipeline.execute()
    slow = [*server_command(tmp_path), "--key-load-delay", "50"]  # microseconds an entry, and more to sleep
    server = subprocess.Popen(slow, stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: lives(url), seconds=20)
        assert not answers(url)
        assert lives(url)
        eventually(lambda: answers(url), seconds=60)
    finally:
        server.kill()
        server.wait()
