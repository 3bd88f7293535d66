"""Made from atelier/client/places/places.py by `make async-client`: change that file, not this one."""

from atelier.client.aio.transport import AsyncResource
from atelier.client.errors import reading
from atelier.client.places.places import Place
from atelier.client.responses import json_of


class AsyncPlacesResource(AsyncResource):
    """The places of one Atelier that its operator named."""

    async def list(self) -> tuple[Place, ...]:
        """Return the places that your batches may name, by name."""
        body = json_of(await self._transport.send("GET", "/v1/places"))
        with reading("a list of places"):
            return tuple(Place(entry["name"], entry["read"], entry["write"]) for entry in body["data"])
