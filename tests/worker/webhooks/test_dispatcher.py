import base64
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl

import pytest
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from atelier.local.redis_server import EmbeddedServer
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.access.table import KeyTable
from shared.cards.card import load_catalog
from shared.errors import CorruptImage
from shared.identifiers import ANONYMOUS, new_job_id
from shared.jobs.job import StoredOutput
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.network import guarded_client
from shared.network_settings import WebhookSettings
from shared.redis.client import connect
from shared.setting_groups import RedisRules
from shared.settings import Settings
from shared.signing_secret import new_secret
from shared.specs.spec import JOB_SPEC, resolve
from shared.specs.webhook import webhook_record
from shared.webhooks.delivery import Delivery, DeliveryStatus
from shared.webhooks.store import Deliveries, WebhookSecrets
from tests.support.http.receiver import Receiver, receiver
from tests.support.waiting import eventually
from worker.webhooks.dispatcher import Dispatcher, dispatcher_of
from worker.webhooks.sender import DeliveryRules
from worker.webhooks.shares import Shares

BASE = "http://pictures.example"
OUTPUT = StoredOutput("outputs/x/1/0.png", "image/png", 28, 28, 100, "ab" * 32, seed=7)
QUICK = DeliveryRules(timeout_seconds=2, lease_seconds=0.3, pauses_seconds=(0.05,) * 9)


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def deliveries(store: JobStore) -> Deliveries:
    return Deliveries(store)


@pytest.fixture
def dispatcher(store: JobStore, tmp_path: Path) -> Dispatcher:
    return dispatcher_of(store, Settings(state_dir=tmp_path), QUICK)


def submit(
    store: JobStore, url: str, *events: str, private: bool = True, ttl: int = 60, owner: str = ANONYMOUS
) -> str:
    """Submit a job that tells a receiver, as the API does; return its id."""
    webhook: dict[str, Any] = {"url": url} | ({"events": list(events)} if events else {})
    raw = {"type": "generate", "seed": 7, "webhook": webhook, "ttl_seconds": ttl}
    spec = resolve(JOB_SPEC.validate_python(raw), load_catalog())
    assert spec.webhook is not None
    record = webhook_record(spec.webhook, private=private, base=BASE)
    return store.submit(Submission(new_job_id(), owner, spec, "f", webhook=record)).id


def succeed(store: JobStore, job_id: str) -> None:
    job = store.claim(job_id, "w1")
    assert job is not None
    store.succeed(job_id, job.attempt, outputs=(OUTPUT,), timings={"predict": 0.25}, model=("1", "d" * 64))


def tell(store: JobStore, url: str, **options: Any) -> str:
    """Let a job succeed that tells a receiver; return its id."""
    job_id = submit(store, url, **options)
    succeed(store, job_id)
    return job_id


def only(deliveries: Deliveries, job_id: str) -> Delivery:
    (delivery,) = deliveries.of("job", job_id, ANONYMOUS)
    return delivery


def drive(dispatcher: Dispatcher, deliveries: Deliveries, job_id: str) -> Delivery:
    """Ring as the reaper does, until the job's delivery is over."""

    def is_over() -> bool:
        dispatcher.run()
        return only(deliveries, job_id).status is not DeliveryStatus.PENDING

    eventually(is_over, seconds=20)
    return only(deliveries, job_id)


def test_success_is_told_once(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, told: Receiver
) -> None:
    job_id = tell(store, told.url)
    dispatcher.run()
    dispatcher.run()
    (request,) = told.received
    event = request.event
    assert (event["type"], event["data"]["id"], event["data"]["status"]) == (
        "job.succeeded",
        job_id,
        "succeeded",
    )
    assert event["data"]["outputs"][0]["url"] == f"{BASE}/v1/jobs/{job_id}/outputs/0"
    assert event["timestamp"] == event["data"]["completed_at"]
    delivery = only(deliveries, job_id)
    assert (delivery.status, delivery.id) == (DeliveryStatus.DELIVERED, request.id)
    assert [one.status for one in delivery.log] == [204]


