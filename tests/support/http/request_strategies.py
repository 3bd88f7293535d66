"""Requests as nobody should send them: forms and headers byte by byte, sound, odd and damaged."""

import json
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.support.http.raw_forms import RawPart, raw_form
from tests.support.images.pictures import jpeg, png

FORMS = {  # by path: the fields that it must have
    "/v1/jobs/stylize": ("content", "style"),
    "/v1/jobs/generate": (),
    "/v1/jobs/transform": ("content",),
    "/v1/files": ("file",),
    "/v1/styles": ("name", "image"),
    "/replicate/v1/files": ("content", "metadata"),
}
NAMES = (
    *(b"content", b"style", b"mask", b"file", b"image", b"name", b"weight", b"seed", b"digit", b"strength"),
    *(b"metadata", b"model", b"webhook", b"animation", b"latents", b"max_side", b"steps"),
    *(b"", b"caf\xe9", "ünï".encode(), b"a b", b"content[]", b"__proto__", b"x" * 300),
)
_PICTURES = (png(20, 20), jpeg(20, 20), png(9, 300))
_TEXTS = (
    *(b"", b" ", b"7", b"0.5", b"nan", b"-1", b"1e999", b"1" * 400, b"true", b"1,2,,x", b"waves", b"caf\xe9"),
    *(
        b'{"a": "b"}',
        b'\xef\xbb\xbf{"a": "b"}',
        b"{",
        b"[" * 3000,
        b'{"a": "\\ud800"}',
        b"[[1e400]]",
        b"\x00",
    ),
    *(b"data:image/png;base64,AAAA", b"https://example.org/a.png", b"file_" + b"0" * 64, b"x" * 3000),
)
_FILENAMES = (
    *(None, b"", b"a.jpg", b"caf\xe9.jpg", "表".encode("shift-jis"), "ソ".encode("shift-jis"), b"\xff\x00"),
    *(b"C:\\a\\", b'a"b', b'a\\"b', b"a;b=c", b"../../etc", b"x" * 400),
)
_PART_HEADERS = (
    *(b"Content-Type: image/png", b"Content-Type: text/plain; charset=iso-8859-1", b"Content-Type:", b"X: y"),
    *(b"Content-Type: text/plain; charset=utf-16", b"Content-Transfer-Encoding: binary", b"no colon at all"),
    *(
        b"Content-Transfer-Encoding: base64",
        b"Content-Disposition: attachment",
        b"\xe9: \xe9",
        b"Content-Length: 9",
    ),
)
_BOUNDARIES = (b"x", b"----WebKitFormBoundaryAbC", b"----=_Part_7", b"a b", b"'()+_,-./:=?", b"b" * 70, b"--")
_HEADERS = (
    *(b"Expect: 100-continue", b"Expect: 200-ok", b"Content-Encoding: gzip", b"Content-Encoding: identity"),
    *(
        b"Idempotency-Key: k",
        b"Idempotency-Key: \xe9",
        b'Idempotency-Key: "',
        b"Prefer: wait=0",
        b"Prefer: ;,=",
    ),
    *(b"Prefer: wait=99999999999", b"If-Match: *", b'If-Match: "x"', b"If-None-Match: *", b"Range: bytes=-1"),
    *(b"X-Request-Id: a-1", b"X-Request-Id: \xff", b"Host: a:b:c", b"Host: [::1", b"Content-Type: a/b"),
    *(b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: x", b"Content-Length: 3", b"Script_Name: /x"),
    *(
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Proto: http",
        b"X-Forwarded-Host: \xe9",
        b"Cookie: a=b; \xe9",
    ),
    *(b"Authorization: Basic \xe9", b"Accept: \xe9/*;q=x", b"Bad Name: x", b": x", b"none", b"X: a\x00b"),
    *(b"X: y\r\n folded", b"X-Long: " + b"y" * 9000, b"Connection: close", b"Upgrade: h2c", b"Te: trailers"),
    *(b"Last-Event-ID: \xe9", b"Content-Language: \xff", b"Content-Range: bytes 0-1/2", b"Date: never"),
)


@dataclass(frozen=True)
class RawRequest:
    """A request, and what an honest reader of its body may expect."""

    data: bytes
    path: str
    content_type: bytes
    body: bytes
    is_whole: bool  # nothing was damaged, and nothing in its headers keeps the body from being read


def _mostly(good: st.SearchStrategy[bytes], odd: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.one_of(good, good, good, odd)


# Made once: a strategy that is made for each example costs more than the request.
_up_to_9, _any_byte, _share = st.integers(0, 9), st.integers(0, 255), st.floats(0, 1)
_few_bytes, _some_bytes = st.binary(max_size=40), st.binary(max_size=200)
_field = _mostly(st.sampled_from(NAMES), _few_bytes)
_filename = st.sampled_from(_FILENAMES)
_headers_of_part = st.lists(st.sampled_from(_PART_HEADERS), max_size=2)
_picture = st.sampled_from(_PICTURES)
_content = st.one_of(_picture, _picture, st.sampled_from(_TEXTS), _few_bytes)
_path = st.sampled_from(sorted(FORMS))
_boundary = st.sampled_from(_BOUNDARIES)
_damage = st.sampled_from(["cut", "flip", "insert", "remove", "double", "line ends", "junk"])
_framing = st.sampled_from(["length"] * 6 + ["chunks"] * 3 + ["long", "short", "broken"])
_chunk_size = st.integers(1, 4000)
_odd_headers = st.one_of(st.just([]), st.just([]), st.lists(st.sampled_from(_HEADERS), max_size=3))


@st.composite
def _part(draw: st.DrawFn, field: st.SearchStrategy[bytes]) -> RawPart:
    disposition = b'; name="' + draw(field) + b'"'
    filename = draw(_filename)
    if filename is not None:
        disposition += b'; filename="' + filename + b'"'
    return RawPart(disposition, draw(_content), tuple(draw(_headers_of_part)))


_NEEDED = {path: tuple(_part(st.just(name.encode())) for name in names) for path, names in FORMS.items()}
_further = st.lists(_part(_field), max_size=3)


@st.composite
def _parts(draw: st.DrawFn, path: str) -> list[RawPart]:
    needed = [draw(part) for part in _NEEDED[path] if draw(_up_to_9)]
    return [*needed, *draw(_further)][:: -1 if draw(_up_to_9) < 3 else 1]


@st.composite
def _damaged(draw: st.DrawFn, body: bytes) -> bytes:
    kind, at = draw(_damage), int(draw(_share) * len(body))
    if kind == "flip":
        return body[:at] + bytes([draw(_any_byte)]) + body[at + 1 :]
    if kind == "insert":
        return body[:at] + draw(_few_bytes) + body[at:]
    if kind == "remove":
        return body[:at] + body[at + draw(_any_byte) :]
    if kind == "junk":
        return draw(_some_bytes)
    return {"cut": body[:at], "double": body[:at] + body, "line ends": body.replace(b"\r\n", b"\n")}[kind]


@st.composite
def _framed(draw: st.DrawFn, body: bytes) -> tuple[bytes, bytes, bool]:
    """Return the header that frames a body, the body as it is sent, and whether all of it is announced.

    Damage may hit the chunks' bytes as well as their sizes, so nobody knows which body broken ones carry.
    """
    kind = draw(_framing)
    if kind in ("length", "long", "short"):
        length = max(0, len(body) + {"length": 0, "long": 7, "short": -7}[kind])
        return b"Content-Length: %d" % length, body, kind == "length"
    size = draw(_chunk_size)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n" % len(piece) + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"
    if kind == "broken":
        chunks = draw(_damaged(chunks))
    return b"Transfer-Encoding: chunked", chunks, kind == "chunks"


@st.composite
def form_requests(draw: st.DrawFn) -> RawRequest:
    """Requests with a multipart body, or what is left of one."""
    path, boundary = draw(_path), draw(_boundary)
    body = raw_form(*draw(_parts(path)), boundary=boundary)
    is_whole = draw(_up_to_9) < 6
    if not is_whole:
        body = draw(_damaged(body))
    named = draw(_boundary) if draw(_up_to_9) == 9 else boundary
    kind = b'multipart/form-data; boundary="' + named + b'"'
    odd = {7: b"multipart/form-data", 8: b"", 9: kind + b"; x=\xe9"}
    return _request(draw, path, odd.get(draw(_up_to_9), kind), body, is_whole)


_NAMES = st.sampled_from(
    ["type", "items", "template", "batch", "seed", "metadata", "content", "styles", "input", "version"]
)
_word = st.text(max_size=5)
_value = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _word),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_word, inner, max_size=3)),
    max_leaves=6,
)
_json = st.one_of(_value, st.dictionaries(_NAMES, _value, max_size=4))
_other = st.sampled_from(
    [
        ("/v1/jobs", b"application/json"),
        ("/v1/batches", b"application/json"),
        ("/v1/batches", b"application/jsonl"),
        ("/v1/styles", b"application/json"),
        ("/v1/jobs/generate", b"application/x-www-form-urlencoded"),
        ("/replicate/v1/predictions", b"application/json"),
        ("/replicate/v1/models/atelier/mnist-dcgan/predictions", b"application/json"),
    ]
)


