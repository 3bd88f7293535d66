"""Pictures that strangers uploaded: no page may run, or read, what it did not upload itself."""

from collections.abc import Iterator

import httpx
import pytest

from atelier.local.redis_server import EmbeddedServer
from shared.redis.client import connect
from tests.security.test_every_route import check_headers, policy_of
from tests.support.http.gunicorn_server import LoopbackGunicorn
from tests.support.http.raw_http import ask
from tests.support.images.pictures import png


@pytest.fixture
def picture(service: LoopbackGunicorn) -> str:
    """The path of an uploaded picture."""
    file = service.http.post("/v1/files", files={"file": ("x.png", png(8, 8))}).json()
    return f"/v1/files/{file['id']}/content"


def reads(service: LoopbackGunicorn, path: str) -> Iterator[httpx.Response]:
    """Read a picture in every way that there is."""
    whole = service.http.get(path)
    yield whole
    yield service.http.head(path)
    yield service.http.get(path, headers={"Range": "bytes=0-9"})
    yield service.http.get(path, headers={"Range": "bytes=999999-"})
    yield service.http.get(path, headers={"If-Match": '"another"'})


def test_a_picture_is_sent_as_a_picture_alone(service: LoopbackGunicorn, picture: str) -> None:
    for response in reads(service, picture):
        check_headers(response)
        assert "sandbox" in policy_of(response.headers["content-security-policy"])
        assert response.headers["cross-origin-resource-policy"] == "same-origin"
    assert service.http.get(picture).headers["content-disposition"].startswith("inline; filename=")


def test_a_304_says_nothing_that_would_change_the_stored_answer(
    service: LoopbackGunicorn, picture: str
) -> None:
    tag = service.http.get(picture).headers["etag"]
    response = service.http.get(picture, headers={"If-None-Match": tag})
    assert response.status_code == 304
    assert response.headers.get("cross-origin-resource-policy") in (None, "same-origin")


@pytest.mark.parametrize(
    "kind", ["text/html", "image/svg+xml", "application/javascript", "text/html;x=image/png", "image/"]
)
def test_what_is_no_picture_is_a_download(
    service: LoopbackGunicorn, module_server: EmbeddedServer, picture: str, kind: str
) -> None:
    """A crafted backup may name any type: the last place that can help is the one that sends the bytes."""
    file = picture.split("/")[3]
    with connect(module_server.url) as client:
        (key,) = client.keys(f"*{file}")
        client.hset(key, "media_type", kind)
        response = service.http.get(picture)
        client.hset(key, "media_type", "image/png")
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].startswith("attachment; filename=")


def test_archives_and_manifests_are_downloads(service: LoopbackGunicorn) -> None:
    batch = service.http.post("/v1/batches", json={"items": [{"type": "generate", "seed": 7}]}).json()
    for name in ("results.jsonl", "results.zip"):
        response = service.http.get(f"/v1/batches/{batch['id']}/{name}")
        check_headers(response)
        assert response.headers["content-disposition"].startswith("attachment; filename=")


def test_a_stream_has_them_before_its_first_event(service: LoopbackGunicorn) -> None:
    job = service.http.post("/v1/jobs/generate", data={"seed": "7"}).json()
    with service.http.stream("GET", f"/v1/jobs/{job['id']}/events") as response:
        check_headers(response)


def test_the_operator_may_let_every_page_show_pictures(configured_service: LoopbackGunicorn) -> None:
    sent = {"file": ("x.png", png(9, 9))}  # another one than above, which lies in another storage
    file = configured_service.http.post("/v1/files", files=sent).json()
    shown = configured_service.http.get(f"/v1/files/{file['id']}/content")
    assert shown.headers["cross-origin-resource-policy"] == "cross-origin"
    assert configured_service.http.get("/v1/files").headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("head", [b"GET / HTTP/9.9\r\n\r\n", b"\0\r\n\r\n", b"GET /" + b"a" * 9000])
def test_what_the_server_refuses_itself_has_them_too(service: LoopbackGunicorn, head: bytes) -> None:
    refused = ask(service.address, head)
    assert refused.status >= 400
    check_headers(httpx.Response(refused.status, headers=refused.headers))
