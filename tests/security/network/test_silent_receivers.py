"""Receivers that never answer hold up nobody else's webhooks."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from shared.cards.card import load_catalog
from shared.identifiers import ANONYMOUS, new_job_id
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.settings import Settings
from shared.specs.spec import JOB_SPEC, resolve
from shared.specs.webhook import webhook_record
from shared.webhooks.delivery import Delivery, DeliveryStatus
from shared.webhooks.store import Deliveries
from tests.support.http.receiver import Receiver, receiver
from tests.support.waiting import eventually
from worker.webhooks.dispatcher import Dispatcher, dispatcher_of
from worker.webhooks.sender import DeliveryRules

SILENT = 256
TIMEOUT_SECONDS = 8.0


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def silent() -> Iterator[list[str]]:
    """Addresses that take connections and say nothing."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(SILENT)]
        yield [f"http://127.0.0.1:{listener.getsockname()[1]}/" for listener in sockets]


@pytest.fixture
def dispatcher(store: JobStore, tmp_path: Path) -> Dispatcher:
    rules = DeliveryRules(timeout_seconds=TIMEOUT_SECONDS, pauses_seconds=())
    return dispatcher_of(store, Settings(state_dir=tmp_path), rules)


def tell(store: JobStore, url: str, owner: str = ANONYMOUS) -> str:
    """Cancel a job that tells a receiver of it; return its id."""
    raw = {"type": "generate", "seed": 7, "webhook": {"url": url, "events": ["job.canceled"]}}
    spec = resolve(JOB_SPEC.validate_python(raw), load_catalog())
    assert spec.webhook is not None
    record = webhook_record(spec.webhook, private=True, base="http://pictures.example")
    job_id = store.submit(Submission(new_job_id(), owner, spec, "f", webhook=record)).id
    store.cancel(job_id, owner)
    return job_id


def test_256_silent_receivers_delay_nobody(
    store: JobStore, dispatcher: Dispatcher, silent: list[str], told: Receiver
) -> None:
    deliveries = Deliveries(store)
    for url in silent:
        tell(store, url)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        job_id = tell(store, told.url)  # after all of them
        began = time.monotonic()
        (delivery,) = deliveries.of("job", job_id, ANONYMOUS)
        eventually(
            lambda: deliveries.get(delivery.id, ANONYMOUS).status is DeliveryStatus.DELIVERED,
            seconds=TIMEOUT_SECONDS / 2,
        )
        waited = time.monotonic() - began
    finally:
        dispatcher.stop()
        thread.join()
    assert waited < 2.5  # about a second, on a machine that is busy besides


def test_an_owner_whose_share_is_used_up_does_not_hold_up_another(store: JobStore) -> None:
    deliveries = Deliveries(store)
    for port in range(1, 6):
        tell(store, f"http://127.0.0.1:{port}/", "greedy")
    tell(store, "http://127.0.0.1:1/", "other")  # behind the first of the greedy one's, at the same host
    claimed = deliveries.claim(
        9, lease_seconds=60, a_host=8, hosts={"127.0.0.1:1": 1}, an_owner=3, owners={"greedy": 1}
    )
    assert sorted(delivery.owner for delivery in claimed) == ["greedy", "greedy", "other"]
    assert deliveries.claim(9, lease_seconds=60, a_host=8, an_owner=3, owners={"greedy": 3}) == []
    rest: list[Delivery] = []

    def are_claimed() -> bool:
        rest.extend(deliveries.claim(9, lease_seconds=60, a_host=8))
        return len(rest) >= 3

    eventually(are_claimed)
    assert [delivery.owner for delivery in rest] == ["greedy"] * 3


@pytest.mark.parametrize(("hosts", "each", "port"), [(1300, 1, 9999), (1, 60, 1)])
def test_however_much_waits_for_one_owner_another_is_found_behind_it(
    store: JobStore, hosts: int, each: int, port: int
) -> None:
    """The first look sees nothing that may be taken; what it saw is behind the other's then."""
    deliveries, client = Deliveries(store), store.client
    job_id = tell(store, "http://127.0.0.1:1/", "greedy")
    (model,) = deliveries.of("job", job_id, "greedy")
    record = client.hgetall(f"atelier:delivery:{model.id}")
    pipeline = client.pipeline(transaction=False)
    for number in range(hosts * each):
        host, name = f"127.0.0.1:{1 + number // each}", f"msg_{number}"
        pipeline.hset(f"atelier:delivery:{name}", mapping={**record, "id": name, "host": host})
        pipeline.zadd(f"atelier:webhooks:due:{host}", {name: model.created_at})
        pipeline.zadd("atelier:webhooks:hosts", {host: model.created_at})
    pipeline.execute()
    tell(store, f"http://127.0.0.1:{port}/", "other")
    used_up: dict[str, Any] = {"a_host": 8, "an_owner": 3, "owners": {"greedy": 3}}
    looks = [deliveries.claim(9, lease_seconds=60, **used_up) for _ in range(3)]
    assert [delivery.owner for look in looks for delivery in look] == ["other"]