@st.composite
def other_requests(draw: st.DrawFn) -> RawRequest:
    """Requests with JSON, lines of JSON or urlencoded fields, sound or not."""
    path, kind = draw(_other)
    choice = draw(_up_to_9)
    body = json.dumps(draw(_json)).encode() if choice < 6 else draw(_some_bytes)
    return _request(draw, path, kind, b"seed=%ff&x" if choice == 9 else body, False)


_reading = st.sampled_from(
    [
        *(b"/healthz", b"/v1/jobs?limit=1", b"/v1/jobs?model=%ff", b"/v1/jobs?cursor=%00", b"/v1/jobs/%ff"),
        *(
            b"/v1/jobs/job_0?wait=1e9",
            b"/v1/jobs/a%2Fb",
            b"/v1/files/%E2%80%AE",
            b"/v1/styles/..%2F..",
            b"//",
            b"/%",
        ),
        *(
            b"/v1/styles/builtin/multistyle-26/sheet",
            b"/v1/batches?limit=%31",
            b"http://a/healthz",
            b'/docs?x="<',
        ),
        *(
            b"/v1/webhooks/deliveries?job=%c3%28",
            b"/problems/%0d%0aX:y",
            b"/v1/jobs/job_0/events",
            b"*",
            b"/openapi.json",
            b"/replicate/v1/models",
            b"/replicate/v1/predictions?created_after=%ff",
            b"/replicate/v1/predictions/job_0/stream",
        ),
    ]
)
_method = st.sampled_from(
    [b"GET"] * 5 + [b"HEAD", b"DELETE", b"OPTIONS", b"PUT", b"TRACE", b"QUERY", b"get", b"G\xe9T"]
)
_conditions = st.lists(
    st.sampled_from(
        [
            *(
                b"Range: bytes=-99999999",
                b"Range: bytes=0-1,3-4",
                b"Range: bytes=9-1",
                b"Range: \xe9",
                b"If-Range: \xe9",
            ),
            *(
                b'If-Range: W/"x"',
                b"If-Match: \xe9",
                b"If-Match: ,",
                b'If-None-Match: W/"x", *',
                b"If-None-Match: \xe9",
            ),
            *(
                b"If-Modified-Since: never",
                b"If-Unmodified-Since: Sat, 29 Oct 1994 19:43:31 GMT",
                b"Accept: */*",
            ),
        ]
    ),
    max_size=3,
)


@st.composite
def reading_requests(draw: st.DrawFn) -> RawRequest:
    """Requests without a body, with odd addresses and conditions."""
    path = draw(_reading)
    head = [
        draw(_method) + b" " + path + b" HTTP/1.1",
        b"Host: atelier",
        *draw(_conditions),
        *draw(_odd_headers),
    ]
    return RawRequest(b"\r\n".join([*head, b"", b""]), path.decode(), b"", b"", False)


def _request(draw: st.DrawFn, path: str, kind: bytes, body: bytes, is_whole: bool) -> RawRequest:
    frame, sent, is_announced = draw(_framed(body))
    extra = draw(_odd_headers)
    head = [b"POST " + path.encode() + b" HTTP/1.1", b"Host: atelier", frame, *extra]
    head += [b"Content-Type: " + kind] if kind else []
    data = b"\r\n".join([*head, b"", sent])
    is_known = is_announced or frame.startswith(b"Content-Length")
    return RawRequest(data, path, kind, body if is_known else b"", is_whole and is_announced and not extra)
