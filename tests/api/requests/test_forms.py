"""Bodies of forms as real clients send them, and what is said of those that cannot be read."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.services import Services
from shared.identifiers import file_id, sha256
from tests.support.http.raw_forms import BOUNDARY, RawPart, content_type, raw_form, raw_part
from tests.support.images.pictures import jpeg, png

CONTENT, STYLE = jpeg(40, 30), png(20, 20)
PICTURES = (
    raw_part("content", CONTENT, filename=b"a.jpg"),
    raw_part("style", STYLE, filename=b"b.png"),
)

CHUNKED = {"environ_overrides": {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}}


def send(
    client: FlaskClient,
    body: bytes,
    path: str = "/v1/jobs/stylize",
    kind: str | None = None,
    **options: Any,
) -> TestResponse:
    return client.post(path, data=body, content_type=kind or content_type(), **options)


def faults(response: TestResponse) -> list[tuple[str, str]]:
    assert response.json is not None
    return [(fault["pointer"], fault["code"]) for fault in response.json["errors"]]


def refused(response: TestResponse) -> tuple[int, str]:
    assert response.json is not None
    assert "missing" not in response.json["detail"]
    return response.status_code, response.json["code"]


@pytest.mark.parametrize(
    "name",
    [
        b"caf\xe9.jpg",
        "写真".encode("shift-jis"),
        "表".encode("shift-jis") + b".jpg",
        "ソ".encode("shift-jis"),  # its last byte is the backslash that hides the quote
        "写真".encode("gbk"),
        "фото".encode("koi8-r"),
        "фото".encode("utf-16-le"),
        b"C:\\photos\\",
        b"a; name=b; name=c",
        b'a\\"b.jpg',
        b"\xff\x00\x01",
        b"x" * 5000,
    ],
)
def test_a_file_may_have_any_name(client: FlaskClient, name: bytes) -> None:
    parts = [raw_part("content", CONTENT, filename=name), raw_part("style", STYLE, filename=name)]
    response = send(client, raw_form(*parts))
    assert response.status_code == 202
    assert response.json["input"]["content"] == file_id(sha256(CONTENT))
    assert send(client, raw_form(raw_part("file", CONTENT, filename=name)), "/v1/files").status_code < 202


@pytest.mark.parametrize("extra", [(), (b"Content-Type: image/png",), (b"Content-Type: text/plain",)])
def test_a_picture_needs_no_file_name(client: FlaskClient, extra: tuple[bytes, ...]) -> None:
    parts = [raw_part("content", CONTENT, *extra), raw_part("style", STYLE, *extra)]
    response = send(client, raw_form(*parts, raw_part("mask", STYLE, *extra)))
    assert (response.status_code, response.json["input"]["mask"]) == (202, file_id(sha256(STYLE)))
    assert send(client, raw_form(raw_part("file", STYLE, *extra)), "/v1/files").status_code == 200
    style = raw_form(raw_part("name", b"waves"), raw_part("image", STYLE, *extra))
    assert send(client, style, "/v1/styles").status_code == 201


def test_a_large_picture_needs_no_file_name(client: FlaskClient) -> None:
    large = CONTENT + bytes(700_000)
    parts = [raw_part("content", large), raw_part("style", STYLE)]
    assert send(client, raw_form(*parts)).json["input"]["content"] == file_id(sha256(large))


def test_names_stay_texts_where_a_picture_may_be(client: FlaskClient) -> None:
    known = send(client, raw_form(raw_part("file", CONTENT)), "/v1/files").json["id"]
    text = b"Content-Type: text/plain; charset=utf-8"
    parts = [raw_part("content", known.encode(), text), raw_part("style", known.encode())]
    assert send(client, raw_form(*parts)).status_code == 202


@pytest.mark.parametrize(
    "kind",
    [
        b"multipart/form-data; boundary=----=_Part_7",  # not quoted, though it must be
        b"multipart/form-data; charset=utf-8; BOUNDARY=----=_Part_7",
        b'multipart/form-data; boundary="----=_Part_7"; charset=utf-8',
    ],
)
def test_a_boundary_may_be_written_in_any_way(client: FlaskClient, kind: bytes) -> None:
    assert send(client, raw_form(*PICTURES), kind=kind.decode()).status_code == 202


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_form_may_have_a_preamble_and_short_line_ends(client: FlaskClient, line_end: bytes) -> None:
    parts = [raw_part("seed", b"7"), raw_part("digit", b"3")]
    body = b"A preamble.\r\n" + raw_form(*parts) + b"An epilogue."
    response = send(client, body.replace(b"\r\n", line_end), "/v1/jobs/generate")
    assert (response.status_code, response.json["input"]["seeds"]) == (202, [7])


UNENDED_HEADERS = raw_form(raw_part("style", b"\0\n", filename=b"a.jpg"), PICTURES[0]).replace(
    b"\r\n\r\n\0", b"\r\n\0", 1
)


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (raw_form(*PICTURES), "multipart/form-data", "boundary"),
        (raw_form(*PICTURES), "multipart/form-data; boundary=", "boundary"),
        (raw_form(*PICTURES), "multipart/form-data; boundary=other", "begins with --other"),
        (raw_form(*PICTURES)[:-60], None, "style"),
        (raw_form(*PICTURES)[:200], None, "content"),
        (raw_form(*PICTURES)[:60], None, "cut off"),
        (raw_form(*PICTURES, closed=False), None, "cut off"),
        (raw_form(RawPart(b"", b"x")), None, "name"),
        (raw_form(RawPart(b'; filename="a.jpg"', b"x")), None, "name"),
        (raw_form(RawPart(b'; name="file"; name="content"', b"x")), None, "more than one name"),
        (raw_form(RawPart(b'; name="a\\"b"; x; NAME =c', b"x")), None, "more than one name"),
        (b"--" + BOUNDARY + b"\r\nContent-Type: image/png\r\n\r\nx\r\n--" + BOUNDARY + b"--", None, "name"),
        (b"--" + BOUNDARY + b"\r\n" + b"X-Long: y\r\n" * 9000, None, "headers"),
        (UNENDED_HEADERS, None, "the headers of part 1 of the form do not end"),
        (bytes(100_000), None, "begins with"),
        (raw_form(PICTURES[0]) + raw_form(PICTURES[1]), None, "behind"),
        (b"nonsense", None, "begins with"),
    ],
)
def test_a_form_that_cannot_be_read_is_told_so(
    client: FlaskClient, body: bytes, kind: str | None, told: str
) -> None:
    response = send(client, body, kind=kind)
    assert refused(response) == (400, "malformed_form")
    assert told in response.json["detail"]


def test_an_empty_form_lacks_its_fields(client: FlaskClient) -> None:
    for body in (b"", raw_form()):
        assert faults(send(client, body)) == [("/content", "missing"), ("/style", "missing")]


def test_a_body_without_a_type_is_no_empty_form(client: FlaskClient) -> None:
    for options in ({}, CHUNKED):
        response = client.post("/v1/jobs/generate", data=raw_form(*PICTURES), **options)
        assert refused(response) == (415, "unsupported_media_type")


def test_too_many_parts_are_told_with_the_limit(client: FlaskClient) -> None:
    for path, body, kind in (
        ("/v1/jobs/stylize", raw_form(*PICTURES, *[raw_part("weight", b"1")] * 999), content_type()),
        ("/v1/jobs/generate", b"&".join([b"seeds=1"] * 1001), "application/x-www-form-urlencoded"),
    ):
        response = send(client, body, path, kind)
        assert refused(response) == (413, "body_too_large")
        assert "1000" in response.json["detail"]


@pytest.mark.parametrize("kind", ["multipart", "urlencoded"])
def test_a_text_over_its_limit_is_told_by_its_name(client: FlaskClient, kind: str) -> None:
    if kind == "multipart":
        body, media = raw_form(raw_part("metadata", b"x" * 500_001)), content_type()
    else:
        body, media = b"metadata=" + b"x" * 500_001, "application/x-www-form-urlencoded"
    response = send(client, body, "/v1/jobs/generate", media)
    assert refused(response) == (413, "body_too_large")
    assert faults(response) == [("/metadata", "body_too_large")]
    assert "500000" in response.json["detail"]


def test_the_limit_of_the_body_is_told_as_its_own(client: FlaskClient, services: Services) -> None:
    limit = services.settings.limits.max_body_bytes
    body = raw_form(raw_part("content", bytes(limit), filename=b"a"))
    for options in ({}, CHUNKED):
        response = send(client, body, **options)
        assert refused(response) == (413, "body_too_large")
        assert f"at most {limit} bytes" in response.json["detail"]


def test_a_body_of_just_the_limit_is_read(client: FlaskClient, services: Services) -> None:
    limit = services.settings.limits.max_body_bytes
    rest = limit - len(raw_form(raw_part("file", CONTENT, filename=b"a")))
    body = raw_form(raw_part("file", CONTENT + bytes(rest), filename=b"a"))
    options = CHUNKED
    assert len(body) == limit
    assert send(client, body, "/v1/files", **options).status_code == 201
    job = b'{"type": "generate"}'.ljust(1024 * 1024)
    assert send(client, job, "/v1/jobs", "application/json", **options).status_code == 202


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/v1/jobs", "application/json"), ("/v1/batches", "application/jsonl"), ("/v1/files", None)],
)
def test_a_body_shorter_than_its_length_is_cut_off(client: FlaskClient, path: str, kind: str | None) -> None:
    body = b'{"type": "generate"}\n' if kind else raw_form(raw_part("file", CONTENT, filename=b"a"))
    for options in ({}, {"wsgi.input_terminated": True}):
        environ = {"CONTENT_LENGTH": str(len(body) + 10), **options}
        response = send(client, body, path, kind, environ_overrides=environ)
        assert (response.status_code, response.json["code"]) == (400, "bad_request")
        assert "cut off" in response.json["detail"]


@pytest.mark.parametrize("name", ["model", "metadata", "digits", "webhook", "lane"])
@pytest.mark.parametrize("kind", ["multipart", "urlencoded"])
def test_a_text_that_is_not_utf8_is_refused_by_name(client: FlaskClient, name: str, kind: str) -> None:
    if kind == "multipart":
        response = send(client, raw_form(raw_part(name, b"caf\xe9")), "/v1/jobs/generate")
    else:
        media = "application/x-www-form-urlencoded"
        for text in (b"caf%E9", b"caf\xe9"):
            response = send(client, name.encode() + b"=" + text, "/v1/jobs/generate", media)
    assert (response.status_code, faults(response)) == (422, [(f"/{name}", "invalid_encoding")])
    assert "UTF-8" in response.json["detail"]


def test_a_name_of_a_picture_that_is_not_utf8_is_refused_by_name(client: FlaskClient) -> None:
    response = send(client, raw_form(PICTURES[0], raw_part("style", b"caf\xe9")))
    assert faults(response) == [("/style", "invalid_encoding")]
    response = send(client, raw_form(raw_part("name", b"caf\xe9"), raw_part("image", STYLE)), "/v1/styles")
    assert faults(response) == [("/name", "invalid_encoding")]


def test_a_text_may_say_its_charset(client: FlaskClient) -> None:
    latin = raw_part(
        "metadata", '{"a": "é"}'.encode("latin-1"), b"Content-Type: text/plain; charset=iso-8859-1"
    )
    response = send(client, raw_form(latin), "/v1/jobs/generate")
    assert response.json["metadata"] == {"a": "é"}


@pytest.mark.parametrize("coding", [b"base64", b"quoted-printable"])
def test_a_part_in_a_transfer_encoding_is_refused_by_name(client: FlaskClient, coding: bytes) -> None:
    part = raw_part("content", b"iVBO", b"Content-Transfer-Encoding: " + coding, filename=b"a")
    response = send(client, raw_form(part))
    assert faults(response) == [("/content", "unsupported_encoding")]
    plain = raw_part("content", CONTENT, b"Content-Transfer-Encoding: binary", filename=b"a")
    assert send(client, raw_form(plain, PICTURES[1])).status_code == 202


def test_fields_left_empty_are_as_not_given(client: FlaskClient) -> None:
    names = [
        *("model", "lane", "ttl_seconds", "deadline_seconds", "cache", "webhook", "webhook_events"),
        *("metadata", "format", "quality", "strength", "preserve_color", "stroke", "max_side"),
        *("steadiness", "steps", "style_weight", "content_weight", "variation_weight", "optimizer"),
        *("preview_every", "weight"),
    ]
    nothing = raw_part("mask", b"", b"Content-Type: application/octet-stream", filename=b"")
    empty = [raw_part(name, b"") for name in names]
    response = send(client, raw_form(*PICTURES, *empty, nothing))
    plain = send(client, raw_form(*PICTURES))
    assert response.status_code == 202
    assert response.json["input"] == plain.json["input"]


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_empty_fields_of_a_generation_are_as_not_given(client: FlaskClient, kind: str) -> None:
    names = [
        *("count", "seeds", "latents", "digit", "digits", "truncation", "interpolate_seeds"),
        *("interpolate_latents", "steps", "columns", "gap", "animation", "frame_milliseconds", "loop"),
        *("upscale", "filter", "model", "metadata"),
    ]
    form = {"seed": "7", **dict.fromkeys(names, "")}
    response = client.post("/v1/jobs/generate", data=form, content_type=kind)
    assert (response.status_code, response.json["input"]["seeds"]) == (202, [7])
    assert client.post("/v1/jobs/generate", data={"seeds": ["1", "", "2"]}).json["input"]["seeds"] == [1, 2]


def test_empty_slots_of_styles_keep_the_weights_in_their_rows(client: FlaskClient) -> None:
    nothing = raw_part("style", b"", b"Content-Type: application/octet-stream", filename=b"")
    rows = [PICTURES[1], nothing, raw_part("style", CONTENT, filename=b"c")]
    for weights in ((b"3", b"", b"2"), (b"3", b"5", b"2"), (b"3", b"2")):
        parts = [PICTURES[0], *rows, *(raw_part("weight", weight) for weight in weights)]
        response = send(client, raw_form(*parts))
        assert [style["weight"] for style in response.json["input"]["styles"]] == [3.0, 2.0]
    blank = [PICTURES[0], *rows, *(raw_part("weight", weight) for weight in (b"", b"", b"2"))]
    styles = send(client, raw_form(*blank)).json["input"]["styles"]
    assert [style["weight"] for style in styles] == [1.0, 2.0]


def test_a_required_field_left_empty_is_missing(client: FlaskClient) -> None:
    nothing = [raw_part(name, b"", filename=b"") for name in ("content", "style")]
    assert faults(send(client, raw_form(*nothing))) == [("/content", "missing"), ("/style", "missing")]
    assert faults(send(client, raw_form(raw_part("file", b"", filename=b"")), "/v1/files")) == [
        ("/file", "missing")
    ]


@pytest.mark.parametrize("name", [b"a.jpg", "ソ".encode("shift-jis")])
def test_a_file_without_bytes_is_not_missing(client: FlaskClient, name: bytes) -> None:
    response = send(client, raw_form(raw_part("file", b"", filename=name)), "/v1/files")
    assert faults(response) == [("/file", "unsupported_image_format")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"ftp://example.org/photo.jpg", "address"),
        (b"file:///home/me/photo.jpg", "address"),
        (b"s3://bucket/photo.jpg", "address"),
    ],
)
def test_addresses_that_are_not_fetched_are_told_what_to_do(
    client: FlaskClient, text: bytes, told: str
) -> None:
    responses = [
        (send(client, raw_form(raw_part("content", text), PICTURES[1])), "/content", "content"),
        (send(client, raw_form(PICTURES[0], raw_part("style", text))), "/style/0", "style"),
        (send(client, raw_form(*PICTURES, raw_part("mask", text))), "/mask", "mask"),
        (
            send(client, raw_form(raw_part("name", b"a"), raw_part("image", text)), "/v1/styles"),
            "/image",
            "image",
        ),
        (send(client, raw_form(raw_part("file", text)), "/v1/files"), "/file", "file"),
    ]
    known = file_id("0" * 64)
    stylize = {"type": "stylize", "content": known, "styles": [{"image": text.decode()}]}
    for body, pointer in (
        ({**stylize, "styles": [{"image": known}], "content": text.decode()}, "/content"),
        (stylize, "/styles/0/image"),
    ):
        responses.append((client.post("/v1/jobs", json=body), pointer, pointer[1:].replace("/", ".")))
        batch = client.post("/v1/batches", json={"items": [body]})
        responses.append((batch, f"/items/0{pointer}", pointer[1:].replace("/", ".")))
    for response, pointer, name in responses:
        assert response.status_code == 422
        (fault,) = response.json["errors"]
        assert (fault["pointer"], fault["code"]) == (pointer, "invalid_format")
        assert fault["detail"].startswith(name)
        assert told in fault["detail"]
        assert "/v1/files" in fault["detail"]
        assert len(fault["detail"]) < 300


@pytest.mark.parametrize("field", ["content", "style"])
def test_addresses_in_a_template_are_told_what_to_do(client: FlaskClient, field: str) -> None:
    known = file_id("0" * 64)
    axes = {"content": [known], "style": [known], field: ["s3://bucket/a.jpg"]}
    response = client.post("/v1/batches", json={"template": {"type": "stylize", "multiply": axes}})
    assert response.status_code == 422
    assert "address" in response.json["detail"]
    assert "/v1/files" in response.json["detail"]
