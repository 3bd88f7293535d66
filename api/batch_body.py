"""The request for a batch: settings and items as JSON, or items line by line and settings in the query."""

from dataclasses import dataclass
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.batch_sources import ArraySource, LineSource, Source, SpanSource, TemplateSource
from api.edge_errors import UnsupportedMediaType
from api.json_items import split_items
from api.request_body import decode_json
from api.services import services
from api.validation import fault_of
from shared.batch_request import BatchSettings, Envelope
from shared.errors import BodyTooLarge, InvalidRequest
from shared.identifiers import sha256

JSON_LINES = ("application/jsonl", "application/x-ndjson")
MAX_ENVELOPE_BYTES = 8 * 1024 * 1024  # of JSON, which is read in one go; lines may come to the body's limit
OBJECTS = ("metadata", "webhook")  # settings that are JSON, also in the query
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class SentBatch:
    """A batch as the client asked for it. Its items are not looked at yet."""

    settings: BatchSettings
    source: Source
    open: bool  # takes more items
    fingerprint: str  # of the request


class Page(BaseModel):
    """Items for an open batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: list[Any] = Field(min_length=1)


def sent_batch() -> SentBatch:
    """Return the batch that the request asks for."""
    if request.mimetype in JSON_LINES:
        data = _body(services().settings.limits.max_body_bytes)
        envelope = _parsed(Envelope, {**_query(), "items": [None]})
        return SentBatch(envelope.settings, _lines(data), envelope.open, _fingerprint(data))
    data = _json_bytes()
    envelope, source = _read(Envelope, data)
    if envelope.template is not None:
        source = TemplateSource(envelope.template)
    return SentBatch(envelope.settings, source, envelope.open, _fingerprint(data))


def sent_items() -> Source:
    """Return the page of items that the request brings."""
    if request.mimetype in JSON_LINES:
        return _lines(_body(services().settings.limits.max_body_bytes))
    return _read(Page, _json_bytes())[1]


def _read(model: type[Model], data: bytes) -> tuple[Model, Source]:
    """Return a body and its items; where they can be told apart, they are not read yet."""
    split = split_items(data)
    rest: Any = decode_json(split[0] if split else data)
    if split and rest.get("items") == []:
        return _parsed(model, {**rest, "items": [None] * bool(split[1])}), SpanSource(data, split[1])
    body = _parsed(model, decode_json(data) if split else rest)
    return body, ArraySource(getattr(body, "items", None) or [])


def _lines(data: bytes) -> Source:
    source = LineSource(data)
    if not source.count:
        raise InvalidRequest.of_field(
            "", "the body holds no items; it must have one JSON object on each line"
        )
    return source


def _query() -> dict[str, Any]:
    given: dict[str, Any] = request.args.to_dict()
    return given | {name: decode_json(given[name]) for name in OBJECTS if name in given}


def _parsed(model: type[Model], raw: object) -> Model:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults = [fault_of(detail) for detail in error.errors(include_url=False)]
        raise InvalidRequest("; ".join(fault.detail for fault in faults), errors=faults) from error


def _json_bytes() -> bytes:
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise UnsupportedMediaType(
            f"the body must be JSON (application/json), or one JSON object on each line ({JSON_LINES[0]}); "
            f"got {request.mimetype or 'no type'}"
        )
    return _body(min(MAX_ENVELOPE_BYTES, services().settings.limits.max_body_bytes))


def _body(limit: int) -> bytes:
    request.max_content_length = limit
    data = request.get_data()
    if request.content_length is None and len(data) >= limit:  # without a length it is cut there in silence
        raise BodyTooLarge(
            f"a body of this type may have at most {limit} bytes; send the rest as further items"
        )
    return data


def _fingerprint(data: bytes) -> str:
    return sha256(b"\n".join([request.mimetype.encode(), request.query_string, data]))
