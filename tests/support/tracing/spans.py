"""Spans that a test recorded in memory, or that a real exporter sent to the test's receiver."""

from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.tracing.open_telemetry import OpenTelemetry

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"


@dataclass
class Recorded:
    """What records spans, and those that have ended."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def __post_init__(self) -> None:
        self.tracing = OpenTelemetry({"service.name": "test"}, SimpleSpanProcessor(self.exporter))

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span

    def text(self) -> str:
        """Everything that is told of all spans."""
        return "\n".join(span.to_json() for span in self.spans)


def ids(context: Any) -> tuple[str, str]:
    """Return the ids of a trace and a span as headers have them."""
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"
