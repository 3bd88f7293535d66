"""A batch's events as server-sent events, until the batch is done or the client has left."""

import json

from api.responses.sse import EventFrames, frame
from api.server.long_poll import LOOK_SECONDS
from api.services import Services
from shared.batches.rendering import batch_view


class BatchEventStream(EventFrames):
    """One client's view of one batch's events, from the one after `after` on."""

    def __init__(self, services: Services, *, batch_id: str, owner: str, base: str, after: str) -> None:
        super().__init__(after)
        self._services = services
        self._batch_id = batch_id
        self._owner = owner
        self._base = base

    def _news(self) -> list[str]:
        batch = self._services.batches.get(self._batch_id, self._owner)
        # The record was read before the stream: if it is final, the stream already holds its last event.
        block = 0.0 if batch.is_done else LOOK_SECONDS
        events = self._services.batches.events(self._batch_id, after=self._after, block_seconds=block)
        said = [frame(event.kind, event.id, json.dumps(dict(event.data))) for event in events]
        self._after = events[-1].id if events else self._after
        if batch.is_done and not events:
            self._done = True
            said.append(frame("done", self._after, batch_view(batch, self._base).model_dump_json()))
        return said
