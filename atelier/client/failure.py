"""The client's view of failures by their code, read from the service's JSON."""

from dataclasses import dataclass
from typing import Any

from atelier.client.errors import reading


@dataclass(frozen=True, slots=True)
class Failure:
    """Jobs that failed or expired with one code."""

    code: str
    count: int
    example: str  # the id of the latest of them
    retryable: bool  # whether the same job may succeed later, unchanged
    hint: str  # what to do about it


def failures_from_json(body: Any) -> tuple[Failure, ...]:
    """Read failures; raise ProtocolError where they are none."""
    with reading("failures"):
        return tuple(
            Failure(entry["code"], entry["count"], entry["example"], bool(entry["retryable"]), entry["hint"])
            for entry in body
        )
