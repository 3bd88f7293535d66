"""Spans as OpenTelemetry records them: what belongs together, what is sampled, and an exporter that hangs."""

import threading
import time
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from shared.errors import CorruptImage
from shared.tracing.open_telemetry import OpenTelemetry
from shared.tracing.spans import SpanKind, current_span
from shared.tracing.trace_context import trace_from_text
from tests.support.tracing.spans import PARENT, SPAN_ID, TRACE_ID, Recorded, ids

REQUEST = trace_from_text(f"{PARENT} vendor=1")
UNSAMPLED = trace_from_text(f"{PARENT[:-1]}0")


def test_a_span_below_a_parent_is_of_its_trace_and_hands_on_its_state() -> None:
    recorded = Recorded()
    span = recorded.tracing.start("a", SpanKind.SERVER, parent=REQUEST)
    span.child("b").end()
    span.end()
    below, above = recorded.spans
    assert ids(above.parent) == (TRACE_ID, SPAN_ID)
    assert ids(below.parent) == ids(above.context)
    assert span.context is not None
    assert (span.context.trace_id, span.context.tracestate) == (TRACE_ID, "vendor=1")
    assert span.context.span_id == ids(above.context)[1]


def test_a_linked_span_begins_a_trace_of_its_own() -> None:
    recorded = Recorded()
    recorded.tracing.start("a", SpanKind.CONSUMER, link=REQUEST).end()
    (span,) = recorded.spans
    assert span.parent is None
    assert ids(span.context)[0] != TRACE_ID
    assert [ids(link.context) for link in span.links] == [(TRACE_ID, SPAN_ID)]


def test_what_is_asked_for_by_a_request_that_nobody_records_is_not_recorded() -> None:
    recorded = Recorded()
    for how in ({"parent": UNSAMPLED}, {"link": UNSAMPLED}):
        span = recorded.tracing.start("a", SpanKind.CONSUMER, **how)
        span.child("b").end()
        span.end()
        assert span.context is not None
        assert not span.context.is_sampled
    assert recorded.spans == []


def test_a_ratio_is_of_requests_and_their_attempts_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    recorded = Recorded()
    recorded.tracing.start("request", SpanKind.SERVER).end()
    recorded.tracing.start("attempt", SpanKind.CONSUMER, link=REQUEST).end()
    assert [span.name for span in recorded.spans] == ["attempt"]


def test_a_block_that_raises_fails_its_span_with_the_code_alone() -> None:
    recorded = Recorded()
    span = recorded.tracing.start("a", SpanKind.SERVER)

    def spoil() -> None:
        with span.running():
            assert current_span() is span
            raise CorruptImage("what a client sent")

    with pytest.raises(CorruptImage):
        spoil()
    assert current_span() is not span
    told = recorded.one("a")
    assert (told.status.is_ok, told.status.description) == (False, "corrupt_image")
    assert told.attributes is not None
    assert told.attributes["error.type"] == "corrupt_image"
    assert "what a client sent" not in recorded.text()


def test_the_environment_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "pictures")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging")
    recorded = Recorded()
    recorded.tracing.start("a", SpanKind.SERVER).end()
    told = recorded.one("a").resource.attributes
    assert (told["service.name"], told["deployment.environment.name"]) == ("pictures", "staging")


class Hanging(SpanExporter):
    """Never comes back until it is let go."""

    def __init__(self) -> None:
        self.called, self.go = threading.Event(), threading.Event()
        self.taken = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taken += len(spans)
        self.called.set()
        self.go.wait(120)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """There is nothing to shut."""


def test_an_exporter_that_hangs_costs_spans_and_nothing_else() -> None:
    exporter, most = Hanging(), 64
    processor = BatchSpanProcessor(
        exporter, max_queue_size=most, max_export_batch_size=8, schedule_delay_millis=10
    )
    tracing = OpenTelemetry({}, processor)
    tracing.start("first", SpanKind.SERVER).end()
    assert exporter.called.wait(30)
    for _ in range(20 * most):  # none of them waits for the exporter, or this never ends
        tracing.start("next", SpanKind.SERVER).end()
    assert len(processor._batch_processor._queue) == most
    began = time.monotonic()
    tracing.close(0.2)
    assert time.monotonic() - began < 30  # not the exporter's two minutes
    exporter.go.set()


def test_what_waits_is_sent_at_the_end() -> None:
    exporter = Hanging()
    exporter.go.set()
    tracing = OpenTelemetry({}, BatchSpanProcessor(exporter, schedule_delay_millis=3_600_000))
    for _ in range(3):
        tracing.start("a", SpanKind.SERVER).end()
    tracing.close(30)
    assert exporter.taken == 3
