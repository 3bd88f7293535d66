"""`queue.reason`: each word where its cause holds, and the job runs once the cause is gone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.errors import AtelierError, ModelUnavailable, OutOfDisk, StorageUnavailable
from shared.identifiers import ANONYMOUS
from shared.jobs import store as job_store
from shared.jobs.job import Job
from shared.jobs.record import RECORD_SCHEMA
from shared.owners.quota import QuotaStore
from shared.workers import LoadedModel, Worker
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.jobs.job_steps import lapse

DIGIT = {"type": "generate", "seed": 7}
MODEL = "mnist-dcgan"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("shared.workers.RECENT_SECONDS", 0.0)
    return


def submit(client: FlaskClient, **more: Any) -> str:
    return str(client.post("/v1/jobs", json={**DIGIT, **more}).json["id"])


def begin(client: FlaskClient, items: int = 2, **more: Any) -> Any:
    return client.post("/v1/batches", json={"items": [DIGIT] * items, **more}).json


def queue(client: FlaskClient, job_id: str) -> Any:
    return client.get(f"/v1/jobs/{job_id}").json["queue"]


def reason(client: FlaskClient, job_id: str) -> str:
    return str(queue(client, job_id)["reason"])


def reason_of_batch(client: FlaskClient, batch: Any) -> str | None:
    told = client.get(batch["urls"]["self"]).json["queue"]
    return told and str(told["reason"])


def announce(services: Services, name: str = "w1", **more: Any) -> None:
    models = (LoadedModel(MODEL, "1", "d" * 64),)
    services.roster.announce(Worker(name, 1, models, **{"available": (MODEL,), **more}))


def claim(services: Services, worker: str = "w1") -> Job | None:
    return next(iter(services.store.claim_next(worker)), None)


def test_workers_are_busy(client: FlaskClient, services: Services, worker: FakeWorker) -> None:
    announce(services)
    first, second = submit(client), submit(client)
    job = claim(services)
    assert reason(client, second) == "workers_busy"
    assert job is not None
    worker.succeed(job)
    assert (job.id, claim(services).id) == (first, second)  # type: ignore[union-attr]
    assert queue(client, second) is None


def test_no_worker_lives(client: FlaskClient, services: Services) -> None:
    job_id, batch = submit(client), begin(client)
    assert (reason(client, job_id), reason_of_batch(client, batch)) == ("no_worker", "no_worker")
    announce(services)
    assert (reason(client, job_id), reason_of_batch(client, batch)) == ("workers_busy", "workers_busy")


def test_no_worker_has_the_model(client: FlaskClient, services: Services) -> None:
    job_id, batch = submit(client), begin(client)
    services.roster.announce(Worker("w1", 1, (), available=("magenta-mobile",)))
    words = (reason(client, job_id), reason_of_batch(client, batch))
    assert words == ("no_worker_has_model", "no_worker_has_model")
    announce(services, "w2")
    assert (reason(client, job_id), claim(services, "w2").id) == ("workers_busy", job_id)  # type: ignore[union-attr]


def test_no_worker_has_the_model_that_enlarges(client: FlaskClient, services: Services) -> None:
    job_id = submit(client, output={"enlarge": 2})
    announce(services)
    assert reason(client, job_id) == "no_worker_has_model"
    announce(services, available=(MODEL, "enlarge-x2"), schema=4)
    assert reason(client, job_id) == "needs_newer_worker"
    announce(services, available=(MODEL, "enlarge-x2"), schema=RECORD_SCHEMA)
    assert reason(client, job_id) == "workers_busy"


def test_no_worker_has_all_of_several_further_models(client: FlaskClient, services: Services) -> None:
    content = client.post("/v1/files", data={"file": (BytesIO(png(40, 30)), "a.png")}).json["id"]
    asked = {"type": "stylize", "content": content, "styles": [{"image": content}], "upsample": "network"}
    job_id = client.post("/v1/jobs", json={**asked, "output": {"enlarge": 2}}).json["id"]
    for names in (("enlarge-x2",), ("enlarge-x4",)):
        announce(services, available=("magenta-mobile", *names))
        assert reason(client, job_id) == "no_worker_has_model"
    announce(services, available=("magenta-mobile", "enlarge-x2", "enlarge-x4"), schema=RECORD_SCHEMA)
    assert reason(client, job_id) == "workers_busy"


def test_no_worker_serves_the_lane(client: FlaskClient, services: Services) -> None:
    job_id, batch = submit(client), begin(client)
    announce(services, lane="bulk")
    told = (reason(client, job_id), reason_of_batch(client, batch))
    assert told == ("no_worker_serves_lane", "workers_busy")
    announce(services, "w2", lane="interactive")
    assert reason(client, job_id) == "workers_busy"


def test_an_older_worker_may_have_a_model_that_it_does_not_report(
    client: FlaskClient, services: Services
) -> None:
    job_id = submit(client)
    services.roster.announce(Worker("w1", 1, (), available=None))
    assert reason(client, job_id) == "workers_busy"


def test_a_worker_is_too_old(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(services, schema=3)
    job_id, batch = submit(client), begin(client)
    with monkeypatch.context() as patch:
        patch.setattr(job_store, "RECORD_SCHEMA", 3)
        assert claim(services) is None
    words = (reason(client, job_id), reason_of_batch(client, batch))
    assert words == ("needs_newer_worker", "needs_newer_worker")
    announce(services, "w2")
    assert (reason(client, job_id), claim(services, "w2").id) == ("workers_busy", job_id)  # type: ignore[union-attr]


def test_the_disks_of_all_workers_are_full(client: FlaskClient, services: Services) -> None:
    announce(services, has_room=False)
    job_id, batch = submit(client), begin(client)
    assert (reason(client, job_id), reason_of_batch(client, batch)) == ("disk_full", "disk_full")
    announce(services, "w2")
    assert (reason(client, job_id), claim(services, "w2").id) == ("workers_busy", job_id)  # type: ignore[union-attr]


def test_the_storage_answers_no_worker(client: FlaskClient, services: Services) -> None:
    announce(services, reaches_storage=False)
    job_id, batch = submit(client), begin(client)
    assert (reason(client, job_id), reason_of_batch(client, batch)) == ("storage_away", "storage_away")
    announce(services, "w2", lane="bulk", reaches_storage=False)
    announce(services, "w3", lane="bulk")
    assert reason(client, job_id) == "storage_away", "those that could start it do not reach the storage"
    announce(services, "w4")
    assert (reason(client, job_id), claim(services, "w4").id) == ("workers_busy", job_id)  # type: ignore[union-attr]


def test_a_result_found_no_room(client: FlaskClient, services: Services) -> None:
    announce(services)
    job_id = submit(client)
    job = claim(services)
    assert job is not None
    services.store.release(job.id, job.attempt, pause_seconds=60, code=OutOfDisk.code)
    told = queue(client, job_id)
    assert (told["reason"], told["until"] is not None) == ("disk_full", True)
    services.store.restart(job_id, ANONYMOUS)
    assert (reason(client, job_id), claim(services).id) == ("workers_busy", job_id)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("error", "told_reason"), [(StorageUnavailable, "storage_away"), (ModelUnavailable, "backoff")]
)
def test_a_job_pauses_after_an_error(
    client: FlaskClient, services: Services, error: type[AtelierError], told_reason: str
) -> None:
    announce(services)
    job_id = submit(client)
    job = claim(services)
    assert job is not None
    services.store.release(job.id, job.attempt, pause_seconds=60, code=error.code)
    told = queue(client, job_id)
    assert told["reason"] == told_reason
    left = datetime.fromisoformat(told["until"]) - datetime.now(UTC)
    assert timedelta(seconds=50) < left <= timedelta(seconds=61)
    assert claim(services) is None
    services.store.restart(job_id, ANONYMOUS)
    assert (reason(client, job_id), claim(services).id) == ("workers_busy", job_id)  # type: ignore[union-attr]


def test_the_last_item_of_a_batch_pauses_after_an_error(client: FlaskClient, services: Services) -> None:
    announce(services)
    batch = begin(client, items=1)
    job = claim(services)
    assert job is not None
    services.store.release(job.id, job.attempt, pause_seconds=60, code=ModelUnavailable.code)
    told = client.get(batch["urls"]["self"]).json["queue"]
    assert (told["reason"], told["until"] is not None) == ("backoff", True)
    services.store.restart(job.id, ANONYMOUS)
    assert reason_of_batch(client, batch) == "workers_busy"
    assert claim(services) is not None
    assert reason_of_batch(client, batch) is None  # nothing of it waits


def test_a_time_that_the_request_named(client: FlaskClient, services: Services) -> None:
    announce(services)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    job_id, batch = submit(client, not_before=later), begin(client, not_before=later)
    assert (reason(client, job_id), reason_of_batch(client, batch)) == ("not_before", "not_before")
    (item, *_) = client.get(batch["urls"]["items"]).json["data"]
    assert item["queue"]["reason"] == "not_before"
    told = datetime.fromisoformat(item["queue"]["until"])
    assert abs(told - datetime.fromisoformat(later)) < timedelta(milliseconds=2)
    assert claim(services) is None
    services.store.restart(job_id, ANONYMOUS)
    assert (reason(client, job_id), claim(services).id) == ("workers_busy", job_id)  # type: ignore[union-attr]


def test_a_batch_is_paused(client: FlaskClient, services: Services) -> None:
    announce(services)
    batch = begin(client)
    client.post(batch["urls"]["pause"])
    (item, *_) = client.get(batch["urls"]["items"]).json["data"]
    assert (reason_of_batch(client, batch), item["queue"]["reason"]) == ("paused", "paused")
    assert item["queue"]["detail"] is None
    assert claim(services) is None
    client.post(batch["urls"]["resume"])
    assert reason_of_batch(client, batch) == "workers_busy"
    assert claim(services) is not None


def test_a_batch_is_paused_until_a_time(client: FlaskClient) -> None:
    batch = begin(client)
    paused = client.post(batch["urls"]["pause"], json={"reason": "lunch", "for_seconds": 600}).json
    (item, *_) = client.get(batch["urls"]["items"]).json["data"]
    for told in (paused["queue"], item["queue"]):
        assert (told["reason"], told["detail"]) == ("paused", "lunch")
        assert told["until"] == paused["pause"]["until"]


@pytest.mark.parametrize("scope", [{}, {"lane": "interactive"}, {"model": MODEL}, {"owner": ANONYMOUS}])
@pytest.mark.parametrize("end", [{}, {"for_seconds": 600}])
def test_what_a_job_is_of_is_paused(
    client: FlaskClient, services: Services, scope: dict[str, str], end: dict[str, int]
) -> None:
    announce(services)
    job_id, batch = submit(client), begin(client, lane="interactive")
    pause = client.post("/v1/pauses", json={"reason": "the disk is moved", **scope, **end}).json
    for told in (queue(client, job_id), client.get(batch["urls"]["self"]).json["queue"]):
        assert (told["reason"], told["detail"]) == ("paused", "the disk is moved")
        assert told["until"] == pause["until"]
    assert claim(services) is None
    client.delete(pause["urls"]["self"])
    assert (reason(client, job_id), reason_of_batch(client, batch)) == ("workers_busy", "workers_busy")
    assert claim(services) is not None


@pytest.mark.parametrize(("pause_hours", "told"), [(1, "not_before"), (9, "paused"), (None, "paused")])
def test_of_a_pause_and_a_time_the_later_one_is_told(
    client: FlaskClient, pause_hours: int | None, told: str
) -> None:
    now = datetime.now(UTC)
    later, ends = now + timedelta(hours=5), now + timedelta(hours=pause_hours or 0)
    until = {} if pause_hours is None else {"until": ends.isoformat()}
    job_id, batch = submit(client, not_before=later.isoformat()), begin(client, not_before=later.isoformat())
    client.post(f"{batch['urls']['self']}/pause", json=until)
    assert reason_of_batch(client, batch) == told
    assert (
        client.post("/v1/pauses", json={"model": MODEL, "reason": "new weights", **until}).status_code == 201
    )
    assert reason(client, job_id) == told
    expected = {"not_before": later, "paused": ends if pause_hours else None}[told]
    shown = queue(client, job_id)["until"]
    assert (shown and datetime.fromisoformat(shown).replace(microsecond=0)) == (
        expected and expected.replace(microsecond=0)
    )


def test_as_many_jobs_of_a_model_run_as_may(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    announce(services)
    client.put(f"/v1/models/{MODEL}/limits", json={"running": 1})
    first, second = submit(client), submit(client, seed=8)
    assert reason(client, second) == "workers_busy"
    job = claim(services)
    assert job is not None
    assert (job.id, reason(client, second), claim(services)) == (first, "model_limit", None)
    worker.succeed(job)
    assert reason(client, second) == "workers_busy"
    assert claim(services) is not None


def test_items_after_a_sample_wait_for_it(client: FlaskClient) -> None:
    batch = begin(client, items=3, sample=1)
    first, *others = client.get(batch["urls"]["items"]).json["data"]
    assert first["queue"]["reason"] == "no_worker"
    assert {item["queue"]["detail"] for item in others} == {"the batch makes its sample first"}


def test_a_batch_that_stop_when_paused_says_so(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    batch = begin(client, items=3, stop_when={"failed": 1})
    job = claim(services)
    assert job is not None
    worker.fail(job)
    told = client.get(batch["urls"]["self"]).json["queue"]
    assert told["reason"] == "paused"
    assert "stop_when" in told["detail"]


def test_the_quota_of_running_jobs_is_reached(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    announce(services)
    QuotaStore(services.store.scripts, services.settings.quota).set(ANONYMOUS, {"running": 1})
    job_id, batch = submit(client), begin(client)
    first = claim(services)
    assert first is not None
    assert first.id == job_id
    assert claim(services) is None
    last = submit(client)
    assert (reason(client, last), reason_of_batch(client, batch)) == ("quota", "quota")
    worker.succeed(first)
    assert reason(client, last) == "workers_busy"
    assert claim(services) is not None


def test_a_job_that_may_kill_workers_waits_for_one_without_such_a_job(
    client: FlaskClient, services: Services
) -> None:
    announce(services)
    ids = {submit(client), submit(client)}
    for _ in range(2):
        for job_id in ids:
            assert services.store.claim(job_id, "gone") is not None
            lapse(services.store, job_id)
            services.store.reap()
    for job_id in ids:
        services.store.restart(job_id, ANONYMOUS)  # no pause
    first = claim(services)
    assert first is not None
    assert claim(services) is None
    (other,) = ids - {first.id}
    assert reason(client, other) == "held_after_crash"
    announce(services, "w2")
    assert reason(client, other) == "workers_busy"
    assert claim(services, "w2").id == other  # type: ignore[union-attr]


def test_a_job_takes_over_the_result_of_an_equal_one(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    announce(services)
    leader, follower = submit(client, cache=True), submit(client, cache=True)
    assert (reason(client, leader), reason(client, follower)) == ("workers_busy", "equal_job")
    job = claim(services)
    assert job is not None
    worker.succeed(job)
    assert client.get(f"/v1/jobs/{follower}").json["status"] == "succeeded"


def test_lists_say_it_too(client: FlaskClient) -> None:
    submit(client)
    begin(client)
    (job,) = client.get("/v1/jobs").json["data"]
    (batch,) = client.get("/v1/batches").json["data"]
    assert (job["queue"]["reason"], batch["queue"]["reason"]) == ("no_worker", "no_worker")


def test_a_batch_without_items_waits_for_nothing(client: FlaskClient) -> None:
    batch = client.post("/v1/batches", json={"open": True}).json
    assert batch["queue"] is None
