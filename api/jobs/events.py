"""A job's events as server-sent events, until the job is done or the client has left."""

import json
from collections.abc import Mapping
from typing import Any

from api.jobs.renderer import JobRenderer
from api.responses.sse import EventFrames, frame
from api.server.long_poll import LOOK_SECONDS
from api.services import Services


class EventStream(EventFrames):
    """One client's view of one job's events, from the one after `after` on."""

    def __init__(
        self, services: Services, renderer: JobRenderer, *, job_id: str, owner: str, after: str
    ) -> None:
        super().__init__(after)
        self._services = services
        self._renderer = renderer
        self._job_id = job_id
        self._owner = owner

    def _news(self) -> list[str]:
        job = self._services.store.get(self._job_id, self._owner)
        # The record was read before the stream: if it is final, the stream already holds its last event.
        block = 0.0 if job.status.is_terminal else LOOK_SECONDS
        events = self._services.queries.events(self._job_id, after=self._after, block_seconds=block)
        said = [frame(event.kind, event.id, json.dumps(self._told(event.data))) for event in events]
        self._after = events[-1].id if events else self._after
        if job.status.is_terminal and not events:
            self._done = True
            said.append(frame("done", self._after, self._renderer.view(job).model_dump_json()))
        return said

    def _told(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return an event's data with a preview's address in the place of its key in object storage."""
        told = {name: value for name, value in data.items() if name != "preview"}
        if "preview" in data:
            told["preview_url"] = self._renderer.preview_url(self._job_id, data["preview"])
        return told
