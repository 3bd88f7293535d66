"""Every field of a request that takes a text, as a function that makes the request with it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from tests.support.http.raw_forms import content_type, raw_form, raw_part
from tests.support.images.pictures import png

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
JOB = {"type": "generate", "seed": 7}


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    method: str
    path: str
    headers: dict[str, bytes] = field(default_factory=dict)
    body: bytes = b""


Place = Callable[[str], Request]


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _path(method: str, template: str, *, escape: bool, text: str) -> Request:
    """Put a text into a path, escaped, or as it is but for what no request line can hold."""
    safe = "" if escape else "/%.\\:;@!$&'()*,+=~"
    return Request(method, template.replace("{}", quote(_octets(text), safe=safe)))


def _query(path: str, name: str, text: str) -> Request:
    return Request("GET", f"{path}?{urlencode({name: _octets(text)})}")


def _header(path: str, name: str, text: str) -> Request:
    """Put a text into a header, without what would end it: that is smuggling."""
    value = _octets(text).translate(None, b"\r\n\0")[:4000]
    return Request("GET", path, {name: value})


def _posted_header(name: str, text: str) -> Request:
    request = _json("POST", "/v1/jobs", lambda _: JOB, text)
    value = _octets(text).translate(None, b"\r\n\0")[:4000]
    return Request("POST", "/v1/jobs", {**request.headers, name: value}, request.body)


def _json(method: str, path: str, make: Callable[[str], Any], text: str) -> Request:
    return Request(method, path, {"Content-Type": JSON.encode()}, json.dumps(make(text)).encode())


def _lines(text: str) -> Request:
    body = json.dumps({"custom_id": text, **JOB}) + "\n" + text + "\n"
    path = f"/v1/batches?{urlencode({'metadata': json.dumps({'a': text})})}"
    return Request("POST", path, {"Content-Type": b"application/jsonl"}, _octets(body))


def _fields(path: str, name: str, text: str) -> Request:
    return Request("POST", path, {"Content-Type": FORM.encode()}, urlencode({name: _octets(text)}).encode())


def _form(path: str, part: Callable[[bytes], Any], text: str) -> Request:
    parts = [part(_octets(text))]
    return Request("POST", path, {"Content-Type": content_type().encode()}, raw_form(*parts))


_PATHS = {
    "GET": (
        "/v1/jobs/{}", "/v1/jobs/{}/result", "/v1/jobs/{}/preview", "/v1/jobs/{}/outputs/0",
        "/v1/jobs/{}/events",
        "/v1/jobs/job_0/outputs/{}", "/v1/batches/{}", "/v1/batches/{}/items", "/v1/batches/{}/results.zip",
        "/v1/batches/{}/contact-sheet", "/v1/files/{}", "/v1/files/{}/content", "/v1/styles/{}",
        "/v1/styles/{}/image", "/v1/styles/builtin/{}/sheet", "/v1/models/{}", "/v1/webhooks/deliveries/{}",
        "/problems/{}", "/docs/{}", "/{}",
    ),
    "POST": ("/v1/jobs/{}/cancel", "/v1/jobs/{}/retry", "/v1/batches/{}/pause", "/v1/batches/{}/items",
             "/v1/webhooks/deliveries/{}/redeliver"),
    "DELETE": ("/v1/jobs/{}", "/v1/batches/{}", "/v1/files/{}", "/v1/styles/{}", "/v1/keys/{}",
               "/v1/pauses/{}"),
}  # fmt: skip
_QUERIES = {
    "/v1/jobs": ("cursor", "limit", "status", "type", "model", "code", "worker", "items", "wait"),
    "/v1/batches": ("cursor", "limit"), "/v1/files": ("cursor", "limit"), "/v1/styles": ("cursor", "limit"),
    "/v1/webhooks/deliveries": ("cursor", "job", "batch", "state"), "/v1/keys": ("cursor",),
    "/v1/jobs/job_0": ("wait",), "/v1/jobs/job_0/outputs/0": ("key", "expires", "signature"),
    "/docs": ("url",),
}  # fmt: skip
_HEADERS = (
    "X-Request-Id", "Prefer", "If-None-Match", "If-Match", "If-Modified-Since", "Range", "If-Range",
    "Last-Event-ID", "Accept", "Accept-Encoding", "Authorization", "User-Agent", "Cookie", "Referer",
    "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "Origin",
    "Sec-Fetch-Site", "X-Original-URL", "X-HTTP-Method-Override",
)  # fmt: skip
_POSTED = ("Idempotency-Key", "Prefer", "X-Request-Id", "Content-Encoding", "Content-Language", "Origin")
_JOBS: dict[str, Callable[[str], Any]] = {
    "a key of metadata": lambda text: {**JOB, "metadata": {text: "a"}},
    "metadata": lambda text: {**JOB, "metadata": {"a": text}},
    "model": lambda text: {**JOB, "model": text},
    "type": lambda text: {"type": text},
    "a field": lambda text: {**JOB, text: text},
    "lane": lambda text: {**JOB, "lane": text},
    "webhook": lambda text: {**JOB, "webhook": {"url": f"http://public.example/{text}"}},
    "webhook host": lambda text: {**JOB, "webhook": {"url": f"http://{text}/"}},
    "webhook url": lambda text: {**JOB, "webhook": {"url": text}},
    "events": lambda text: {**JOB, "webhook": {"url": "http://public.example/", "events": [text]}},
    "content": lambda text: {"type": "stylize", "content": text, "styles": [{"name": text}]},
    "style": lambda text: {"type": "stylize", "content": "file_" + "0" * 64, "styles": [{"image": text}]},
    "output": lambda text: {**JOB, "output": {"format": text}},
}
_BATCHES: dict[str, Callable[[str], Any]] = {
    "custom_id": lambda text: {"items": [{"custom_id": text, **JOB}]},
    "metadata": lambda text: {"items": [JOB], "metadata": {text: text}},
    "an item": lambda text: {"items": [text]},
    "template": lambda text: {"template": {"type": "stylize", "multiply": {text: [text]}}},
    "a field": lambda text: {"items": [JOB], text: text},
}
_PARTS: dict[str, Callable[[bytes], Any]] = {
    "filename": lambda text: raw_part("content", png(), filename=text),
    "name": lambda text: raw_part(text.decode("latin-1"), b"x"),
    "name of a file": lambda text: raw_part(text.decode("latin-1"), png(), filename=b"a.png"),
    "style": lambda text: raw_part("style", text),
    "model": lambda text: raw_part("model", text),
    "metadata": lambda text: raw_part("metadata", text),
}


def places() -> dict[str, Place]:
    """Return all places by name."""
    found: dict[str, Place] = {"lines of a batch": _lines}
    for method, templates in _PATHS.items():
        for template in templates:
            for escape in (True, False):
                kind = "" if escape else " as it is"
                found[f"{method} {template}{kind}"] = partial(_text_path, method, template, escape)
    found["PUT /v1/jobs/{}"] = lambda text: _json(
        "PUT", f"/v1/jobs/{quote(_octets(text), safe='')}", lambda _: JOB, text
    )
    for path, names in _QUERIES.items():
        found |= {f"query {path} {name}": partial(_query, path, name) for name in names}
    found |= {f"header {name}": partial(_header, "/v1/jobs", name) for name in _HEADERS}
    found |= {f"header {name} of a job": partial(_posted_header, name) for name in _POSTED}
    found |= {f"job: {name}": partial(_json, "POST", "/v1/jobs", make) for name, make in _JOBS.items()}
    found |= {
        f"batch: {name}": partial(_json, "POST", "/v1/batches", make) for name, make in _BATCHES.items()
    }
    for name in ("name", "image"):
        make = partial(_styled, name)
        found[f"style: {name}"] = partial(_json, "POST", "/v1/styles", make)
    found |= {
        f"key: {name}": partial(_json, "POST", "/v1/keys", partial(_keyed, name))
        for name in ("name", "owner")
    }
    found |= {
        f"pause: {name}": partial(_json, "POST", "/v1/pauses", partial(_paused, name))
        for name in ("reason", "model", "owner", "until", "window", "timezone")
    }
    for path in ("/v1/jobs/stylize", "/v1/files", "/v1/styles"):
        found |= {f"form {path}: {name}": partial(_form, path, part) for name, part in _PARTS.items()}
    for name in ("model", "metadata", "webhook", "seeds", "lane"):
        found[f"fields: {name}"] = partial(_fields, "/v1/jobs/generate", name)
    return found


def _text_path(method: str, template: str, escape: bool, text: str) -> Request:
    return _path(method, template, escape=escape, text=text)


def _paused(name: str, text: str) -> Any:
    end = {} if name == "until" else {"for_seconds": 1}
    return {"reason": "a test", "model": "multistyle-26", "window": "00:00-00:01", **end, name: text}


def _styled(name: str, text: str) -> Any:
    return {"name": "waves", "image": "file_" + "0" * 64, name: text}


def _keyed(name: str, text: str) -> Any:
    return {"name": "a", "scopes": ["read"], name: text}
