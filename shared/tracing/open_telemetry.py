"""Spans that OpenTelemetry records and sends by OTLP over HTTP. The one module that imports it.

Its standard variables say where to, how much, and how long the queue is. A span waits in a queue of bounded
length for a thread that sends it: a receiver that does not answer costs spans, and nothing else.
"""

import threading
from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanKind as OtelKind
from opentelemetry.trace.span import TraceState

from shared.tracing.spans import NOTHING, Attributes, Span, SpanKind, Tracing
from shared.tracing.trace_context import TraceContext

_KINDS = {
    SpanKind.INTERNAL: OtelKind.INTERNAL,
    SpanKind.SERVER: OtelKind.SERVER,
    SpanKind.CLIENT: OtelKind.CLIENT,
    SpanKind.CONSUMER: OtelKind.CONSUMER,
}


class RecordedSpan(Span):
    """A span that is recorded if its trace is sampled."""

    def __init__(self, tracer: Tracer, span: OtelSpan) -> None:
        super().__init__(_told(span.get_span_context()))
        self._tracer = tracer
        self._span = span

    def child(self, name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes = NOTHING) -> Span:
        """Start a part of this work."""
        below = set_span_in_context(self._span, Context())
        return RecordedSpan(
            self._tracer, self._tracer.start_span(name, below, _KINDS[kind], attributes=dict(attributes))
        )

    def together(self, name: str, spans: Sequence[Span], attributes: Attributes = NOTHING) -> Span:
        """Start work that is done at once for these spans: a span with a link to each."""
        links = [Link(_known(span.context)) for span in spans if span.context is not None]
        span = self._tracer.start_span(name, Context(), links=links, attributes=dict(attributes))
        return RecordedSpan(self._tracer, span)

    def name(self, name: str) -> None:
        """Give it another name."""
        self._span.update_name(name)

    def note(self, attributes: Attributes) -> None:
        """Say more about it."""
        self._span.set_attributes(attributes)

    def event(self, name: str, attributes: Attributes = NOTHING) -> None:
        """Note what happened, now."""
        self._span.add_event(name, attributes)

    def fail(self, code: str) -> None:
        """Note that the work failed, with the code of its error."""
        self._span.set_attribute("error.type", code)
        self._span.set_status(Status(StatusCode.ERROR, code))

    def end(self) -> None:
        """Note that the work is over."""
        self._span.end()


class OpenTelemetry(Tracing):
    """Records spans, and hands them to a processor."""

    is_on = True

    def __init__(self, attributes: Attributes, processor: SpanProcessor) -> None:
        """`attributes` are of this process, where the environment says nothing else."""
        self._provider = TracerProvider(resource=_resource(attributes), shutdown_on_exit=False)
        if isinstance(self._provider.sampler, ParentBased):
            self._provider.sampler = _AsLinked(self._provider.sampler)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("atelier")

    def start(
        self,
        name: str,
        kind: SpanKind,
        *,
        parent: TraceContext | None = None,
        link: TraceContext | None = None,
        attributes: Attributes = NOTHING,
    ) -> Span:
        """Start a span: below `parent`, or a trace of its own that says by what it was asked for, `link`."""
        context = Context()
        if parent is not None:
            context = set_span_in_context(NonRecordingSpan(_known(parent)), context)
        links = [] if link is None else [Link(_known(link))]
        span = self._tracer.start_span(name, context, _KINDS[kind], dict(attributes), links)
        return RecordedSpan(self._tracer, span)

    def close(self, seconds: float) -> None:
        """Send what is recorded, and record no more; take no longer than this, answered or not."""
        closing = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        closing.start()
        closing.join(seconds)


class _AsLinked(Sampler):
    """Records a trace that begins with links if one of these is recorded; asks another sampler otherwise.

    What an attempt does belongs to its request: with a ratio of both, few would be seen together.
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: OtelKind | None = None,
        attributes: Any = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return whether a span is recorded."""
        sampler = self._sampler
        if links and not get_current_span(parent_context).get_span_context().is_valid:
            sampler = ALWAYS_ON if any(link.context.trace_flags.sampled for link in links) else ALWAYS_OFF
        return sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """Return its name."""
        return f"AsLinked({self._sampler.get_description()})"


def open_telemetry(attributes: Attributes) -> OpenTelemetry:
    """Return what records the spans of this process and sends them as the environment says."""
    return OpenTelemetry(attributes, BatchSpanProcessor(OTLPSpanExporter()))


def _resource(attributes: Attributes) -> Resource:
    own = Resource.create().merge(Resource(dict(attributes)))
    return own.merge(OTELResourceDetector().detect())  # OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES


def _known(context: TraceContext) -> SpanContext:
    return SpanContext(
        int(context.trace_id, 16),
        int(context.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(context.flags),
        trace_state=TraceState.from_header([context.tracestate]) if context.tracestate else None,
    )


def _told(span: SpanContext) -> TraceContext:
    parent = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    return TraceContext(parent, span.trace_state.to_header())