def test_the_signature_verifies(store: JobStore, dispatcher: Dispatcher, told: Receiver) -> None:
    tell(store, told.url)
    dispatcher.run()
    (request,) = told.received
    (secret,) = WebhookSecrets(store.scripts).current()
    assert Verifier(secret).verify(request.body, request.headers) == request.event
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(request.body + b" ", request.headers)


def test_a_renewed_secret_and_the_old_one_both_verify(
    store: JobStore, dispatcher: Dispatcher, told: Receiver
) -> None:
    (old,) = WebhookSecrets(store.scripts).current()
    new, kept = WebhookSecrets(store.scripts).renew()
    assert (kept, new != old) == (old, True)
    tell(store, told.url)
    dispatcher.run()
    (request,) = told.received
    for secret in (old, new):
        assert Verifier(secret).verify(request.body, request.headers)


def test_each_owner_is_signed_for_with_an_own_secret(
    store: JobStore, dispatcher: Dispatcher, told: Receiver
) -> None:
    secrets = WebhookSecrets(store.scripts)
    for owner in ("anna", "bert", ANONYMOUS):
        succeed(store, submit(store, told.url, owner=owner))
        dispatcher.run()
        request = told.received[-1]
        (own,) = secrets.current(owner)
        assert Verifier(own).verify(request.body, request.headers) == request.event
        for other in {"anna", "bert", ANONYMOUS} - {owner}:
            with pytest.raises(WebhookVerificationError):
                Verifier(secrets.current(other)[0]).verify(request.body, request.headers)


def test_what_a_receiver_is_told_is_signed_with_the_owners_key(
    store: JobStore, dispatcher: Dispatcher, told: Receiver
) -> None:
    keys = KeyStore(store.scripts)
    table = KeyTable(keys)
    read, _ = keys.create("a", owner="anna", scopes=frozenset({Scope.READ}), expires_seconds=9000)
    keys.create("b", owner="anna", scopes=frozenset({Scope.READ}), expires_seconds=90)
    keys.create("c", owner="anna", scopes=frozenset({Scope.SUBMIT}))
    keys.create("d", owner="bert", scopes=frozenset({Scope.SUBMIT}))
    keys.revoke(keys.create("e", owner="carla", scopes=frozenset({Scope.READ}))[0].id)
    urls = {}
    for owner in ("anna", "bert", "carla", ANONYMOUS):
        succeed(store, submit(store, told.url, owner=owner))
        dispatcher.run()
        urls[owner] = told.received[-1].event["data"]["outputs"][0]["url"]
    path, _, query = urls.pop("anna").removeprefix(BASE).partition("?")
    table.refresh()
    assert table.signer_of(path, *dict(parse_qsl(query)).values()) == read, "it is valid for longest"
    assert not [url for url in urls.values() if "?" in url]


def test_the_operators_secrets_sign(store: JobStore, told: Receiver, tmp_path: Path) -> None:
    first, second = new_secret(), new_secret()
    webhook = WebhookSettings.model_validate({"secret": f"{first} {second}"})
    tell(store, told.url)
    dispatcher_of(store, Settings(state_dir=tmp_path, webhook=webhook), QUICK).run()
    (request,) = told.received
    for secret in (first, second):
        assert Verifier(secret).verify(request.body, request.headers)


def test_a_refused_try_is_made_again_under_the_same_id(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, told: Receiver
) -> None:
    told.answer(500, 503, 200)
    delivery = drive(dispatcher, deliveries, tell(store, told.url))
    assert delivery.status is DeliveryStatus.DELIVERED
    assert {request.id for request in told.received} == {delivery.id}
    assert len({request.body for request in told.received}) == 1
    assert [(one.status, one.error) for one in delivery.log] == [
        (500, "answered 500"),
        (503, "answered 503"),
        (200, None),
    ]


