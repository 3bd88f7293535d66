"""Spans, as the rest of the program sees them. Those of this module record nothing, and cost next to nothing.

`open_telemetry.py` has those that are recorded, where an operator asks for traces.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from types import MappingProxyType

from shared.tracing.trace_context import TraceContext

Attributes = Mapping[str, str | int | float | bool]
NOTHING: Attributes = MappingProxyType({})


class SpanKind(StrEnum):
    """What a span is to others."""

    INTERNAL = "internal"
    SERVER = "server"  # it answers a request
    CLIENT = "client"  # it sends one
    CONSUMER = "consumer"  # it does what was asked for earlier


class Span:
    """A piece of work. This one is not recorded; it hands on the context in which the work was asked for."""

    def __init__(self, context: TraceContext | None = None) -> None:
        self.context = context  # to hand on to others; None where no trace is known

    @property
    def trace_id(self) -> str:
        """The id of its trace, as log lines have it; "" for none."""
        return self.context.trace_id if self.context else ""

    def child(
        self, name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes = NOTHING
    ) -> "Span":
        """Start a part of this work."""
        return self

    def together(self, name: str, spans: Sequence["Span"], attributes: Attributes = NOTHING) -> "Span":
        """Start what is done at once for these spans, of which this is one: a span with a link to each."""
        return self

    def name(self, name: str) -> None:
        """Give it another name."""

    def note(self, attributes: Attributes) -> None:
        """Say more about it. Never pictures, keys, signatures or what a client wrote."""

    def event(self, name: str, attributes: Attributes = NOTHING) -> None:
        """Note what happened, now."""

    def fail(self, code: str) -> None:
        """Note that the work failed, with the code of its error."""

    def end(self) -> None:
        """Note that the work is over."""

    @contextmanager
    def running(self) -> Iterator["Span"]:
        """Make it the current span of a block; it ends, and fails with the block's error."""
        token = _CURRENT.set(self)
        try:
            yield self
        except Exception as error:
            self.fail(str(getattr(error, "code", "") or type(error).__name__))
            raise
        finally:
            _CURRENT.reset(token)
            self.end()


NO_SPAN = Span()
_CURRENT: ContextVar[Span] = ContextVar("current_span", default=NO_SPAN)


def current_span() -> Span:
    """Return the span of the block that runs, in this thread."""
    return _CURRENT.get()


class Tracing:
    """Starts spans. This one records none."""

    is_on = False

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
        context = parent or link
        return Span(context) if context else NO_SPAN

    def close(self, seconds: float) -> None:
        """Send what is recorded, and record no more; take no longer than this, answered or not."""


NO_TRACING = Tracing()
