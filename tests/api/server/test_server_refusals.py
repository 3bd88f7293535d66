"""What the HTTP server refuses before the application sees it, and bodies that nobody should send."""

import json
from collections.abc import Iterator

import pytest

from atelier.local.redis_server import EmbeddedServer
from tests.support.http.gunicorn_server import Gunicorn, running_gunicorn
from tests.support.http.raw_forms import content_type, raw_form, raw_part
from tests.support.http.raw_http import RawConnection, RawResponse, ask
from tests.support.images.pictures import png

HOST = b"Host: atelier\r\n"
OK = b"GET /healthz HTTP/1.1\r\n" + HOST


@pytest.fixture(scope="module")
def gunicorn(module_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    with running_gunicorn(module_server.url, tmp_path_factory.mktemp("api")) as running:
        yield running


def check_problem(response: RawResponse, status: int, code: str) -> None:
    assert response.status == status, response.body
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem = response.json
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"/problems/{code}")
    assert problem["request_id"] == response.headers["x-request-id"]
    assert {"title", "detail", "instance", "errors"} <= problem.keys()
    assert problem["detail"][0].isalpha()
    assert not set(problem["detail"]) & set("\\<>\r\n\x00")


def post(path: str, *headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    lines = [f"POST {path} HTTP/{version}", "Host: atelier", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


REFUSED = [
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "address_too_long"),
    (b"GET /v1/jobs?x=" + b"a" * 200_000, 414, "address_too_long"),
    (OK + b"X-Long: " + b"a" * 9000 + b"\r\n\r\n", 431, "headers_too_large"),
    (OK + b"".join(b"X-%d: y\r\n" % number for number in range(120)) + b"\r\n", 431, "headers_too_large"),
    (OK + HOST + b"\r\n", 400, "bad_request"),
    (OK + b"Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n", 400, "bad_request"),
    (OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400, "bad_request"),
    (OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_request"),
    (OK + b"Content-Length: -1\r\n\r\n", 400, "bad_request"),
    (OK + b"Content-Length: one\r\n\r\n", 400, "bad_request"),
    (OK + b"Bad Name: x\r\n\r\n", 400, "bad_request"),
    (OK + b"B\xe9d: x\r\n\r\n", 400, "bad_request"),
    (OK + b"<b>: x\r\n\r\n", 400, "bad_request"),
    (OK + b": x\r\n\r\n", 400, "bad_request"),
    (OK + b"NoColon\r\n\r\n", 400, "bad_request"),
    (OK + b"X: a\x00b\r\n\r\n", 400, "bad_request"),
    (OK + b"X: a\r\n folded\r\n\r\n", 400, "bad_request"),
    (OK + b"Expect: a-miracle\r\n\r\n", 417, "expectation_failed"),
    (OK + b"Transfer-Encoding: brotli\r\n\r\n", 400, "bad_request"),
    (OK + b"Transfer-Encoding: gzip\r\n\r\n", 400, "bad_request"),
    (OK + b"Transfer-Encoding: brotli, chunked\r\n\r\n0\r\n\r\n", 501, "transfer_coding_unknown"),
    (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "transfer_coding_unknown"),
    (b"get /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400, "bad_request"),
    (b"GET healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400, "bad_request"),
    (b"GET /caf\xe9 HTTP/1.1\r\n" + HOST + b"\r\n", 400, "bad_request"),
    (b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", 400, "bad_request"),
    (b"GET /healthz HTTP/2.0\r\n" + HOST + b"\r\n", 505, "http_version_unsupported"),
    (b"GET /healthz HTTP/9.9\r\n" + HOST + b"\r\n", 505, "http_version_unsupported"),
    (b"GET /healthz FTP/1.1\r\n" + HOST + b"\r\n", 400, "bad_request"),
    (b"nonsense\r\n\r\n", 400, "bad_request"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad_request"),  # TLS on a plain port
]


@pytest.mark.parametrize(("data", "status", "code"), REFUSED)
def test_what_the_server_refuses_is_a_problem(
    gunicorn: Gunicorn, data: bytes, status: int, code: str
) -> None:
    response = ask(gunicorn.socket, data)
    check_problem(response, status, code)
    assert response.headers["connection"] == "close"


def test_limits_are_told_as_they_are(gunicorn: Gunicorn) -> None:
    line = ask(gunicorn.socket, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n").json["detail"]
    assert "8190" in line
    assert ask(gunicorn.socket, b"GET /" + b"a" * 8000 + b" HTTP/1.1\r\n" + HOST + b"\r\n").status == 404
    many = ask(gunicorn.socket, OK + b"X: y\r\n" * 120 + b"\r\n").json["detail"]
    assert "100" in many
    assert "8190" in many


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloX0\r\n\r\n",
        b"5;\r=\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n",
    ],
)
def test_broken_chunks_are_a_400(gunicorn: Gunicorn, chunks: bytes) -> None:
    head = ("Transfer-Encoding: chunked", "Content-Type: application/json")
    with RawConnection(gunicorn.socket) as connection:
        connection.send(post("/v1/jobs", *head, body=chunks))
        check_problem(connection.response(), 400, "bad_request")
        assert connection.ended()


@pytest.mark.parametrize(
    "head", [("Transfer-Encoding: chunked",), ("Content-Length: 100",)], ids=["chunked", "length"]
)
def test_a_body_that_ends_early_is_a_400(gunicorn: Gunicorn, head: tuple[str, ...]) -> None:
    for path, kind, whole in (
        ("/v1/jobs", "application/json", b'{"type": "generate"}'),
        ("/v1/batches", "application/jsonl", b'{"type": "generate"}\n'),
        ("/v1/jobs/generate", "application/x-www-form-urlencoded", b"seed=7"),
    ):
        chunk = b"%x\r\n" % len(whole) + whole + b"\r\n" if "chunked" in head[0] else whole
        response = ask(gunicorn.socket, post(path, *head, f"Content-Type: {kind}", body=chunk))
        check_problem(response, 400, "bad_request")
        assert "cut off" in response.json["detail"]
    assert gunicorn.http.get("/v1/batches").json()["data"] == []


EXPECT = "Expect: 100-continue"
JSON = "Content-Type: application/json"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (post("/nowhere", EXPECT, "Content-Length: 10"), 404),
        (post("/healthz", EXPECT, "Content-Length: 10"), 405),
        (post("/v1/files", EXPECT, f"Content-Type: {content_type()}", "Content-Length: 9999999"), 413),
        (post("/v1/jobs", EXPECT, JSON, "Content-Length: 9999999"), 413),
        (post("/v1/jobs/generate", EXPECT, "Content-Type: application/x-www-form-urlencoded",
              "Content-Length: 9999999"), 413),
        (post("/v1/batches", EXPECT, JSON, "Content-Length: 9999999"), 413),
        (post("/v1/jobs", EXPECT, "Content-Type: text/plain", "Content-Length: 10"), 415),
        (post("/v1/jobs", EXPECT, "Content-Length: 10"), 415),
        (post("/v1/jobs/stylize", EXPECT, JSON, "Content-Length: 10"), 415),
        (post("/v1/jobs/generate", EXPECT, "Content-Length: 10"), 415),
        (post("/v1/batches", EXPECT, "Content-Type: text/plain", "Content-Length: 10"), 415),
        (post("/v1/jobs", EXPECT, JSON, "Content-Encoding: gzip", "Content-Length: 10"), 415),
        (post("/v1/jobs", EXPECT, JSON, "Content-Encoding: gzip", "Transfer-Encoding: chunked"), 415),
        (post("/v1/files", EXPECT, "Content-Type: multipart/form-data", "Content-Length: 10"), 400),
        (post("/v1/jobs", EXPECT, JSON, "Idempotency-Key: \t", "Content-Length: 10"), 400),
        (post("/v1/jobs", EXPECT, JSON, 'Idempotency-Key: a"b', "Content-Length: 10"), 400),
        (post("/v1/batches", EXPECT, JSON, 'Idempotency-Key: a"b', "Content-Length: 10"), 400),
        (post("/v1/batches/batch_0/items", EXPECT, JSON, "Content-Length: 10"), 404),
        (post("/v1/batches?colour=red", EXPECT, "Content-Type: application/jsonl", "Content-Length: 9"), 422),
        (post("/v1/batches?metadata=x", EXPECT, "Content-Type: application/jsonl", "Content-Length: 9"), 400),
        (post("/v1/jobs/-/x", EXPECT, JSON, "Content-Length: 10").replace(b"POST", b"PUT"), 404),
        (post("/v1/jobs/-", EXPECT, JSON, "Content-Length: 10").replace(b"POST", b"PUT"), 422),
    ],
)  # fmt: skip
def test_a_body_that_will_be_refused_is_not_asked_for(gunicorn: Gunicorn, data: bytes, status: int) -> None:
    with RawConnection(gunicorn.socket) as connection:
        connection.send(data)
        response = connection.response()
        assert response.status == status, response.body
        assert response.headers["connection"] == "close"
        assert connection.ended()


def test_a_body_that_will_be_read_is_asked_for(gunicorn: Gunicorn) -> None:
    body = json.dumps({"type": "generate"}).encode()
    form = raw_form(raw_part("file", png(20, 20), filename=b"a.png"))
    for path, kind, data, status in (
        ("/v1/jobs", "application/json", body, 202),
        ("/v1/batches", "application/jsonl", body, 202),
        ("/v1/files", content_type(), form, 201),
    ):
        with RawConnection(gunicorn.socket) as connection:
            for length in (f"Content-Length: {len(data)}", "Transfer-Encoding: chunked"):
                connection.send(post(path, "Expect: 100-Continue", f"Content-Type: {kind}", length))
                assert connection.response().status == 100
                chunked = b"%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n"
                connection.send(chunked if "chunked" in length else data)
                answer = connection.response()
                assert answer.status in (status, 200)
                assert answer.headers["connection"] == "keep-alive"


def test_a_body_that_was_sent_unasked_is_passed_over(gunicorn: Gunicorn) -> None:
    with RawConnection(gunicorn.socket) as connection:
        connection.send(post("/nowhere", EXPECT, "Content-Length: 10", body=b"0123456789"))
        assert connection.response().status == 404
        assert connection.ended()


def test_an_old_client_is_not_asked_to_go_on(gunicorn: Gunicorn) -> None:
    body = json.dumps({"type": "generate"}).encode()
    head = (EXPECT, JSON, f"Content-Length: {len(body)}")
    with RawConnection(gunicorn.socket) as connection:
        connection.send(post("/v1/jobs", *head, body=body, version="1.0"))
        assert connection.response().status == 202


def test_nothing_of_it_is_an_error_in_the_log(gunicorn: Gunicorn) -> None:
    told = [ask(gunicorn.socket, data).headers["x-request-id"] for data, _, _ in REFUSED]
    log = gunicorn.log.read_text()
    assert all(request_id in log for request_id in told)
    assert "Traceback" not in log
    assert "ERROR" not in log
    assert "Invalid request from" not in log
