"""Traces and logs through every process of an installation, to a real receiver of OTLP over HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from atelier.client.client import Client
from atelier.local.log_files import log_file
from atelier.local.stack import RunningStack
from tests.support.http.receiver import Receiver, receiver
from tests.support.models.light_models import GENERATOR, HOLD_VARIABLE, write_cards
from tests.support.tracing.spans import PARENT, SPAN_ID, TRACE_ID
from tests.support.waiting import eventually, until_running

pytestmark = pytest.mark.slow

LIGHT = (sys.executable, "-m", "tests.reliability.light")  # networks that are stand-ins
DIGIT = {"type": "generate", "model": GENERATOR, "seed": 1}
LONG_AGO = 1.6e9  # seconds since the epoch


@pytest.fixture(scope="module")
def collector() -> Iterator[Receiver]:
    with receiver() as running:
        running.answer(200)
        yield running


@pytest.fixture(scope="module")
def hold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hold") / "hold"


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, collector: Receiver, hold: Path
) -> Iterator[RunningStack]:
    environ = {
        "ATELIER_LOG_FORMAT": "json",
        "ATELIER_LOG_LEVEL": "DEBUG",
        "ATELIER_JOBS_LEASE_SECONDS": "2",
        "ATELIER_WEBHOOK_ALLOW_PRIVATE": "true",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        HOLD_VARIABLE: str(hold),
    }
    folder = tmp_path_factory.mktemp("traced")
    write_cards(folder / "cards")
    with RunningStack(folder, environ=environ, wrap={"worker": LIGHT}) as running:
        yield running


@pytest.fixture
def client(stack: RunningStack) -> Iterator[Client]:
    with Client(stack.url, headers={"traceparent": PARENT}) as running:
        yield running


def spans(collector: Receiver) -> list[dict[str, Any]]:
    """Return what has come, each span with its service's name and its attributes by name."""
    found = []
    for request in list(collector.received):
        for group in ExportTraceServiceRequest.FromString(request.body).resource_spans:
            service = {pair.key: pair.value.string_value for pair in group.resource.attributes}[
                "service.name"
            ]
            found += [_span(service, span) for scope in group.scope_spans for span in scope.spans]
    return found


def _span(service: str, span: Any) -> dict[str, Any]:
    told = {pair.key: pair.value.string_value or pair.value.int_value for pair in span.attributes}
    ids = {"trace": span.trace_id.hex(), "id": span.span_id.hex(), "parent": span.parent_span_id.hex()}
    links = [(link.trace_id.hex(), link.span_id.hex()) for link in span.links]
    events = [event.name for event in span.events]
    return {"service": service, "name": span.name, "links": links, "events": events, **ids, **told}


def of_job(collector: Receiver, job_id: str, name: str) -> list[dict[str, Any]]:
    return [span for span in spans(collector) if (span["name"], span.get("atelier.job.id")) == (name, job_id)]


def lines_of(stack: RunningStack, job_id: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "atelier", "--url", stack.url, "logs", job_id, "--json"]
    environ = {**os.environ, "ATELIER_STATE_DIR": str(stack.folder)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_one_job_is_followed_through_every_process(
    stack: RunningStack, client: Client, collector: Receiver
) -> None:
    with receiver() as told:
        job = client.jobs.create({**DIGIT, "webhook": {"url": told.url}})
        assert client.jobs.wait(job, timeout_seconds=60).succeeded
        (request,) = told.wait_for(1)
    eventually(lambda: of_job(collector, job.id, "deliver webhook"))
    eventually(lambda: of_job(collector, job.id, "run generate"))
    (asked,) = of_job(collector, job.id, "POST /v1/jobs")
    (attempt,) = of_job(collector, job.id, "run generate")
    (delivery,) = of_job(collector, job.id, "deliver webhook")
    assert [span["service"] for span in (asked, attempt, delivery)] == [
        "atelier-api",
        "atelier-worker",
        "atelier-io",
    ]
    assert (asked["trace"], asked["parent"]) == (TRACE_ID, SPAN_ID)
    assert attempt["links"] == [(TRACE_ID, asked["id"])]
    assert (delivery["trace"], delivery["parent"]) == (TRACE_ID, asked["id"])
    assert request.headers["traceparent"] == f"00-{TRACE_ID}-{delivery['id']}-01"
    stages = [span["name"] for span in spans(collector) if span["parent"] == attempt["id"]]
    assert stages == ["load", "preprocess", "predict", "encode", "store"]
    lines = lines_of(stack, job.id)
    processes = [line["process"] for line in lines]
    assert {"api", "worker", "worker-io", "record"} <= set(processes)
    assert [line["ts"] for line in lines] == sorted(line["ts"] for line in lines)
    (done,) = (line for line in lines if line["msg"] == "job succeeded")
    assert (done["job_id"], done["attempt"], done["trace_id"]) == (job.id, 1, attempt["trace"])
    assert done["owner"] == "anonymous"
    assert done["worker"].startswith(done["worker"].split("-")[0])
    assert done["request_id"] == job.raw["request_id"]


def test_a_lost_worker_is_told_of_by_the_next_attempt(
    stack: RunningStack, client: Client, collector: Receiver, hold: Path
) -> None:
    hold.write_text("held")
    job = client.jobs.create(DIGIT)
    until_running(client, job)
    stack.kill("worker")
    hold.unlink()
    assert client.jobs.wait(job, timeout_seconds=120).succeeded
    eventually(lambda: of_job(collector, job.id, "run generate"))
    (second,) = of_job(collector, job.id, "run generate")  # the first died with its worker
    assert (second["atelier.attempt"], second["events"]) == (2, ["takeover"])
    told = [line["msg"] for line in lines_of(stack, job.id)]
    assert "lease ran out; job taken back" in told
    assert any(message.startswith("attempt 1 ended: lost") for message in told)


def test_every_line_is_an_event_in_json_also_of_gunicorn_and_of_a_shutdown(stack: RunningStack) -> None:
    old = stack.signal("worker-io", signal.SIGTERM)
    eventually(lambda: stack.processes().get("worker-io", old) != old, seconds=60)
    shown = [json.loads(line) for line in stack.log_text().splitlines()]
    kept = [json.loads(line) for line in log_file(stack.folder).read_text("utf-8").splitlines()]
    for events in (shown, kept):
        assert {"api", "worker", "worker-io", "redis", "atelier"} <= {event["process"] for event in events}
        assert all(event["ts"] > LONG_AGO for event in events)
        ours = [event for event in events if event["process"] in ("api", "worker", "worker-io")]
        assert all({"level", "logger", "msg"} <= set(event) for event in ours), [
            event for event in ours if "level" not in event
        ]
        loggers = {event["logger"].split(".")[0] for event in ours}
        assert {"atelier", "gunicorn"} <= loggers


def test_an_exporter_that_does_not_answer_costs_a_job_nothing(
    stack: RunningStack, client: Client, collector: Receiver
) -> None:
    """Last: with it a process is stopped too, within bounded time, and what can be sent is sent before."""
    collector.hold.clear()
    before = len(collector.received)
    jobs = [client.jobs.create({**DIGIT, "seed": seed}) for seed in range(20)]
    assert all(client.jobs.wait(job, timeout_seconds=60).succeeded for job in jobs)
    eventually(lambda: len(collector.received) > before)  # one hangs there, and the jobs are done
    began = time.monotonic()
    api = stack.signal("api", signal.SIGTERM)
    eventually(lambda: stack.processes().get("api", api) != api, seconds=60)
    assert time.monotonic() - began < 50
    collector.hold.set()
