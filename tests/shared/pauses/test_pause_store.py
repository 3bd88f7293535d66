"""Pauses that end by themselves, and windows that come again."""

from dataclasses import replace

import pytest

from shared.batches.store import BatchStore
from shared.identifiers import ANONYMOUS
from shared.jobs.store import JobStore
from shared.maintenance.garbage import Garbage
from shared.maintenance.reaper import Reaper
from shared.pauses.pause import Pause, pause_from_json
from shared.pauses.store import PauseDraft, PauseStore
from shared.pauses.window import DayWindow
from shared.queue.celery_app import make_celery, queue_of
from shared.queue.job_queue import JobQueue
from shared.redis.client import connect
from shared.setting_groups import BatchRules
from shared.settings import Settings
from shared.specs.parts import Lane
from shared.storage.base import ObjectStore
from tests.support.jobs.job_steps import submit

HOUR = 3600 * 1000
EVERY_DAY = DayWindow.parse("01:00-07:00", "Europe/Berlin")


@pytest.fixture
def pauses(store: JobStore) -> PauseStore:
    return PauseStore(store.scripts)


@pytest.fixture
def reaper(store: JobStore, objects: ObjectStore, server) -> Reaper:  # type: ignore[no-untyped-def]
    queue = JobQueue(make_celery(Settings(redis_url=server.url)), store.client)
    return Reaper(store, BatchStore(store, BatchRules()), queue, Garbage(store.client, objects))


def put(store: JobStore, **fields: object) -> Pause:
    """Store a pause as it was written at another time."""
    pause = Pause("pause_1", "a test", ANONYMOUS, 1, **fields)  # type: ignore[arg-type]
    store.client.hset("atelier:pauses", pause.id, pause.to_json())
    return pause


def rings(store: JobStore) -> int:
    return int(store.client.llen(queue_of(Lane.INTERACTIVE)))


def test_a_pause_is_read_as_it_was_written() -> None:
    pause = Pause("pause_1", "because", "ops", 5, Lane.BULK, "m", "shop", 9, EVERY_DAY, 6, 7)
    assert pause_from_json(pause.to_json()) == pause
    assert (
        pause_from_json(replace(pause, lane=None, model=None, owner=None, ends_at=None).to_json()).lane
        is None
    )


def test_it_ends_by_itself_and_workers_are_told(store: JobStore, pauses: PauseStore, reaper: Reaper) -> None:
    made = pauses.create(PauseDraft("a test", ANONYMOUS, ends_at=pauses.now() + HOUR), for_service=True)
    job_id = submit(store)
    reaper.end_pauses()
    reaper.pass_once()
    assert (rings(store), store.claim_next("w"), pauses.all()) == (0, [], (made,))
    over = replace(made, ends_at=pauses.now())
    store.client.hset("atelier:pauses", made.id, over.to_json())
    assert pauses.all() == ()  # also before a reaper comes
    reaper.pass_once()
    assert rings(store) == 1
    reaper.end_pauses()
    assert store.client.hlen("atelier:pauses") == 0
    assert [job.id for job in store.claim_next("w")] == [job_id]


def test_a_window_that_has_passed_gets_its_next_time(store: JobStore, pauses: PauseStore) -> None:
    pause = put(store, window=EVERY_DAY, starts=1, stops=2)
    assert pauses.renew() == ()
    later = pauses.get(pause.id)
    assert (later.starts, later.stops) == EVERY_DAY.next_time(pauses.now())
    assert pauses.now() < later.stops


@pytest.mark.parametrize("days", [0, 1, 9])
def test_a_window_comes_again_without_a_reaper(store: JobStore, pauses: PauseStore, days: int) -> None:
    submit(store)
    now = pauses.now() - days * 24 * HOUR
    put(store, window=EVERY_DAY, starts=now - HOUR, stops=now + HOUR)
    assert store.claim_next("w") == []
    put(store, window=EVERY_DAY, starts=now + HOUR, stops=now + 2 * HOUR)
    assert len(store.claim_next("w")) == 1


def test_a_window_ends_for_good_with_its_pause(store: JobStore, pauses: PauseStore) -> None:
    submit(store)
    now = pauses.now()
    put(store, window=EVERY_DAY, starts=now - HOUR, stops=now + HOUR, ends_at=now - 1)
    assert len(store.claim_next("w")) == 1
    assert [pause.id for pause in pauses.renew()] == ["pause_1"]


def test_a_pause_that_was_ended_meanwhile_does_not_come_back(store: JobStore, pauses: PauseStore) -> None:
    pause = put(store, window=EVERY_DAY, starts=1, stops=2)
    pauses.end(pause.id)
    outcome = store.scripts.run("pauses/replace", pause.id, pause.to_json(), "other")
    assert (outcome, pauses.all()) == (0, ())


def test_it_survives_a_restart_of_the_server(store: JobStore, pauses: PauseStore, server) -> None:  # type: ignore[no-untyped-def]
    made = pauses.create(PauseDraft("a test", ANONYMOUS, model="mnist-dcgan"), for_service=True)
    submit(store)
    server.stop()
    server.start()
    with connect(server.url) as client:
        again = JobStore(client, store.rules)
        assert PauseStore(again.scripts).all() == (made,)
        assert again.claim_next("w") == []
