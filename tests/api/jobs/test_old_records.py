"""The API over records that an older version wrote."""

import json

import pytest
from flask.testing import FlaskClient

from api.jobs.submission import print_of_request
from api.requests.field_errors import CheckedSpec
from shared.cards.card import load_catalog
from shared.jobs.status import TRANSITIONS
from shared.jobs.store import JobStore
from shared.specs.spec import JOB_SPEC
from tests.support.jobs.old_records import load


def test_old_jobs_are_answered_and_listed(client: FlaskClient, store: JobStore) -> None:
    old = load(store.client, 1)
    answers = {name: client.get(f"/v1/jobs/{job_id}").json for name, job_id in old.items()}
    assert {body["id"] for body in client.get("/v1/jobs").json["data"]} == set(old.values())
    for body in answers.values():
        assert (body["expires_at"] is None) == (body["status"] in TRANSITIONS)
    (running,) = answers["running"]["attempts"]
    assert (running["number"], running["ended_at"], answers["running"]["crashes"]) == (2, None, 1)


@pytest.mark.parametrize("key", ["k1", "k2"])
def test_a_repetition_across_an_upgrade_finds_its_job(client: FlaskClient, store: JobStore, key: str) -> None:
    old = load(store.client, 1)
    requests = {
        "k1": ("succeeded", {"seed": 7, "count": 2, "metadata": {"album": "summer"}}),
        "k2": ("digits", {"digits": "42", "grid": {"columns": 1}}),
    }
    name, body = requests[key]
    response = client.post(
        "/v1/jobs", json={"type": "generate", **body}, headers={"Idempotency-Key": key, "Prefer": "wait=0"}
    )
    assert (response.json["id"], response.headers["Idempotency-Replayed"]) == (old[name], "true")


def test_an_old_stylization_tried_again_is_painted_as_it_was(client: FlaskClient, store: JobStore) -> None:
    old = load(store.client, 1)["stylized"]
    store.client.hset(f"atelier:job:{old}", "status", "canceled")
    shown = client.get(f"/v1/jobs/{old}").json["input"]
    again = client.post(f"/v1/jobs/{old}/retry").json
    assert (shown["stroke"], again["input"]["stroke"]) == ("native", "native")


def test_what_a_client_asks_for_has_the_fingerprint_that_it_had(store: JobStore) -> None:
    old = load(store.client, 1)["stylized"]
    known = store.client.hgetall(f"atelier:job:{old}")
    spec = json.loads(known["spec"])
    asked = {name: spec[name] for name in ("type", "content", "styles", "strength", "stroke", "ttl_seconds")}
    checked = CheckedSpec(JOB_SPEC.validate_python(asked), load_catalog().default("stylize"))
    assert print_of_request(checked) == known["fingerprint"]


def test_a_newer_record_is_said_to_be_newer(client: FlaskClient, store: JobStore) -> None:
    job_id = client.post("/v1/jobs", json={"type": "generate"}).json["id"]
    store.client.hset(f"atelier:job:{job_id}", "schema", 99)
    response = client.get(f"/v1/jobs/{job_id}")
    assert (response.status_code, response.json["code"]) == (503, "record_too_new")
