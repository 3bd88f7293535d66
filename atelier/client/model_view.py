"""The client's view of a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atelier.client.errors import reading
from atelier.client.job import JobType


@dataclass(frozen=True, slots=True)
class Model:
    """A network that jobs may name."""

    name: str
    type: JobType  # of the jobs that may name it
    version: str
    title: str
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


def model_from_json(body: Any) -> Model:
    """Read a model; raise ProtocolError where the document is none."""
    with reading("a model"):
        return Model(body["name"], body["type"], body["version"], body.get("title") or "", body)
