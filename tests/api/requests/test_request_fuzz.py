"""Thousands of requests as nobody should send them: each gets a true answer, and none breaks the service.

5,000 of them, in about two minutes: `python -m pytest tests/api/requests/test_request_fuzz.py -m slow`.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MissingHeaderBodySeparatorDefect
from email.message import Message

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atelier.local.redis_server import EmbeddedServer
from tests.support.http.gunicorn_server import Gunicorn, running_gunicorn
from tests.support.http.raw_http import RawResponse, ask
from tests.support.http.request_strategies import (
    FORMS,
    RawRequest,
    form_requests,
    other_requests,
    reading_requests,
)

REQUESTS = st.one_of(*[form_requests()] * 4, other_requests(), reading_requests())
CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large)


@pytest.fixture(scope="module")
def gunicorn(module_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    with running_gunicorn(module_server.url, tmp_path_factory.mktemp("fuzz")) as running:
        yield running
        log = running.log.read_text()
    assert "Traceback" not in log
    assert "request failed" not in log


@settings(max_examples=200, suppress_health_check=CHECKS)
@given(request=REQUESTS)
def test_any_request_gets_a_true_answer(gunicorn: Gunicorn, request: RawRequest) -> None:
    check(request, ask(gunicorn.socket, request.data))


@pytest.mark.slow
@pytest.mark.timeout(900)  # on a machine that is busy with other things
@settings(max_examples=5000, suppress_health_check=CHECKS)
@given(request=REQUESTS)
def test_thousands_of_requests_get_true_answers(gunicorn: Gunicorn, request: RawRequest) -> None:
    check(request, ask(gunicorn.socket, request.data))


def check(request: RawRequest, response: RawResponse) -> None:
    assert 200 <= response.status < 500 or (response.status == 501 and b"Transfer-Encoding" in request.data)
    if response.status < 400:
        return
    assert response.headers["content-type"] == "application/problem+json"
    if request.data.startswith(b"HEAD"):
        return
    problem = response.json
    assert (problem["status"], bool(problem["code"]), bool(problem["detail"])) == (
        response.status,
        True,
        True,
    )
    told = {fault["pointer"].split("/")[1] for fault in problem["errors"] if fault["code"] == "missing"}
    if request.path in FORMS and request.content_type.startswith(b"multipart/form-data"):
        assert not told & sent_fields(request)
    if request.is_whole and request.content_type.startswith(b"multipart/form-data; boundary="):
        assert problem["code"] not in ("bad_request", "not_found")


def sent_fields(request: RawRequest) -> set[str]:
    """Return the fields that another reader finds in the body, as far as they were not left empty."""
    whole = message_from_bytes(b"Content-Type: " + request.content_type + b"\r\n\r\n" + request.body)
    parts = whole.get_payload() if whole.is_multipart() else []
    return {
        str(_name(part)) for part in parts if isinstance(part, Message) and _holds_something(request, part)
    }


def _name(part: Message) -> object:
    return part.get_param("name", header="content-disposition")


def _holds_something(request: RawRequest, part: Message) -> bool:
    if _name(part) is None:
        return False
    filename = part.get_param("filename", header="content-disposition")
    del part["content-type"]  # a charset with a null character is too much for this reader
    text = str(part.get_payload())
    if any(isinstance(defect, MissingHeaderBodySeparatorDefect) for defect in part.defects):
        text = re.split(r"\r\n\r\n|\n\n|\r\r", text, maxsplit=1)[
            -1
        ]  # it takes an odd header for the first of the bytes
    if request.path == "/v1/files" and not filename:
        return any(ord(character) < 9 for character in text[:1024])  # a text is no file, and is told so
    return bool(text.strip() or filename)
