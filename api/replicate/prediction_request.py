"""The request for a prediction, as the job that it asks for."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from flask import request
from pydantic import BaseModel, ConfigDict, Field

from api.errors import InvalidHeader
from api.replicate.schemas import ELSEWHERE, ENCODINGS
from api.requests.field_errors import invalid
from shared.cards.card import ModelCard
from shared.errors import AtelierError, FieldError
from shared.replicate.prediction import ENCODING
from shared.specs.webhook import ENDINGS

EventName = Literal["start", "output", "logs", "completed"]
LONGEST_VERSION = 300  # characters
CANCEL_AFTER = "Cancel-After"
# What is told here at each of Replicate's events: a log alone is not.
_EVENTS: dict[EventName, Sequence[str]] = {
    "start": ("job.started",),
    "output": ("job.succeeded",),
    "logs": (),
    "completed": ENDINGS,
}
_WEBHOOK = "/webhook"
_OUTSIDE = ("/model", "/Idempotency-Key")  # pointers of a job that are no input
_DURATION = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s?)?", re.ASCII)


class PredictionRequest(BaseModel):
    """The body of a request for a prediction."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    input: dict[str, Any]
    version: str | None = Field(default=None, min_length=1, max_length=LONGEST_VERSION)
    webhook: str | None = None
    webhook_completed: str | None = None  # of old clients: as `webhook`, for the end alone
    webhook_events_filter: list[EventName] | None = Field(default=None, max_length=len(_EVENTS))
    stream: bool | None = None  # every prediction has a stream

    @property
    def encoding(self) -> str | None:
        """How the output is asked for; None takes what suits the service."""
        return self.input.get(ENCODING)

    def job_of(self, card: ModelCard) -> dict[str, Any]:
        """Return the job as JSON would have it; raise InvalidRequest where it cannot be one."""
        faults = [*self._input_faults(), *self._webhook_faults()]
        if faults:
            raise invalid(faults)
        fields = {name: value for name, value in self.input.items() if name != ENCODING}
        return {**fields, **self._more(fields), "type": card.kind, "model": card.reference}

    def _more(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return what a job has of a prediction beside its input."""
        more: dict[str, Any] = {}
        metadata = fields.get("metadata", {})
        if self.encoding is not None and isinstance(metadata, dict):
            more["metadata"] = {**metadata, ENCODING: self.encoding}
        if CANCEL_AFTER in request.headers:
            more["deadline_seconds"] = _seconds(request.headers[CANCEL_AFTER])
        url = self.webhook or self.webhook_completed
        if url:
            more["webhook"] = {"url": url, "events": self._events(), "body": "prediction"}
        return more

    def _events(self) -> list[str]:
        wanted = (self.webhook and self.webhook_events_filter) or ["completed"]
        return list(dict.fromkeys(event for name in wanted for event in _EVENTS[name]))

    def _input_faults(self) -> list[FieldError]:
        faults = [
            FieldError(f"/{name}", f"{name} is not a known field", "unknown_field")
            for name in ELSEWHERE
            if name in self.input
        ]
        if self.encoding not in (None, *ENCODINGS):
            text = f"{ENCODING} must be {' or '.join(ENCODINGS)}"
            faults.append(FieldError(f"/{ENCODING}", text, "invalid_choice"))
        return in_input(faults)

    def _webhook_faults(self) -> list[FieldError]:
        if not self.webhook or self._events():
            return []
        text = "webhook_events_filter names logs alone, at which nothing is told here: add another event"
        return [FieldError("/webhook_events_filter", text, "invalid_value")]


def _seconds(duration: str) -> int:
    """Return the seconds of a `Cancel-After`; raise InvalidHeader."""
    found = _DURATION.fullmatch(duration.strip())
    if found is None or not any(found.groups()):
        raise InvalidHeader(f"{CANCEL_AFTER} must be a duration such as 90s, 5m or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def in_input(faults: Sequence[FieldError]) -> list[FieldError]:
    """Return faults of a job with their places in the request for a prediction."""
    return [replace(fault, pointer=f"/input{fault.pointer}") for fault in faults]


def in_request(error: AtelierError) -> AtelierError:
    """Return the error of a job with the places of its faults in the request for a prediction."""
    faults = [_moved(fault) for fault in error.errors]
    return type(error)(error.detail, errors=faults) if faults else error


def _moved(fault: FieldError) -> FieldError:
    if fault.pointer.startswith(_WEBHOOK):
        return replace(fault, pointer=_WEBHOOK)
    return fault if fault.pointer in _OUTSIDE else in_input([fault])[0]
