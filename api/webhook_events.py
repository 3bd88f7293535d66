"""The events that receivers are told of, as the OpenAPI document's `webhooks` show them."""

from typing import Any

from api.openapi import ref
from shared.webhook_spec import EVENTS

_VERBS = {
    "started": "was claimed by a worker for the first time",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "was canceled",
    "expired": "expired: its deadline passed",
}
_HEADERS = {
    "webhook-id": "The delivery's id, the same at every try: drop what came before.",
    "webhook-timestamp": "Seconds since the epoch at this try.",
    "webhook-signature": "`v1,` and the base64 of an HMAC-SHA256 over `id.timestamp.body`; or several.",
}


def described_events() -> dict[str, Any]:
    """Return the OpenAPI document's `webhooks`: each event as a request that the service sends."""
    return {event: {"post": _operation(event)} for event in EVENTS}


def _operation(event: str) -> dict[str, Any]:
    happened = event.partition(".")[2]
    name = f"job{happened.title()}"
    return {
        "operationId": name,
        "tags": ["Webhooks"],
        "summary": f"A job {_VERBS[happened]}.",
        "description": "Sent to the `webhook.url` of a job, signed as Standard Webhooks 1.0 has it.",
        "parameters": [
            {
                "in": "header",
                "name": header,
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for header, text in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref("JobEvent")}},
        },
        "responses": {
            "2XX": {"description": "Taken; it is not sent again."},
            "410": {"description": "Not wanted; it is not sent again."},
            "default": {"description": "Sent again later, ten times in all; `Retry-After` is honored."},
        },
    }
