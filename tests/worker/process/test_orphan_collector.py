"""Orphans are collected once a day by one worker, and never where the records look lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.redis.client import Client
from shared.setting_groups import DiskRules
from shared.storage.base import ObjectStore
from worker.process.io_worker import Collector

KEY = "atelier:collecting"


@pytest.fixture
def collector(redis_client: Client, objects: ObjectStore) -> Collector:
    return Collector(redis_client, objects, DiskRules(), grace_seconds=-1)


def leave_orphans(objects: ObjectStore, count: int) -> None:
    for n in range(count):
        objects.put(f"outputs/job_{n}/1/0.png", b"x")


def test_orphans_go_once_in_the_time_that_is_set(
    collector: Collector, objects: ObjectStore, redis_client: Client
) -> None:
    leave_orphans(objects, 3)
    done = collector.collect_if_due()
    assert done is not None
    assert done.objects == 3
    leave_orphans(objects, 1)
    assert collector.collect_if_due() is None
    assert 23 * 3600 < redis_client.ttl(KEY) <= 24 * 3600
    redis_client.delete(KEY)
    assert collector.collect_if_due() is not None
    assert list(objects.keys("")) == []


def test_one_worker_collects_at_a_time(
    collector: Collector, redis_client: Client, objects: ObjectStore
) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: collector.collect_if_due(), range(8)))
    assert sum(found is not None for found in done) == 1


def test_the_turn_of_a_worker_that_died_is_taken_by_another(
    collector: Collector, redis_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Collector, "_collect", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        collector.collect_if_due()
    assert 0 < redis_client.ttl(KEY) <= 600


def test_nothing_is_removed_where_most_objects_have_no_record(
    collector: Collector, objects: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    leave_orphans(objects, 100)
    assert collector.collect_if_due() is None
    assert len(list(objects.keys(""))) == 100
    assert "Is this the right server?" in caplog.text