def test_410_stops_for_good(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, told: Receiver
) -> None:
    told.answer(410)
    delivery = drive(dispatcher, deliveries, tell(store, told.url))
    assert delivery.status is DeliveryStatus.DISABLED
    dispatcher.run()
    assert len(told.received) == 1


def test_tries_come_to_an_end(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, told: Receiver
) -> None:
    told.answer(500)
    delivery = drive(dispatcher, deliveries, tell(store, told.url))
    assert (delivery.status, len(told.received)) == (DeliveryStatus.FAILED, 10)


def test_a_person_has_it_delivered_again_under_the_same_id(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, told: Receiver
) -> None:
    told.answer(410, 200)
    delivery = drive(dispatcher, deliveries, tell(store, told.url))
    deliveries.redeliver(delivery.id, ANONYMOUS)
    dispatcher.run()
    assert [request.id for request in told.received] == [delivery.id, delivery.id]
    assert deliveries.get(delivery.id, ANONYMOUS).status is DeliveryStatus.DELIVERED


def test_what_a_dead_worker_posted_and_did_not_note_is_delivered_again(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, told: Receiver
) -> None:
    job_id = tell(store, told.url)
    # The worker that claimed this has died, before or after its POST: nobody can know.
    (claimed,) = deliveries.claim(1, lease_seconds=0.3, a_host=1)
    dispatcher.run()
    assert told.received == []
    delivery = drive(dispatcher, deliveries, job_id)
    assert [request.id for request in told.received] == [claimed.id]
    assert delivery.status is DeliveryStatus.DELIVERED


def test_a_worker_that_lost_its_claim_notes_nothing(store: JobStore, deliveries: Deliveries) -> None:
    tell(store, "http://127.0.0.1:9/")
    (first,) = deliveries.claim(1, lease_seconds=0, a_host=1)
    (second,) = deliveries.claim(1, lease_seconds=60, a_host=1)
    assert not deliveries.note(first, DeliveryStatus.FAILED, {"milliseconds": 1})
    assert deliveries.note(second, DeliveryStatus.DELIVERED, {"milliseconds": 1})


def test_a_slow_receiver_holds_up_its_own_deliveries_alone(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, told: Receiver
) -> None:
    with receiver() as slow:
        slow.hold.clear()
        jobs = [tell(store, slow.url) for _ in range(Shares().a_host + 66)]
        thread = threading.Thread(target=dispatcher.run)
        thread.start()
        slow.wait_for(Shares().a_host)
        job_id = tell(store, told.url)
        eventually(lambda: only(deliveries, job_id).status is DeliveryStatus.DELIVERED, seconds=1.5)
        assert len(slow.received) == Shares().a_host
        slow.hold.set()
        thread.join()
        assert {drive(dispatcher, deliveries, job).status for job in jobs} == {DeliveryStatus.DELIVERED}


def test_a_receiver_that_never_answers_is_given_up_on(
    store: JobStore, deliveries: Deliveries, told: Receiver, tmp_path: Path
) -> None:
    told.hold.clear()
    rules = DeliveryRules(timeout_seconds=0.2, pauses_seconds=())
    delivery = drive(
        dispatcher_of(store, Settings(state_dir=tmp_path), rules), deliveries, tell(store, told.url)
    )
    assert delivery.status is DeliveryStatus.FAILED
    assert delivery.log[0].error == "no answer within 0.2 s"


def test_retry_after_is_honored(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, told: Receiver
) -> None:
    told.answer(429, Retry_After="3600")
    job_id = tell(store, told.url)
    dispatcher.run()
    delivery = only(deliveries, job_id)
    assert delivery.next_at is not None
    assert 3590 < (delivery.next_at - delivery.log[0].at) / 1000 < 3610


def test_a_redirect_is_not_followed(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, told: Receiver
) -> None:
    with receiver() as other:
        told.answer(307, Location=other.url)
        delivery = drive(dispatcher, deliveries, tell(store, told.url))
        assert (delivery.status, other.received) == (DeliveryStatus.FAILED, [])
        assert delivery.log[0].error == "answered 307: redirects are not followed"


