"""What is known of a request while it is handled: its span, and what its log lines are about."""

import re

from flask import Response, g, request

from api.services import request_span, services
from shared.identifiers import JOB_ID
from shared.logs import add_log_context, begin_log_context
from shared.tracing.spans import NO_SPAN, Attributes, Span, SpanKind
from shared.tracing.trace_context import TraceContext, trace_from_headers

PARENT, STATE = "traceparent", "tracestate"
SUBJECTS = ("job_id", "batch_id")  # names of parts of paths, and of fields of log lines
UNTRACED = frozenset({"health", "about", "page"})  # blueprints: probes and files, which are no work


def begin_trace() -> None:
    """Take up the trace that the caller names, or begin one, where traces are recorded."""
    headers = request.headers
    parent = (
        trace_from_headers(headers.get(PARENT, ""), headers.get(STATE, "")) if PARENT in headers else None
    )
    g.span = _span(parent)
    begin_log_context(request_id=g.request_id, trace_id=g.span.trace_id)


def _span(parent: TraceContext | None) -> Span:
    tracing = services().tracing
    if not tracing.is_on or request.blueprint in UNTRACED:
        return Span(parent) if parent else NO_SPAN
    route = request.url_rule.rule if request.url_rule else ""
    # Without path and query: a path may name what an owner called its own, a query may have a signature.
    attributes = {"http.request.method": _method(), "url.scheme": request.scheme}
    attributes |= {"http.route": route} if route else {}
    return tracing.start(
        f"{_method()} {route}".rstrip(), SpanKind.SERVER, parent=parent, attributes=attributes
    )


def _method() -> str:
    return request.method if request.method in _METHODS else "_OTHER"


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def note_subjects() -> None:
    """Note whose request it is, and the job or batch that it names."""
    named = request.view_args or {}
    ids = {name: str(named[name]) for name in SUBJECTS if name in named}
    about_subject(**{name: text for name, text in ids.items() if re.fullmatch(JOB_ID, text)})
    add_log_context(owner=g.get("owner", ""))


def about_subject(**ids: str) -> None:
    """Note the job or batch that the request is about, by its field's name in the log."""
    add_log_context(**ids)
    request_span().note({f"atelier.{name.removesuffix('_id')}.id": value for name, value in ids.items()})


def end_trace(response: Response) -> Response:
    """End the span with what the response says; a refusal is a fault of the service only from 500 on."""
    told: Attributes = {"http.response.status_code": response.status_code, "atelier.request.id": g.request_id}
    span, code = request_span(), g.get("error_code", "")
    span.note(told)
    if response.status_code >= 500:
        span.fail(code or str(response.status_code))
    elif code:
        span.note({"error.type": code})
    span.end()
    return response
