"""The trace of a program that uses OpenTelemetry goes to the service, and to nobody else."""

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from api.services import Services
from atelier.client.aio.client import AsyncClient
from atelier.client.client import Client
from tests.support.http.web_server import web_server
from tests.support.tracing.spans import PARENT, SPAN_ID, TRACE_ID

DIGIT = {"type": "generate", "seed": 7}


@pytest.fixture
def _in_a_span() -> Iterator[None]:
    context = SpanContext(int(TRACE_ID, 16), int(SPAN_ID, 16), is_remote=False, trace_flags=TraceFlags(1))
    with use_span(NonRecordingSpan(context)):
        yield


def trace_of(services: Services, job_id: str) -> str | None:
    found: str | None = services.store.client.hget(f"atelier:job:{job_id}", "trace")
    return found


@pytest.mark.usefixtures("_in_a_span")
def test_a_job_belongs_to_the_trace_of_the_program_that_asks_for_it(url: str, services: Services) -> None:
    async def create() -> str:
        async with AsyncClient(url) as client:
            return (await client.jobs.create(DIGIT)).id

    with Client(url) as client:
        ids = [client.jobs.create(DIGIT).id, asyncio.run(create())]
    assert [trace_of(services, job_id) for job_id in ids] == [PARENT, PARENT]


def test_a_program_without_a_span_sends_none_unless_it_says_one(url: str, services: Services) -> None:
    with Client(url) as silent, Client(url, headers={"traceparent": PARENT}) as saying:
        ids = [client.jobs.create(DIGIT).id for client in (silent, saying)]
    assert [trace_of(services, job_id) for job_id in ids] == [None, PARENT]


@pytest.mark.usefixtures("_in_a_span")
def test_nobody_to_whom_a_redirect_leads_is_told_of_the_trace() -> None:
    with web_server() as own, web_server() as other:
        other.files["/a.png"] = b"picture"
        own.redirects["/a.png"] = f"{other.url}/a.png"
        with Client(own.url, retries=0) as client:
            client._transport.send("GET", "/a.png", follow_redirects=True)
        assert [sent.get("traceparent") for sent in (*own.headers, *other.headers)] == [PARENT, None]
