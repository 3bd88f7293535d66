"""Server-sent events, read line by line as the HTML standard lays down."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a job."""

    id: str  # grows within a job; resume after it
    kind: str  # state, progress or done
    data: Mapping[str, Any]


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events of a stream; comments, and an event that the stream's end cuts off, are dropped."""
    last_id, kind, data = "", "", list[str]()
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Event(last_id, kind or "message", _document("\n".join(data)))
            kind, data = "", []
        elif name == "id":
            last_id = value
        elif name == "event":
            kind = value
        elif name == "data":
            data.append(value)


def _document(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {"text": text}
    return body if isinstance(body, dict) else {"value": body}
