"""The span of a request, the trace that its job keeps, and what its log lines are about."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from opentelemetry.trace import SpanKind

from api.app import create_app
from api.services import Services
from shared.logs import JsonFormatter
from tests.support.images import pictures
from tests.support.tracing.spans import PARENT, SPAN_ID, TRACE_ID, Recorded, ids

DIGIT = {"type": "generate", "seed": 7}
HEADERS = {"traceparent": PARENT, "tracestate": "vendor=1"}


def record_of(services: Services, job_id: str) -> dict[str, str]:
    found: dict[str, str] = services.store.client.hgetall(f"atelier:job:{job_id}")
    return found


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
def traced(services: Services, recorded: Recorded) -> FlaskClient:
    return create_app(replace(services, tracing=recorded.tracing)).test_client()


def test_a_job_keeps_the_trace_of_its_request_where_nothing_is_recorded(
    client: FlaskClient, services: Services
) -> None:
    job = client.post("/v1/jobs", json=DIGIT, headers=HEADERS).json
    assert record_of(services, job["id"])["trace"] == f"{PARENT} vendor=1"
    assert record_of(services, job["id"])["schema"] == "4"  # older workers run it


@pytest.mark.parametrize("header", ["", "nonsense", f"{PARENT}0", "x" * 2000])
def test_a_malformed_trace_is_ignored(client: FlaskClient, services: Services, header: str) -> None:
    response = client.post("/v1/jobs", json=DIGIT, headers={"traceparent": header, "tracestate": "a=1"})
    assert response.status_code == 202
    assert "trace" not in record_of(services, response.json["id"])


def test_a_batch_keeps_it_once_and_its_items_get_it_when_they_are_claimed(
    client: FlaskClient, services: Services
) -> None:
    headers = {**HEADERS, "X-Request-Id": "mine-1"}
    items = [{"type": "generate", "seed": seed} for seed in range(2)]
    batch = client.post("/v1/batches", json={"items": items}, headers=headers).json
    (item,) = services.store.claim_next("w1")
    assert (item.batch_id, item.trace, item.request_id) == (batch["id"], f"{PARENT} vendor=1", "mine-1")
    assert "trace" not in record_of(services, item.id)


def test_a_request_is_a_span_below_the_callers(
    traced: FlaskClient, recorded: Recorded, services: Services
) -> None:
    job = traced.post("/v1/jobs", json=DIGIT, headers={**HEADERS, "X-Request-Id": "mine-1"}).json
    span = recorded.one("POST /v1/jobs")
    assert (span.kind, ids(span.parent)) == (SpanKind.SERVER, (TRACE_ID, SPAN_ID))
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/v1/jobs",
        "http.response.status_code": 202,
        "url.scheme": "http",
        "atelier.job.id": job["id"],
        "atelier.request.id": "mine-1",
    }
    kept = f"00-{TRACE_ID}-{ids(span.context)[1]}-01 vendor=1"
    assert record_of(services, job["id"])["trace"] == kept


def test_a_refusal_has_its_code_and_is_no_fault_of_the_service(
    traced: FlaskClient, recorded: Recorded
) -> None:
    traced.post("/v1/jobs", json={"type": "nonsense"})
    traced.get("/v1/jobs/job_none?key=secret-in-a-query")
    refused, missing = recorded.spans
    assert [span.status.is_ok for span in recorded.spans] == [True, True]
    assert [(span.attributes or {})["error.type"] for span in (refused, missing)] == [
        "invalid_request",
        "job_not_found",
    ]
    assert missing.name == "GET /v1/jobs/<job_id>"
    assert (missing.attributes or {})["atelier.job.id"] == "job_none"
    assert "secret-in-a-query" not in recorded.text()


def test_a_fault_of_the_service_fails_the_span(
    traced: FlaskClient, recorded: Recorded, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("what nobody should read")

    monkeypatch.setattr(services.store, "submit", fail)
    assert traced.post("/v1/jobs", json=DIGIT).status_code == 500
    (span,) = recorded.spans
    assert (span.status.is_ok, span.status.description) == (False, "internal_error")
    assert "what nobody should read" not in recorded.text()


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/"])
def test_probes_and_pages_are_no_spans(traced: FlaskClient, recorded: Recorded, path: str) -> None:
    traced.get(path)
    assert recorded.spans == []


def test_no_span_tells_what_a_client_sent(traced: FlaskClient, recorded: Recorded) -> None:
    sent = {**DIGIT, "metadata": {"order": "secret-4711"}, "webhook": {"url": "https://8.8.8.8/secret-0815"}}
    headers = {
        "Authorization": "Bearer secret-key",
        "Cookie": "secret-cookie",
        "Idempotency-Key": "secret-idem",
    }
    traced.post("/v1/jobs", json=sent, headers=headers)
    traced.post("/v1/files", data=pictures.png(), headers={"Content-Type": "image/png", **headers})
    traced.get("/v1/files/file_1/content?signature=secret-signature&expires=1")
    traced.get("/v1/styles/secret-style/image")
    assert len(recorded.spans) == 4
    assert "secret" not in recorded.text()


class Lines(logging.Handler):
    """Lines as a log in JSON has them."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.events: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.events.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, log = Lines(), logging.getLogger("atelier.api")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    yield handler
    log.removeHandler(handler)
    log.setLevel(level)


def test_lines_of_a_request_tell_what_it_is_about(client: FlaskClient, lines: Lines) -> None:
    job = client.post("/v1/jobs", json=DIGIT, headers={**HEADERS, "X-Request-Id": "mine-1"}).json
    client.get(f"/v1/jobs/{job['id']}")
    client.get("/v1/jobs")
    made, read, listed = lines.events
    assert (made["job_id"], made["request_id"], made["trace_id"]) == (job["id"], "mine-1", TRACE_ID)
    assert (made["owner"], made["msg"], made["level"]) == ("anonymous", "answered", "INFO")
    assert read["job_id"] == job["id"]
    assert {"job_id", "trace_id"} & set(listed) == set()  # nothing stays of an earlier request
