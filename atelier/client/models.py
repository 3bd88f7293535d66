"""`client.models`: the networks that jobs may name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atelier.client.errors import reading
from atelier.client.job import JobType
from atelier.client.transport import Resource


@dataclass(frozen=True, slots=True)
class Model:
    """A network that jobs may name."""

    name: str
    type: JobType  # of the jobs that may name it
    version: str
    title: str
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


class ModelsResource(Resource):
    """The models of one Atelier."""

    def list(self) -> tuple[Model, ...]:
        """Return the models that jobs may name."""
        page = next(self._transport.pages("/v1/models", {}))  # all are on one
        with reading("a model"):
            return tuple(
                Model(body["name"], body["type"], body["version"], body.get("title") or "", body)
                for body in page["data"]
            )

    def reload(self) -> None:
        """Have every live worker take new model versions into service; they do so within seconds."""
        self._transport.send("POST", "/v1/models/reload")
