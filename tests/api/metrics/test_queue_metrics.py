"""`/metrics` of the API: the queue's numbers as `/v1/stats` has them, and what is counted as it ends."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.services import Services, build_services
from atelier.local.redis_server import EmbeddedServer
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.errors import OutOfMemory, StorageUnavailable
from shared.metrics.snapshot import read_snapshot
from shared.redis.client import Client
from shared.settings import Settings
from shared.workers import LoadedModel, Worker
from tests.support.http.receiver import Receiver
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.waiting import eventually
from worker.webhooks.dispatcher import Dispatcher

GENERATE = {"type": "generate", "seed": 7}
MODEL = "mnist-dcgan"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.metrics.snapshot.FRESH_SECONDS", 0.0)


def samples(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return {(one.name, frozenset(one.labels.items())): one.value for each in families for one in each.samples}


def scrape(client: FlaskClient, **how: Any) -> Samples:
    response = client.get("/metrics", **how)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert response.headers["Cache-Control"] == "no-store"
    return samples(response.text)


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((f"atelier_{name}", frozenset(labels.items())))


def submit(client: FlaskClient, times: int = 1, **more: Any) -> list[str]:
    return [client.post("/v1/jobs", json={**GENERATE, **more}).json["id"] for _ in range(times)]


def test_the_queue_s_numbers_are_those_of_stats(client: FlaskClient, worker: FakeWorker) -> None:
    first, second, *_ = submit(client, 4)
    submit(client, 3, lane="bulk")
    client.post("/v1/pauses", json={"lane": "bulk", "reason": "test"})
    worker.run(first)
    worker.claim(second)
    worker.announce(MODEL)
    found = scrape(client)
    for lane in client.get("/v1/stats").json["lanes"]:
        for state in ("waiting", "paused", "running"):
            assert value(found, "queue_jobs", lane=lane["lane"], state=state) == lane[state]
    assert value(found, "queue_model_jobs", model=MODEL, state="waiting") == 2
    assert value(found, "queue_model_jobs", model=MODEL, state="paused") == 3
    assert (value(found, "workers", state="taking"), value(found, "worker_slots")) == (1, 4)
    assert (value(found, "store_up"), value(found, "queue_whole")) == (1, 1)
    assert 0 < (value(found, "queue_oldest_seconds", lane="interactive") or 0) < 60
    assert value(found, "queue_oldest_seconds", lane="bulk") == 0
    assert 0 <= (value(found, "queue_progress_age_seconds") or 0) < 60


def test_versions_of_a_model_count_under_its_name(client: FlaskClient, worker: FakeWorker) -> None:
    submit(client, 2)
    found = submit(client, model=f"{MODEL}@4")
    assert value(scrape(client), "queue_model_jobs", model=MODEL, state="waiting") == 3
    worker.run(found[0])
    numbers = scrape(client)
    assert value(numbers, "queue_model_jobs", model=MODEL, state="waiting") == 2
    assert {dict(labels).get("model", MODEL) for _, labels in numbers} == {MODEL}


def test_what_ends_is_counted_by_model_and_code(client: FlaskClient, worker: FakeWorker) -> None:
    done, wrong, withdrawn, waiting = submit(client, 4)
    worker.run(done)
    worker.fail(worker.claim(wrong))
    worker.claim(withdrawn)
    client.post(f"/v1/jobs/{withdrawn}/cancel")
    client.post(f"/v1/jobs/{waiting}/cancel")
    found = scrape(client)
    of = {"lane": "interactive", "model": MODEL}
    assert value(found, "jobs_ended_total", status="succeeded", code="", **of) == 1
    assert value(found, "jobs_ended_total", status="failed", code="corrupt_image", **of) == 1
    assert value(found, "jobs_ended_total", status="canceled", code="", **of) == 2
    assert value(found, "attempts_ended_total", outcome="succeeded", model=MODEL, code="") == 1
    assert value(found, "attempts_ended_total", outcome="failed", model=MODEL, code="corrupt_image") == 1
    assert (
        value(found, "attempts_ended_total", outcome="canceled", model=MODEL, code="") == 1
    )  # one never ran


def test_items_of_batches_are_counted_as_jobs_are(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    body = {"items": [{"type": "generate", "seed": seed} for seed in range(3)]}
    assert client.post("/v1/batches", json=body).status_code in (200, 201, 202)
    for job in services.store.claim_next("w1", most=3):
        worker.succeed(job)
    found = scrape(client)
    of = {"lane": "bulk", "model": MODEL, "code": ""}
    assert value(found, "jobs_ended_total", status="succeeded", **of) == 3
    assert value(found, "attempts_ended_total", outcome="succeeded", model=MODEL, code="") == 3


def test_takeovers_and_passing_faults_are_attempts(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    (job_id,) = submit(client)
    worker.claim(job_id)
    eventually(lambda: bool(services.store.reap().reclaimed))
    job = worker.claim(job_id)
    services.store.requeue(job.id, job.attempt, OutOfMemory())
    job = worker.claim(job_id)
    services.store.release(job.id, job.attempt, code=StorageUnavailable.code)
    found = scrape(client)
    of = {"model": MODEL}
    assert value(found, "attempts_ended_total", outcome="lost", code="", **of) == 1
    assert value(found, "attempts_ended_total", outcome="transient", code="out_of_memory", **of) == 1
    assert value(found, "attempts_ended_total", outcome="released", code="storage_unavailable", **of) == 1
    assert not [name for name, _ in found if name == "atelier_jobs_ended_total"]


def test_a_job_that_takes_over_a_result_is_a_cache_hit(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    services.roster.announce(Worker("w1", 4, (LoadedModel(MODEL, "1", "d" * 64),)))
    first, second = submit(client, 2, cache=True)
    worker.run(first)  # which the second followed
    (third,) = submit(client, cache=True)
    assert {client.get(f"/v1/jobs/{each}").json["status"] for each in (second, third)} == {"succeeded"}
    found = scrape(client)
    assert value(found, "jobs_reused_total", model=MODEL) == 2
    of = {"lane": "interactive", "model": MODEL, "code": ""}
    assert value(found, "jobs_ended_total", status="succeeded", **of) == 3
    assert value(found, "attempts_ended_total", outcome="succeeded", model=MODEL, code="") == 1


def test_tries_of_deliveries_are_counted_by_what_they_made(
    client: FlaskClient,
    services: Services,
    worker: FakeWorker,
    told: Receiver,
    dispatcher: Dispatcher,
    redis_client: Client,
) -> None:
    private = services.settings.model_copy(
        update={"webhook": services.settings.webhook.model_copy(update={"allow_private": "true"})}
    )
    app = create_app(Services(**{**_parts(services), "settings": private}))
    http = app.test_client()
    told.answer(204, 500)
    for _ in range(2):
        job = http.post("/v1/jobs", json={**GENERATE, "webhook": {"url": told.url}}).json["id"]
        worker.run(job)
        assert (value(scrape(http), "webhooks_overdue_seconds") or 0) >= 0
        dispatcher.run()
    found = scrape(http)
    assert value(found, "delivery_tries_total", status="delivered") == 1
    assert value(found, "delivery_tries_total", status="pending") == 1
    assert value(found, "webhooks_overdue_seconds") == 0  # the next try is due in a minute
    key = services.store.scripts.keys("webhook_hosts")
    (host,) = redis_client.zrange(key, 0, -1)
    redis_client.zincrby(key, -120_000, host)
    assert 50 < (value(scrape(http), "webhooks_overdue_seconds") or 0) < 120


def _parts(services: Services) -> dict[str, Any]:
    return {name: getattr(services, name) for name in services.__dataclass_fields__}


def test_what_cannot_be_read_is_absent_and_not_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.access.table.FRESH_SECONDS", 600.0)  # keys were read just before
    with EmbeddedServer(tmp_path / "server") as server:
        settings = Settings(redis_url=server.url, state_dir=tmp_path)
        client = create_app(build_services(settings)).test_client()
        assert value(scrape(client), "store_up") == 1
    found = scrape(client)
    assert value(found, "store_up") == 0
    names = {name for name, _ in found}
    for told in ("queue_jobs", "workers", "jobs_ended_total", "store_used_bytes", "webhooks_overdue_seconds"):
        assert f"atelier_{told}" not in names
    assert {"atelier_build_info", "atelier_storage_free_bytes", "process_cpu_seconds_total"} <= names


def test_without_a_job_store_there_is_an_error_and_no_number(tmp_path: Path) -> None:
    settings = Settings(redis_url=f"unix://{tmp_path}/nowhere", state_dir=tmp_path)
    response = create_app(build_services(settings)).test_client().get("/metrics")
    assert (response.status_code, response.json["code"]) == (503, "store_unavailable")
    assert "atelier_" not in response.text


def test_scrapes_at_once_share_a_reading_and_a_failure(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = []

    def counted(*parts: Any) -> Any:
        readings.append(1)
        return read_snapshot(*parts)

    monkeypatch.setattr("shared.metrics.snapshot.FRESH_SECONDS", 600.0)
    monkeypatch.setattr("shared.metrics.snapshot.read_snapshot", counted)
    assert value(scrape(client), "queue_jobs", lane="bulk", state="waiting") == 0
    submit(client, lane="bulk")
    assert value(scrape(client), "queue_jobs", lane="bulk", state="waiting") == 0
    assert readings == [1]


def test_labels_have_no_owner_no_id_and_no_name_that_is_unknown(
    client: FlaskClient, services: Services, worker: FakeWorker, redis_client: Client
) -> None:
    _, text = KeyStore(services.store.scripts).create(
        "k", owner="secretive", scopes=frozenset({Scope.SUBMIT, Scope.METRICS})
    )
    header = {"Authorization": f"Bearer {text}"}
    body = {**GENERATE, "metadata": {"m": "secretive"}}
    job_id = client.post("/v1/jobs", json=body, headers=header).json["id"]
    worker.run(job_id)
    totals = services.store.scripts.keys("totals")
    redis_client.hset(totals, "job failed bulk a-model-that-went a_code_of_a_newer_version", 2)
    redis_client.hset(totals, "job failed bulk another-that-went another_code", 3)
    redis_client.hset(totals, "something of a newer version", 5)
    response = client.get("/metrics", headers=header)
    found = samples(response.text)
    assert value(found, "jobs_ended_total", status="failed", lane="bulk", model="other", code="other") == 5
    assert value(found, "jobs_ended_total", status="succeeded", lane="interactive", model=MODEL, code="") == 1
    assert not [each for each in ("secretive", job_id, "went", "newer") if each in response.text]


def test_a_key_needs_the_scope(client: FlaskClient, services: Services) -> None:
    keys = KeyStore(services.store.scripts)
    texts = {
        scope: keys.create(scope, owner="o", scopes=frozenset({scope}))[1]
        for scope in (Scope.READ, Scope.METRICS, Scope.ADMIN)
    }
    got = {
        scope: client.get("/metrics", headers={"Authorization": f"Bearer {text}"}).status_code
        for scope, text in texts.items()
    }
    assert got == {Scope.READ: 403, Scope.METRICS: 200, Scope.ADMIN: 200}
    assert client.get("/metrics").status_code == 401


def test_openmetrics_comes_where_it_is_asked_for(client: FlaskClient) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    response = FlaskClient.open(client, "/metrics", headers={"Accept": accept})
    assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert response.text.endswith("# EOF\n")


def test_requests_are_counted_by_route_and_what_nobody_knows_is_one(client: FlaskClient) -> None:
    (job_id,) = submit(client)
    client.get(f"/v1/jobs/{job_id}")
    for number in range(3):
        client.get(f"/nowhere/{number}")
        client.open(f"/v1/jobs/{number}", method=f"ODD{number}")
    found = scrape(client)
    assert value(found, "http_requests_total", method="POST", route="/v1/jobs", status="202") == 1
    assert value(found, "http_requests_total", method="GET", route="/v1/jobs/<job_id>", status="200") == 1
    assert value(found, "http_requests_total", method="GET", route="none", status="404") == 3
    assert value(found, "http_requests_total", method="other", route="none", status="405") == 3
    assert value(found, "http_request_seconds_count", route="/v1/jobs/<job_id>") == 1


def test_an_application_counts_its_own_requests_alone(client: FlaskClient, services: Services) -> None:
    submit(client)
    found = scrape(create_app(services).test_client())
    assert value(found, "http_requests_total", method="POST", route="/v1/jobs", status="202") is None
