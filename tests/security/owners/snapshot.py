"""A snapshot of every field that the service tells an owner, without what is random in it."""

import json
import re
from collections.abc import Iterator

import httpx

from shared.identifiers import sha256
from shared.replicate.prediction import version_id
from tests.security.owners.person import Person

VERSION = version_id("mnist-dcgan", "3")
STYLES = {"<style>": "waves", "<later style>": "later"}
# What differs between any two owners and any two moments, and tells nothing of others.
MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z"), "<time>"),
    (re.compile(r"[?&]key=\w+&expires=\d+&signature=\w+"), "<signature>"),
    (re.compile(r"(?m)^id: [0-9-]+$"), "id: <time>"),
    (re.compile(r"req_[0-9a-f]{32}"), "<request>"),
    (re.compile(r";r=\d+;t=\d+$"), "<left of the key's own minute>"),
    (re.compile(r"nonce-[\w-]+|nonce=\"[\w-]+\""), "<nonce>"),
)
# The entity tag is a digest of what is compared.
UNTOLD_HEADERS = {"date", "x-request-id", "etag", "connection", "server"}


def snapshot(person: Person, routes: list[str]) -> dict[str, object]:
    """Return every field of what the service answers to a person, by route and place in the answer."""
    deliveries = person.ask("GET", "/v1/webhooks/deliveries?limit=200").json()["data"]
    for number, delivery in enumerate(reversed(deliveries)):
        person.call(f"<delivery {number}>", delivery["id"])
    return {
        f"{path} {place}": value
        for route in routes
        for path in _paths(route, person)
        for place, value in _answer(person, path)
    }


def _paths(route: str, person: Person) -> Iterator[str]:
    """Yield the route's paths to all that a person has."""
    kinds = {"job_id": "job_", "batch_id": "batch_", "delivery_id": "msg_", "action_id": "action_"}
    kinds["pause_id"] = "pause_"
    route = route.replace("<model>", "multistyle-26").replace("<code>", "not_found")
    route = route.replace("models/<name>", "models/mnist-dcgan").replace("recipes/<name>", "recipes/small")
    route = route.replace("<model_owner>/<name>", "atelier/mnist-dcgan").replace("<version>", VERSION)
    parameter = re.search(r"<(\w+)>", route)
    if parameter is None:
        yield from (route, f"{route}?limit=1", f"{route}?limit=2&items=true") if _is_list(route) else (route,)
        return
    wanted = kinds.get(parameter[1], "file_" if "/files/" in route else "")
    for called, name in person.ids.items():
        if name.startswith(wanted) if wanted else called in STYLES:
            yield route.replace(parameter[0], called)


def _is_list(route: str) -> bool:
    return route in (
        "/v1/jobs",
        "/v1/batches",
        "/v1/actions",
        "/v1/files",
        "/v1/styles",
        "/v1/recipes",
        "/v1/webhooks/deliveries",
        "/replicate/v1/predictions",
        "/replicate/v1/files",
    )


def _answer(person: Person, path: str) -> Iterator[tuple[str, object]]:
    """Yield every field of the answer, and its place there."""
    real = path
    for called, name in person.ids.items():
        real = real.replace(called, STYLES.get(called, name))
    with person.stream(real) as response:
        data = _first_event(response) if _is_of(response, "event-stream") else response.read()
    yield "status", response.status_code
    for header, value in response.headers.items():
        if header not in UNTOLD_HEADERS:
            yield header, _neutral(value, person)
    yield from _body(response, data, person)


def _is_of(response: httpx.Response, media_type: str) -> bool:
    return media_type in response.headers["content-type"]


def _first_event(response: httpx.Response) -> bytes:
    data = b""
    for piece in response.iter_raw():
        data += piece
        if b"\n\n" in data:
            break
    return data


def _body(response: httpx.Response, data: bytes, person: Person) -> Iterator[tuple[str, object]]:
    if _is_of(response, "json"):
        for line in data.splitlines():
            yield from _fields(json.loads(line), person)
    elif _is_of(response, "text/"):
        yield "text", sha256(_neutral(data.decode(), person).encode())
    elif not _is_of(response, "zip"):  # it has the time of its making
        yield "content", sha256(data)


def _fields(value: object, person: Person, place: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        yield f"{place}#", len(value)
        for name, inner in pairs:
            yield from _fields(inner, person, f"{place}.{_neutral(str(name), person)}")
        return
    yield place, _neutral(value, person) if isinstance(value, str) else value


def _neutral(text: str, person: Person) -> str:
    """Return a text without what is random in it."""
    for called, name in person.ids.items():
        if called not in STYLES:
            text = text.replace(name, called).replace(name.removeprefix("batch_"), called)
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text.replace(person.name, "<owner>")