@pytest.mark.parametrize("event", ["job.canceled", "job.failed", "job.started"])
def test_other_events_are_told(store: JobStore, dispatcher: Dispatcher, told: Receiver, event: str) -> None:
    job_id = submit(store, told.url, event)
    if event == "job.canceled":
        store.cancel(job_id, ANONYMOUS)
    else:
        job = store.claim(job_id, "w1")
        assert job is not None
        store.fail(job_id, job.attempt, CorruptImage.of_field("/content", "it ends early"))
    dispatcher.run()
    assert [request.event["type"] for request in told.received] == [event]


def test_expiry_is_told(store: JobStore, dispatcher: Dispatcher, told: Receiver) -> None:
    job_id = submit(store, told.url)
    store.client.zadd("atelier:deadlines", {job_id: 1})
    store.client.hset(f"atelier:job:{job_id}", "deadline_at", 1)
    store.reap()
    dispatcher.run()
    assert [request.event["type"] for request in told.received] == ["job.expired"]


def test_an_event_that_is_not_wanted_is_not_told(store: JobStore, deliveries: Deliveries) -> None:
    job_id = submit(store, "http://127.0.0.1:9/", "job.failed")
    succeed(store, job_id)
    assert deliveries.of("job", job_id, ANONYMOUS) == []


def test_a_job_taken_back_by_its_last_crash_is_told(
    store: JobStore, dispatcher: Dispatcher, told: Receiver
) -> None:
    job_id = submit(store, told.url)
    store.client.hset(f"atelier:job:{job_id}", "crashes", store.rules.crash_budget - 1)
    assert store.claim(job_id, "w1") is not None
    store.client.zadd("atelier:leases", {job_id: 1})
    store.reap()
    dispatcher.run()
    assert [request.event["data"]["error"]["code"] for request in told.received] == ["worker_lost"]


def test_private_addresses_are_refused_where_the_api_said_so(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, told: Receiver
) -> None:
    delivery = drive(dispatcher, deliveries, tell(store, told.url, private=False))
    assert (delivery.status, told.received) == (DeliveryStatus.FAILED, [])
    assert delivery.log[0].error == guarded_client.REFUSED


@pytest.mark.parametrize(("allowed", "count"), [("true", 1), ("false", 0)])
def test_the_workers_setting_wins(
    store: JobStore, told: Receiver, tmp_path: Path, allowed: Literal["true", "false"], count: int
) -> None:
    webhook = WebhookSettings(allow_private=allowed)
    tell(store, told.url, private=allowed == "false")
    dispatcher_of(store, Settings(state_dir=tmp_path, webhook=webhook), QUICK).run()
    assert len(told.received) == count


def test_a_name_is_told_at_the_address_that_was_checked(
    store: JobStore, dispatcher: Dispatcher, told: Receiver
) -> None:
    tell(store, told.url.replace("127.0.0.1", "localhost"))
    dispatcher.run()
    (request,) = told.received
    assert request.headers["host"].startswith("localhost:")


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "[::ffff:169.254.169.254]", "0.0.0.0"])
def test_the_metadata_address_is_refused_however_it_is_spelled(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, host: str
) -> None:
    job_id = tell(store, f"http://{host}/latest/meta-data")
    dispatcher.run()
    assert only(deliveries, job_id).log[0].error == guarded_client.REFUSED


def test_deliveries_go_with_their_job(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, told: Receiver
) -> None:
    told.answer(500)
    job_id = tell(store, told.url)
    dispatcher.run()
    store.delete(job_id, ANONYMOUS)
    assert deliveries.page(ANONYMOUS).items == ()
    assert list(store.client.scan_iter("atelier:*deliver*")) == []
    assert list(store.client.scan_iter("atelier:told:*")) == []
    assert list(store.client.scan_iter("atelier:webhooks:*")) == ["atelier:webhooks:secrets"]


