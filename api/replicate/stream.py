"""A prediction's stream: Replicate's events alone, each with an id, and `done` at the end.

The Python client fails on any event but `output`, `logs`, `error` and `done`.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response

from api.events import RecordStream, frame, last_event_id, sent
from api.replicate.answers import Answers, Pictures
from api.resources import jobs
from api.services import services
from shared.jobs.job import Job, Progress
from shared.jobs.queries import Event
from shared.jobs.status import Status
from shared.replicate.prediction import error_of, progress_line

REASONS = {Status.FAILED: "error", Status.CANCELED: "canceled", Status.EXPIRED: "canceled"}


def stream_response(job_id: str, owner: str) -> Response:
    """Return a prediction's stream, from the event after `Last-Event-ID` on.

    Raises what the stream of a job raises.
    """
    after = last_event_id() or "0-0"
    jobs().get(job_id, owner)
    stream = PredictionStream(jobs(), services().queries, job_id, owner, after)
    return sent(stream, instead="poll the prediction meanwhile")


class PredictionStream(RecordStream):
    """The events of one prediction, until it is done."""

    def __init__(self, *of: Any) -> None:
        super().__init__(*of)
        self._answers = Answers.here()
        self._pictures: Pictures | None = None  # that stand in the last frames

    def frames(self, gone: Callable[[], bool]) -> Iterator[str]:
        """Yield the stream's text; pictures piece by piece."""
        for text in super().frames(gone):
            yield from self._pictures.in_place(text) if self._pictures else (text,)

    def _frames_of(self, event: Event) -> list[str]:
        if event.kind != "progress":
            return []
        return [frame("logs", event.id, progress_line(_progress(event.data)))]

    def _last_frames(self, record: Job) -> list[str]:
        """Return the outputs, or the error, and the end; who comes back after the end gets them again."""
        self._pictures = self._answers.pictures(record)
        outputs = list(self._pictures.addresses()) if self._pictures else self._addresses(record)
        error = error_of(record) if record.status is Status.FAILED else None
        reason = {"reason": REASONS[record.status]} if record.status in REASONS else {}
        return [
            *(frame("output", self._after, address) for address in outputs),
            *([frame("error", self._after, " ".join(error.splitlines()))] if error else []),
            frame("done", self._after, json.dumps(reason)),
        ]

    def _addresses(self, job: Job) -> list[str]:
        output = self._answers.prediction(job).output
        return [output] if isinstance(output, str) else output or []


def _progress(data: Any) -> Progress:
    """Return the progress that an event tells, which has more than that."""
    return Progress(data["stage"], data["fraction"], data.get("step"), data.get("total"))
