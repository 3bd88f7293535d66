"""`client.deliveries`: what webhooks were told, how each try went, and once more."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from atelier.client.errors import reading
from atelier.client.job import moment
from atelier.client.responses import json_of
from atelier.client.transport import Resource

DeliveryStatus = Literal["pending", "delivered", "disabled", "failed"]


@dataclass(frozen=True, slots=True)
class DeliveryTry:
    """One POST that was made, or could not be."""

    at: datetime | None  # when it ended
    milliseconds: int
    status_code: int | None  # of the receiver's response; None where there was none
    error: str | None  # why it counts as failed


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that a webhook is told, as in the service's response."""

    id: str  # the header `webhook-id`, the same at every try
    type: str  # what happened, such as job.succeeded
    subject: str  # id of the job, batch or bulk action to which it happened
    url: str  # of a notice for people its host alone
    template: str | None  # of a notice for people
    status: DeliveryStatus  # disabled by a response 410; failed: no try is left
    tries: tuple[DeliveryTry, ...]  # oldest first, the latest 20
    created_at: datetime | None
    next_try_at: datetime | None  # while pending
    ended_at: datetime | None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


class DeliveriesResource(Resource):
    """The deliveries of webhooks of one Atelier. Every `delivery` may be its id."""

    def list(
        self,
        *,
        job: str | None = None,
        batch: str | None = None,
        action: str | None = None,
        status: DeliveryStatus | None = None,
    ) -> Iterator[Delivery]:
        """Yield deliveries, newest first, page by page; those about one job, batch or bulk action by its id.

        They are kept as long as what they are about.
        """
        given = {"job": job, "batch": batch, "action": action, "status": status}
        query = {name: value for name, value in given.items() if value is not None}
        return self._transport.entries("/v1/webhooks/deliveries", _delivery, query)

    def get(self, delivery: Delivery | str) -> Delivery:
        """Return a delivery as it is now; raise ApiError (404) where there is none."""
        return _delivery(json_of(self._transport.send("GET", _path(delivery))))

    def redeliver(self, delivery: Delivery | str) -> Delivery:
        """Deliver again at once, whatever came of it before, with all tries again; raise ApiError (404)."""
        return _delivery(json_of(self._transport.send("POST", f"{_path(delivery)}/redeliver")))


def _path(delivery: Delivery | str) -> str:
    name = delivery if isinstance(delivery, str) else delivery.id
    return f"/v1/webhooks/deliveries/{quote(name, safe='')}"


def _delivery(body: Any) -> Delivery:
    with reading("a delivery"):
        known = {name: body[name] for name in ("id", "type", "url", "template", "status")}
        return Delivery(
            **known,
            created_at=moment(body["created_at"]),
            next_try_at=moment(body["next_try_at"]),
            ended_at=moment(body["ended_at"]),
            subject=body["job"] or body["batch"] or body["action"],
            tries=tuple([_try(entry) for entry in body["tries"]]),
            raw=body,
        )


def _try(body: Mapping[str, Any]) -> DeliveryTry:
    names = ("milliseconds", "status_code", "error")
    return DeliveryTry(at=moment(body["at"]), **{name: body[name] for name in names})
