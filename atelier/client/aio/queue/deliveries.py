"""Made from atelier/client/queue/deliveries.py by `make async-client`: change that file, not this one."""

from collections.abc import AsyncGenerator

from atelier.client.aio.transport import AsyncResource
from atelier.client.queue.deliveries import Delivery, DeliveryStatus, _delivery, _path
from atelier.client.responses import json_of


class AsyncDeliveriesResource(AsyncResource):
    """The deliveries of webhooks of one Atelier. Every `delivery` may be its id."""

    def list(
        self,
        *,
        job: str | None = None,
        batch: str | None = None,
        action: str | None = None,
        status: DeliveryStatus | None = None,
    ) -> AsyncGenerator[Delivery, None]:
        """Yield deliveries, newest first, page by page; those about one job, batch or bulk action by its id.

        They are kept as long as what they are about.
        """
        given = {"job": job, "batch": batch, "action": action, "status": status}
        query = {name: value for name, value in given.items() if value is not None}
        return self._transport.entries("/v1/webhooks/deliveries", _delivery, query)

    async def get(self, delivery: Delivery | str) -> Delivery:
        """Return a delivery as it is now; raise ApiError (404) where there is none."""
        return _delivery(json_of(await self._transport.send("GET", _path(delivery))))

    async def redeliver(self, delivery: Delivery | str) -> Delivery:
        """Deliver again at once, whatever came of it before, with all tries again; raise ApiError (404)."""
        return _delivery(json_of(await self._transport.send("POST", f"{_path(delivery)}/redeliver")))
