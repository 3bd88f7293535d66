"""`/v1/workers`: workers by name, and which of them are to claim no more jobs."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.jobs.store import WorkerCordoned
from shared.workers import LoadedModel, Worker
from tests.support.jobs.fake_worker import FakeWorker

ALPHA, BETA = "alpha-10-0a1b2c", "beta-2-11-3d4e5f"
MODELS = (LoadedModel("mnist-dcgan", "1", "d" * 64), LoadedModel("magenta-mobile", "1", "e" * 64))
NAMES = ("magenta-mobile", "mnist-dcgan")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.workers.RECENT_SECONDS", 0.0)


def announce(services: Services, worker_id: str = ALPHA, **more: Any) -> None:
    services.roster.announce(Worker(worker_id, 2, MODELS, **{"available": NAMES, **more}))


def submit(client: FlaskClient) -> str:
    return str(client.post("/v1/jobs", json={"type": "generate", "seed": 7}).json["id"])


def workers(client: FlaskClient) -> dict[str, Any]:
    return {worker["name"]: worker for worker in client.get("/v1/workers").json["data"]}


def post(client: FlaskClient, name: str, move: str, **more: Any) -> Any:
    return client.post(f"/v1/workers/{name}/{move}", **more)


def test_workers_are_listed_with_names_labels_and_sizes(client: FlaskClient, services: Services) -> None:
    announce(services, labels=("gpu", "large"), memory_bytes=2**34, numerics="cpu-x")
    announce(services, BETA, has_room=False, lane="bulk")
    submit(client)
    (job,) = services.store.claim_next(ALPHA)
    found = workers(client)
    assert list(found) == ["alpha", "beta-2"]
    alpha = found["alpha"]
    assert (alpha["state"], alpha["running"], alpha["slots"]) == ("active", 1, 2)
    assert (alpha["labels"], alpha["memory_bytes"]) == (["gpu", "large"], 2**34)
    assert (alpha["numerics"], found["beta-2"]["numerics"]) == (["cpu-x"], [])
    assert (alpha["processes"], alpha["cordon"]) == ([ALPHA], None)
    assert (alpha["lane"], found["beta-2"]["lane"]) == (None, "bulk")
    assert (alpha["available"], alpha["loaded"]) == (list(NAMES), sorted(NAMES))
    assert (found["beta-2"]["disk_full"], found["beta-2"]["memory_bytes"]) == (True, None)
    assert job.worker == ALPHA


def test_a_cordoned_worker_claims_no_job_and_one_that_is_uncordoned_does(
    client: FlaskClient, services: Services
) -> None:
    announce(services)
    told = post(client, "alpha", "cordon", json={"reason": "new disk"}).json
    assert (told["state"], told["cordon"]["by"], told["cordon"]["reason"]) == (
        "cordoned",
        "anonymous",
        "new disk",
    )
    job_id = submit(client)
    with pytest.raises(WorkerCordoned):
        services.store.claim_next(ALPHA)
    assert post(client, "alpha", "uncordon").json["state"] == "active"
    assert [job.id for job in services.store.claim_next(ALPHA)] == [job_id]


def test_a_drained_worker_ends_what_it_runs(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    announce(services)
    submit(client)
    (job,) = services.store.claim_next(ALPHA)
    told = post(client, "alpha", "drain").json
    assert (told["state"], told["running"], told["cordon"]["drain"]) == ("draining", 1, True)
    worker.succeed(job)
    assert (workers(client)["alpha"]["state"], workers(client)["alpha"]["running"]) == ("drained", 0)


def test_a_model_that_only_cordoned_workers_have_starts_no_job(
    client: FlaskClient, services: Services
) -> None:
    announce(services)
    services.roster.announce(Worker(BETA, 2, (), available=("magenta-mobile",)))
    post(client, "alpha", "cordon")
    job_id = submit(client)
    assert client.get(f"/v1/jobs/{job_id}").json["queue"]["reason"] == "no_worker_has_model"
    post(client, "alpha", "uncordon")
    assert client.get(f"/v1/jobs/{job_id}").json["queue"]["reason"] == "workers_busy"


def test_a_cordoned_worker_has_no_slots_in_estimates(client: FlaskClient, services: Services) -> None:
    announce(services, runners=2)
    announce(services, BETA, runners=2)
    assert client.get("/v1/stats").json["workers"]["slots"] == 4
    post(client, "alpha", "cordon")
    told = client.get("/v1/stats").json["workers"]
    assert (told["live"], told["slots"]) == (2, 2)


def test_the_service_is_not_ready_while_all_workers_are_cordoned(
    client: FlaskClient, services: Services
) -> None:
    announce(services)
    assert client.get("/readyz").status_code == 200
    post(client, "alpha", "cordon")
    response = client.get("/readyz")
    assert (response.status_code, response.json["errors"][0]["code"]) == (503, "workers_cordoned")


def test_a_cordon_waits_for_a_worker_that_is_away(client: FlaskClient, services: Services) -> None:
    announce(services)
    post(client, "alpha", "cordon")
    services.roster.withdraw(ALPHA)
    assert workers(client)["alpha"]["state"] == "gone"
    assert post(client, "alpha", "uncordon").status_code == 200
    assert workers(client) == {}


@pytest.mark.parametrize("move", ["cordon", "uncordon", "drain"])
def test_a_name_that_nobody_has_is_a_404(client: FlaskClient, services: Services, move: str) -> None:
    announce(services)
    response = post(client, "aplha", move)
    assert (response.status_code, response.json["code"]) == (404, "worker_not_found")
    assert list(workers(client)) == ["alpha"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"reason": 3}, "/reason"), ({"reason": "x" * 201}, "/reason"), ({"why": "x"}, "/why")],
)
def test_a_reason_that_cannot_be_is_a_422(
    client: FlaskClient, services: Services, body: dict[str, Any], pointer: str
) -> None:
    announce(services)
    response = post(client, "alpha", "cordon", json=body)
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, pointer)
    assert workers(client)["alpha"]["state"] == "active"


def test_only_admins_steer_workers_and_metrics_may_look(client: FlaskClient, services: Services) -> None:
    announce(services)
    keys = KeyStore(services.store.scripts)
    texts = {scope: keys.create(scope, owner="ops", scopes=frozenset({scope}))[1] for scope in Scope}
    headers = {scope: {"Authorization": f"Bearer {text}"} for scope, text in texts.items()}
    assert {scope: client.get("/v1/workers", headers=headers[scope]).status_code for scope in Scope} == {
        Scope.SUBMIT: 403,
        Scope.READ: 403,
        Scope.METRICS: 200,
        Scope.ADMIN: 200,
    }
    for scope in (Scope.SUBMIT, Scope.READ, Scope.METRICS):
        assert post(client, "alpha", "cordon", headers=headers[scope]).status_code == 403
    told = post(client, "alpha", "drain", headers=headers[Scope.ADMIN]).json
    assert told["cordon"]["by"] == texts[Scope.ADMIN].id
