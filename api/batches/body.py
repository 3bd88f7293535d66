"""Reads the request for a batch: settings and items as JSON or as JSON lines."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, Field

from api.batches.json_array import split_items
from api.batches.placed import PlacedTemplate
from api.batches.sources import ArraySource, LineSource, Source, SpanSource, TemplateSource
from api.requests.body import expect_json, whole_body
from api.requests.field_errors import combined, validated
from api.requests.json_text import MAX_TEMPLATE_PARTS, decode_json, without_mark
from api.requests.pictures import fault
from api.requests.query import DRY_RUN, query_texts, read_text
from api.services import services
from shared.batches.request import BatchSettings, Envelope
from shared.errors import InvalidRequest
from shared.places.request import Source as Place

JSON_LINES = ("application/jsonl", "application/x-ndjson")
MAX_ENVELOPE_BYTES = 8 * 1024 * 1024  # for JSON, which is parsed at once; lines may use the body limit
OBJECTS = ("metadata", "webhook", "destination")  # settings that are JSON objects, also in the query
Model = TypeVar("Model", bound=BaseModel)

_UNKNOWN = "unknown_field"


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch as the client sent it. Its items are not validated yet."""

    settings: BatchSettings
    source: Source
    open: bool  # takes more items
    fingerprint: str  # digest of the request
    place: Place | None = None  # its pictures come from there; `source` is what is made of each of them


class FurtherItems(BaseModel):
    """Items for an open batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: list[Any] = Field(min_length=1)


class SettingsLine(BaseModel):
    """A line that is no item: the settings of the batch, first or last among the lines."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: dict[str, Any]


def sent_batch() -> SentBatch:
    """Return the batch in the request."""
    if request.mimetype in JSON_LINES:
        return _sent_lines(_query())
    data = _json_bytes()
    envelope, source = _read(Envelope, data)
    if envelope.source is not None:
        source = PlacedTemplate(envelope.template or {})
    elif envelope.template is not None:
        source = TemplateSource(envelope.template)
    return SentBatch(envelope.settings, source, envelope.open, _fingerprint(data), envelope.source)


def sent_items() -> Source:
    """Return the items in the request."""
    if request.mimetype not in JSON_LINES:
        return _read(FurtherItems, _json_bytes())[1]
    source = LineSource(_body(services().settings.limits.max_body_bytes), _most_items())
    if source.take_settings():
        raise fault(
            "/batch", "batch is no item: settings belong to the request that opens the batch", _UNKNOWN
        )
    return _filled(source)


def _sent_lines(query: Mapping[str, Any]) -> SentBatch:
    """Return the batch in a body of JSON lines, with settings from a settings line and from the query."""
    validated(Envelope, {**query, "items": [None]})  # before the body is read
    data = _body(services().settings.limits.max_body_bytes)
    source = LineSource(data, _most_items())
    given = _settings_of(source.take_settings())
    faults = [
        fault(f"/{name}", f"{name} may be given once", "repeated_field") for name in given if name in query
    ]
    faults += [
        fault(f"/{name}", f"{name} is not a known field where items are lines", _UNKNOWN)
        for name in ("items", "template", "source")
        if name in given or name in query
    ]
    if faults:
        raise combined(faults)
    envelope = validated(Envelope, {**query, **given, "items": [None]})
    is_open = envelope.open
    return SentBatch(envelope.settings, source if is_open else _filled(source), is_open, _fingerprint(data))


def _settings_of(found: Sequence[Any]) -> dict[str, Any]:
    if len(found) > 1:
        raise fault("/batch", "batch may be given once, in the first line or in the last", "repeated_field")
    return validated(SettingsLine, found[0]).batch if found else {}


def _filled(source: LineSource) -> LineSource:
    if not source.count:
        raise InvalidRequest.of_field(
            "", "the body holds no items; it must have one JSON object on each line"
        )
    return source


def _read(model: type[Model], data: bytes) -> tuple[Model, Source]:
    """Return a body and its items; if the items can be separated, they are not parsed yet."""
    split = split_items(data, _most_items())
    rest: Any = decode_json(split[0]) if split else _whole(data)
    if split and rest.get("items") == []:
        return validated(model, {**rest, "items": [None] * bool(split[1])}), SpanSource(data, split[1])
    body = validated(model, _whole(data) if split else rest)
    return body, ArraySource(getattr(body, "items", None) or [])


def _whole(data: bytes) -> Any:
    return decode_json(data, most=MAX_TEMPLATE_PARTS)


def _most_items() -> int:
    return services().settings.batches.max_items


def _query() -> dict[str, Any]:
    return {
        name: decode_json(text) if name in OBJECTS else read_text(Envelope, name, text)
        for name, text in query_texts().items()
        if name != DRY_RUN
    }


def _json_bytes() -> bytes:
    expect_json(f"JSON (application/json), or one JSON object on each line ({JSON_LINES[0]})")
    return without_mark(_body(min(MAX_ENVELOPE_BYTES, services().settings.limits.max_body_bytes)))


def _body(limit: int) -> bytes:
    return whole_body(limit, "one request with items", "; send the rest as further items")


def _fingerprint(data: bytes) -> str:
    pairs = request.query_string.split(b"&")
    query = b"&".join(pair for pair in pairs if not pair.startswith(DRY_RUN.encode()))
    digest = hashlib.sha256(b"\n".join([request.mimetype.encode(), query, b""]))
    digest.update(data)  # not joined with the rest, which would copy it
    return digest.hexdigest()
