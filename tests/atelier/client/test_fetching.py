"""Bytes that the service has somebody else send."""

from collections.abc import Iterator

import pytest

from atelier.client.errors import ApiError, ServiceUnreachable
from atelier.client.transport import Transport
from tests.support.http.scripted_server import Reply, ScriptedServer, scripted_server


@pytest.fixture
def service() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def bucket() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def transport(service: ScriptedServer) -> Iterator[Transport]:
    key = {"Authorization": "Bearer secret"}
    made = Transport(service.url, timeout_seconds=5, retries=0, credentials=key)
    yield made
    made.close()


def test_bytes_in_a_bucket_are_fetched_there_without_the_key(
    service: ScriptedServer, bucket: ScriptedServer, transport: Transport
) -> None:
    service.replies["/v1/x"] = Reply(307, {"Location": f"{bucket.url}/x?signature=s"})
    bucket.replies["/x?signature=s"] = Reply(200, {}, b"picture")
    assert transport.fetch("/v1/x") == b"picture"
    assert service.asked[0].headers["authorization"] == "Bearer secret"
    assert "authorization" not in bucket.asked[0].headers


def test_a_bucket_that_refuses_is_an_error(
    service: ScriptedServer, bucket: ScriptedServer, transport: Transport
) -> None:
    service.replies["/v1/x"] = Reply(307, {"Location": f"{bucket.url}/x"})
    bucket.replies["/x"] = Reply(403, {}, b"<Error><Code>AccessDenied</Code></Error>")
    with pytest.raises(ApiError, match="HTTP 403"):
        transport.fetch("/v1/x")


def test_nothing_else_is_asked_of_others(
    service: ScriptedServer, bucket: ScriptedServer, transport: Transport
) -> None:
    service.replies["/v1/x"] = Reply(307, {"Location": f"{bucket.url}/x"})
    transport.send("GET", "/v1/x")
    assert bucket.asked == []


def test_a_bucket_that_is_away_is_named(service: ScriptedServer, transport: Transport) -> None:
    service.replies["/v1/x"] = Reply(307, {"Location": "http://127.0.0.1:9/x?signature=s"})
    with pytest.raises(ServiceUnreachable, match=r"^no answer from http://127\.0\.0\.1:9: "):
        transport.fetch("/v1/x")
