"""`client.places`: the folders and buckets that batches may read from and write to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from atelier.client.errors import reading
from atelier.client.responses import json_of
from atelier.client.transport import Resource


@dataclass(frozen=True, slots=True)
class Place:
    """A place that your batches may name."""

    name: str
    read: bool  # as a source
    write: bool  # as a destination


class PlacesResource(Resource):
    """The places of one Atelier that its operator named."""

    def list(self) -> tuple[Place, ...]:
        """Return the places that your batches may name, by name."""
        body = json_of(self._transport.send("GET", "/v1/places"))
        with reading("a list of places"):
            return tuple(Place(entry["name"], entry["read"], entry["write"]) for entry in body["data"])


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps a batch from a place, or ended that before its time."""

    code: str
    detail: str
    final: bool  # it is not tried again


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a batch is with taking the pictures of a place."""

    place: str
    status: Literal["listing", "reading", "done", "failed"]
    found: int | None  # names that match; None until all are listed
    error: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class Delivering:
    """How far a batch is with putting its results at a place."""

    place: str
    status: Literal["delivering", "delivered", "delivery_failed"]
    delivered: int  # items whose results are there
    failed: int  # items whose results are not, and will not be put there
    error: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class ItemDelivery:
    """What became of an item's results at the batch's destination."""

    status: Literal["delivered", "failed"]
    names: tuple[str, ...] = ()  # in the place, as the outputs are ordered
    error: Obstacle | None = None


def reading_from_json(body: Any) -> Reading | None:
    """Read what a batch says of its source; None where it has none."""
    if body is None:
        return None
    return Reading(body["place"], body["status"], body["found"], _obstacle(body["error"]))


def delivering_from_json(body: Any) -> Delivering | None:
    """Read what a batch says of its destination; None where it has none."""
    if body is None:
        return None
    counts = {name: int(body[name]) for name in ("delivered", "failed")}
    return Delivering(body["place"], body["status"], **counts, error=_obstacle(body["error"]))


def item_delivery_from_json(body: Any) -> ItemDelivery | None:
    """Read what an item's result says of the destination; None where it says nothing."""
    if body is None:
        return None
    return ItemDelivery(body["status"], tuple(body["names"]), _obstacle(body["error"]))


def _obstacle(body: Mapping[str, Any] | None) -> Obstacle | None:
    if body is None:
        return None
    return Obstacle(body["code"], body["detail"], final=body.get("retry_at") is None)
