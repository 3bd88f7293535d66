"""A receiver goes on with the trace of the request; a try is a span that tells nothing of the receiver."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.trace import SpanKind

from shared.cards.card import load_catalog
from shared.identifiers import ANONYMOUS, new_job_id
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.settings import Settings
from shared.specs.spec import JOB_SPEC, resolve
from shared.specs.webhook import webhook_record
from shared.tracing.spans import NO_TRACING, Tracing
from tests.support.http.receiver import Receiver, receiver
from tests.support.tracing.spans import PARENT, SPAN_ID, TRACE_ID, Recorded, ids
from tests.support.waiting import eventually
from worker.webhooks.dispatcher import dispatcher_of
from worker.webhooks.sender import DeliveryRules

QUICK = DeliveryRules(timeout_seconds=5, pauses_seconds=(0.05,) * 9)


@pytest.fixture
def told() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def deliver(
    store: JobStore, folder: Path, told: Receiver, *, trace: str = "", tracing: Tracing = NO_TRACING
) -> str:
    """Have a receiver told that a job was canceled; return the job's id."""
    raw = {"type": "generate", "seed": 7, "webhook": {"url": told.url, "events": ["job.canceled"]}}
    spec = resolve(JOB_SPEC.validate_python(raw), load_catalog())
    assert spec.webhook is not None
    record = webhook_record(spec.webhook, private=True, base="http://pictures.example")
    draft = Submission(new_job_id(), ANONYMOUS, spec, "f", webhook=record, trace=trace)
    job_id = store.submit(draft).id
    store.cancel(job_id, ANONYMOUS)
    dispatcher_of(store, Settings(state_dir=folder), QUICK, tracing=tracing).run()
    return job_id


@pytest.mark.parametrize(("trace", "state"), [("", None), (PARENT, None), (f"{PARENT} vendor=1", "vendor=1")])
def test_the_trace_of_the_request_is_sent_on_where_nothing_is_recorded(
    store: JobStore, tmp_path: Path, told: Receiver, trace: str, state: str | None
) -> None:
    deliver(store, tmp_path, told, trace=trace)
    (request,) = told.wait_for(1)
    assert request.headers.get("traceparent") == (PARENT if trace else None)
    assert request.headers.get("tracestate") == state


def test_a_try_is_a_span_below_the_request_and_above_the_receiver(
    store: JobStore, tmp_path: Path, told: Receiver
) -> None:
    recorded = Recorded()
    job_id = deliver(store, tmp_path, told, trace=PARENT, tracing=recorded.tracing)
    (request,) = told.wait_for(1)
    span = recorded.one("deliver webhook")
    assert (span.kind, ids(span.parent)) == (SpanKind.CLIENT, (TRACE_ID, SPAN_ID))
    assert request.headers["traceparent"] == f"00-{TRACE_ID}-{ids(span.context)[1]}-01"
    told_of = span.attributes or {}
    assert (told_of["atelier.job.id"], told_of["http.response.status_code"]) == (job_id, 204)
    assert span.status.is_ok
    assert told.url not in recorded.text()


def test_a_try_that_fails_says_so_and_that_another_follows(
    store: JobStore, tmp_path: Path, told: Receiver
) -> None:
    recorded = Recorded()
    told.answer(503, 204)
    deliver(store, tmp_path, told, trace=PARENT, tracing=recorded.tracing)
    dispatcher = dispatcher_of(store, Settings(state_dir=tmp_path), QUICK, tracing=recorded.tracing)

    def is_told() -> bool:
        dispatcher.run()
        return len(recorded.named("deliver webhook")) >= 2

    eventually(is_told)
    first, second = recorded.named("deliver webhook")
    assert (first.status.is_ok, first.status.description) == (False, "503")
    assert [event.name for event in first.events] == ["retry"]
    assert second.status.is_ok