def test_a_delivery_whose_job_is_lost_is_dropped(
    store: JobStore, dispatcher: Dispatcher, deliveries: Deliveries, told: Receiver
) -> None:
    job_id = tell(store, told.url)
    store.client.delete(f"atelier:job:{job_id}")
    dispatcher.run()
    assert (told.received, deliveries.of("job", job_id, ANONYMOUS)) == ([], [])


def test_a_stopped_dispatcher_begins_nothing(store: JobStore, dispatcher: Dispatcher, told: Receiver) -> None:
    tell(store, told.url)
    dispatcher.stop()
    dispatcher.run()
    assert told.received == []


def test_the_timestamp_is_the_servers(store: JobStore, dispatcher: Dispatcher, told: Receiver) -> None:
    tell(store, told.url)
    dispatcher.run()
    seconds, _ = store.client.time()
    assert abs(int(told.received[0].headers["webhook-timestamp"]) - seconds) <= 2


def test_a_secret_is_standard_base64() -> None:
    key = new_secret().removeprefix("whsec_")
    assert len(base64.b64decode(key, validate=True)) == 32


def resolves_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let the name server answer with these addresses, one list a question; return its questions."""
    asked: list[str] = []

    def look_up(host: bytes, port: int, **_: Any) -> list[Any]:
        asked.append(host.decode())
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(guarded_client, "getaddrinfo", look_up)
    return asked


def test_a_name_that_changes_its_address_is_told_at_the_one_that_was_checked(
    store: JobStore, dispatcher: Dispatcher, told: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolves_to(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    tell(store, told.url.replace("127.0.0.1", "rebound.example"))
    dispatcher.run()
    (request,) = told.received
    assert (asked, request.headers["host"].split(":")[0]) == (["rebound.example"], "rebound.example")


def test_a_name_of_a_private_address_is_refused(
    store: JobStore,
    dispatcher: Dispatcher,
    deliveries: Deliveries,
    told: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolves_to(monkeypatch, ["127.0.0.1"])
    job_id = tell(store, told.url.replace("127.0.0.1", "public.example"), private=False)
    dispatcher.run()
    assert told.received == []
    assert only(deliveries, job_id).log[0].error == guarded_client.REFUSED


def test_of_a_names_addresses_only_those_allowed_are_told(
    store: JobStore, dispatcher: Dispatcher, told: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolves_to(monkeypatch, ["169.254.169.254", "127.0.0.1"])
    tell(store, told.url.replace("127.0.0.1", "mixed.example"))
    dispatcher.run()
    assert len(told.received) == 1


def test_what_a_receiver_answers_is_kept_and_logged_plainly(
    store: JobStore, deliveries: Deliveries, dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for answer in (
        b"HTTP/1.1 \x1b[2J\r\n\r\n",
        b"\x1b]0;owned\x07\r\n",
        b"HTTP/1.1 200 OK\r\n\x1b[2J: a\r\n\r\n",
    ):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=_answer, args=(listener, answer))
            thread.start()
            job_id = tell(store, f"http://127.0.0.1:{listener.getsockname()[1]}/told")
            dispatcher.run()
            thread.join()
        (tried, *_) = only(deliveries, job_id).log
        assert tried.error is not None
        assert tried.error.isprintable()
    errors = [vars(record)["error"] for record in caplog.records if "error" in vars(record)]
    assert errors
    assert [error for error in errors if not error.isprintable()] == []


def _answer(listener: socket.socket, data: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(data)


def test_deliveries_go_out_while_replicas_are_away(
    store: JobStore, told: Receiver, server: EmbeddedServer, tmp_path: Path
) -> None:
    WebhookSecrets(store.scripts).current()
    with connect(server.url, rules=RedisRules(replicas=1, replica_seconds=0.05)) as client:
        replicated = JobStore(client, store.rules)
        job_id = tell(store, told.url)
        dispatcher = dispatcher_of(replicated, Settings(state_dir=tmp_path), QUICK)
        assert drive(dispatcher, Deliveries(store), job_id).status is DeliveryStatus.DELIVERED
