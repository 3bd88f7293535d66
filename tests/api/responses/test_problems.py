"""Errors as problem documents."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.responses.problems import STATUS, subclasses
from api.services import Services, build_services
from shared.errors import AtelierError, OutOfDisk, StoreUnavailable
from shared.identifiers import file_id
from shared.queue.celery_app import RUN_JOB, queue_of
from shared.settings import Settings
from shared.specs.parts import Lane

MODULES = ("shared.errors", "shared.jobs.status", "api.errors")  # which declare what a client may get


def test_every_error_has_a_status() -> None:
    known = {AtelierError, *subclasses(AtelierError)}
    ours = {kind for kind in known if kind.__module__ in MODULES}
    assert ours == set(STATUS)


def test_every_code_is_used_once() -> None:
    codes = [kind.code for kind in STATUS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1/jobs/", 404, "not_found"),
        ("PATCH", "/v1/jobs", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/jobs/a/cancel", 405, "method_not_allowed"),
    ],
)
def test_what_the_router_refuses_is_a_problem(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    response = client.open(path, method=method)
    assert (response.status_code, response.json["code"]) == (status, code)
    assert response.mimetype == "application/problem+json"
    assert response.json["status"] == status
    assert ("Allow" in response.headers) == (status == 405)


def test_a_problem_tells_where_and_which_request(client: FlaskClient) -> None:
    response = client.get("/v1/jobs/job_0", headers={"X-Request-Id": "mine-1"})
    assert (response.json["instance"], response.json["request_id"]) == ("/v1/jobs/job_0", "mine-1")
    assert response.headers["X-Request-Id"] == "mine-1"


def test_a_request_id_is_made_where_none_fits(client: FlaskClient) -> None:
    response = client.get("/healthz", headers={"X-Request-Id": "no\tgood"})
    assert response.headers["X-Request-Id"].startswith("req_")


def test_the_type_leads_to_an_explanation(client: FlaskClient) -> None:
    problem = client.get("/v1/jobs/job_0").json
    response = client.get(problem["type"])
    assert (response.status_code, response.headers["Location"]) == (302, "/docs#problem-job_not_found")
    assert client.get("/problems/nonsense").status_code == 404


def test_a_fault_of_ours_tells_nothing_of_its_inside(app: Flask, client: FlaskClient) -> None:
    client.get("/openapi.json")
    app.view_functions["health.healthz"] = lambda: 1 / 0  # type: ignore[assignment,return-value]
    response = client.get("/healthz")
    assert (response.status_code, response.json["code"]) == (500, "internal_error")
    assert "ZeroDivision" not in response.text


def test_an_absent_job_store_is_a_503(tmp_path: Path) -> None:
    services = build_services(Settings(redis_url=f"unix://{tmp_path}/nobody.sock", state_dir=tmp_path))
    client = create_app(services).test_client()
    for response in (client.get("/v1/jobs/job_0"), client.post("/v1/jobs", json={"type": "generate"})):
        assert (response.status_code, response.json["code"]) == (503, "store_unavailable")
        assert int(response.headers["Retry-After"]) >= 1


def test_a_full_disk_is_a_507(app: Flask, client: FlaskClient) -> None:
    def full() -> None:
        raise OutOfDisk("there is no room")

    client.get("/openapi.json")
    app.view_functions["health.healthz"] = full  # type: ignore[assignment]
    assert client.get("/healthz").status_code == 507


class DeafQueue:
    """A doorbell that nobody hears."""

    def notify(self, *_: object) -> None:
        raise StoreUnavailable("the broker is away")


def test_a_job_is_requeued_even_if_its_doorbell_fails(client: FlaskClient, services: Services) -> None:
    job_id = client.post("/v1/jobs", json={"type": "generate"}).json["id"]
    deaf = create_app(replace(services, queue=DeafQueue())).test_client()  # type: ignore[arg-type]
    assert deaf.post(f"/v1/jobs/{job_id}/requeue").status_code == 200


def test_a_job_and_its_doorbell_are_accepted_together(client: FlaskClient, services: Services) -> None:
    headers = {"Idempotency-Key": "once"}
    for _ in range(2):
        client.post("/v1/jobs", json={"type": "generate"}, headers=headers)
    (message,) = services.store.client.lrange(queue_of(Lane.INTERACTIVE), 0, -1)
    assert json.loads(message)["headers"]["task"] == RUN_JOB


def test_a_long_list_of_faults_is_cut(client: FlaskClient) -> None:
    style = {f"field{i}": "x" for i in range(60)}
    body = {"type": "stylize", "content": file_id("0" * 64), "styles": [style] * 8}
    response = client.post("/v1/jobs", json=body)
    assert len(response.json["errors"]) == 100
    assert len(json.dumps(response.json)) < 30_000
