"""What is told of a delivery's try beside its outcome: its span, and what its log lines are about."""

from shared.tracing.spans import Span, SpanKind, Tracing, current_span
from shared.tracing.trace_context import trace_from_text
from shared.webhooks.delivery import Delivery, DeliveryStatus
from worker.webhooks.sender import PostResult, Verdict


def begin_delivery(tracing: Tracing, delivery: Delivery) -> Span:
    """Start the span of a try, in the trace of the request that asked for it: the receiver goes on with that.

    The receiver's address is not told: its path may be a secret.
    """
    told: dict[str, str | int] = {
        "http.request.method": "POST",
        "atelier.delivery.id": delivery.id,
        "atelier.event": delivery.event,
        f"atelier.{delivery.kind}.id": delivery.subject,
        "atelier.try": delivery.tries,
    }
    parent = trace_from_text(delivery.trace)
    return tracing.start("deliver webhook", SpanKind.CLIENT, parent=parent, attributes=told)


def note_try(delivery: Delivery, result: PostResult, verdict: Verdict) -> None:
    """Note what came of it; a try that is followed by another failed as well."""
    span = current_span()
    if result.status is not None:
        span.note({"http.response.status_code": result.status})
    if verdict.status is DeliveryStatus.DELIVERED:
        return
    span.fail(str(result.status or "not_reached"))
    if verdict.status is DeliveryStatus.PENDING:
        span.event(
            "retry", {"atelier.pause_seconds": round(verdict.pause_seconds, 3), "atelier.try": delivery.tries}
        )


def about(delivery: Delivery, span: Span) -> dict[str, object]:
    """Return the fields of each log line of a try."""
    subject = {f"{delivery.kind}_id": delivery.subject}
    return {**subject, "owner": delivery.owner, "trace_id": span.trace_id}
