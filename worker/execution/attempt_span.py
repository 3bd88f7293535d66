"""What is told of an attempt beside its outcome: its span, and what its log lines are about."""

from collections.abc import Iterable

from shared.jobs.job import Job
from shared.jobs.status import Outcome
from shared.tracing.spans import Attributes, Span, SpanKind, Tracing
from shared.tracing.trace_context import trace_from_text
from worker.execution.attempt import Attempt


def begin_attempt(tracing: Tracing, job: Job) -> Span:
    """Start the span of an attempt: a trace of its own, with a link to the request's span.

    It is none of the request's, which ended long ago, and none of the doorbell's, which only says that
    something waits.
    """
    request = trace_from_text(job.trace)
    if not tracing.is_on:
        return tracing.start("", SpanKind.CONSUMER, link=request)
    span = tracing.start(f"run {job.spec.type}", SpanKind.CONSUMER, link=request, attributes=_attributes(job))
    if job.history:
        _note_earlier(span, job)
    return span


def _attributes(job: Job) -> Attributes:
    waited = max(0, (job.started_at or job.created_at) - max(job.not_before, job.created_at))
    told: dict[str, str | int | float] = {
        "messaging.system": "atelier",
        "messaging.operation.type": "process",
        "messaging.destination.name": str(job.lane),
        "messaging.message.id": job.id,
        "atelier.job.id": job.id,
        "atelier.job.type": job.spec.type,
        "atelier.attempt": job.attempt,
        "atelier.waited_seconds": waited / 1000,
        "atelier.owner": job.owner,
    }
    optional = {
        "atelier.model": job.spec.model,
        "atelier.batch.id": job.batch_id,
        "atelier.request.id": job.request_id,
    }
    return {**told, **{name: value for name, value in optional.items() if value}}


def _note_earlier(span: Span, job: Job) -> None:
    """Note why this is not the job's first attempt: its worker was lost, or it is tried again."""
    last = job.history[-1]
    told: dict[str, str | int] = {
        "atelier.attempt": last.number,
        "atelier.worker": last.worker,
        "atelier.outcome": str(last.outcome),
    }
    code = {"error.type": last.code} if last.code else {}
    span.event("takeover" if last.outcome is Outcome.LOST else "retry", {**told, **code})


def end_early(attempts: Iterable[Attempt], code: str) -> None:
    """End the spans of attempts that this process leaves unfinished, as it ends itself; `code` says why."""
    for attempt in attempts:
        attempt.span.event("released", {"error.type": code})
        attempt.span.end()


def about(job: Job, span: Span) -> dict[str, object]:
    """Return the fields of each log line of an attempt."""
    return {
        "job_id": job.id,
        "attempt": job.attempt,
        "batch_id": job.batch_id,
        "owner": job.owner,
        "request_id": job.request_id,
        "trace_id": span.trace_id,
    }
