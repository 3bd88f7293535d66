"""The events that receivers are told of, as the OpenAPI document's `webhooks` show them."""

from typing import Any

from api.openapi import ref
from shared.webhook_spec import BATCH_EVENTS, EVENTS

_VERBS = {
    "started": "was claimed by a worker for the first time",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "was canceled",
    "completed": "is done: every item has ended",
    "expired": "expired: its deadline passed",
}
_HEADERS = {
    "webhook-id": "The delivery's id, the same at every try: drop what came before.",
    "webhook-timestamp": "Seconds since the epoch at this try.",
    "webhook-signature": "`v1,` and the base64 of an HMAC-SHA256 over `id.timestamp.body`; or several.",
}


def described_events() -> dict[str, Any]:
    """Return the OpenAPI document's `webhooks`: each event as a request that the service sends."""
    return {event: {"post": _operation(event)} for event in (*EVENTS, *BATCH_EVENTS)}


def _operation(event: str) -> dict[str, Any]:
    subject, _, happened = event.partition(".")
    return {
        "operationId": f"{subject}{happened.title()}",
        "tags": ["Webhooks"],
        "summary": f"A {subject} {_VERBS[happened]}.",
        "description": f"Sent to the `webhook.url` of a {subject}, signed as Standard Webhooks 1.0 has it.",
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
            "content": {"application/json": {"schema": ref(f"{subject.title()}Event")}},
        },
        "responses": {
            "2XX": {"description": "Taken; it is not sent again."},
            "410": {"description": "Not wanted; it is not sent again."},
            "default": {"description": "Sent again later, ten times in all; `Retry-After` is honored."},
        },
    }
