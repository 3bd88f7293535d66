"""What deliveries of webhooks look like, as JSON and in the OpenAPI document."""

from typing import Any, Literal

from pydantic import Field

from api.services import links
from shared.jobs.views import Time, Url, View, rfc3339
from shared.specs.webhook import ActionEventType, BatchEventType, EventType, NoticeTemplate, shown_url
from shared.webhooks.delivery import Delivery, DeliveryStatus


class TryView(View):
    """One POST that was made, or could not be."""

    at: Time = Field(description="When the try ended.")
    milliseconds: int = Field(description="How many milliseconds the try took.")
    status_code: int | None = Field(description="The receiver's answer; null where there was none.")
    error: str | None = Field(description="Why it counts as failed.")


class DeliveryUrls(View):
    """Where to go from here."""

    self: Url  # type: ignore[misc,unused-ignore]
    redeliver: Url
    job: Url | None
    batch: Url | None
    action: Url | None


class DeliveryView(View):
    """Something that somebody is told."""

    id: str = Field(description="The header `webhook-id`: the same at every try.")
    object: Literal["delivery"]
    type: EventType | BatchEventType | ActionEventType = Field(description="What happened.")
    job: str | None = Field(description="Id of the job to which it happened; null where it was none.")
    batch: str | None = Field(description="Id of the batch to which it happened; null where it was none.")
    action: str | None = Field(
        description="Id of the bulk action to which it happened; null where it was none."
    )
    url: Url = Field(description="The address that is told; of a notice for people its host alone.")
    template: NoticeTemplate | None = Field(description="Of a notice for people; null otherwise.")
    status: DeliveryStatus = Field(
        description="`pending` until a try succeeds; `disabled` by an answer 410; `failed`: no try is left."
    )
    tries: list[TryView] = Field(description="Oldest first, the latest 20.")
    created_at: Time = Field(description="When it happened.")
    next_try_at: Time | None = Field(description="At the earliest, while pending.")
    ended_at: Time | None
    urls: DeliveryUrls


class DeliveryList(View):
    """Some deliveries, newest first."""

    object: Literal["list"]
    data: list[DeliveryView]
    next_cursor: str | None = Field(description="Hand it back as `cursor`; null on the last page.")


class SecretView(View):
    """What receivers verify signatures with."""

    secret: str | None = Field(
        description="The current one: `whsec_` and base64. Null where it was shown when it was renewed."
    )
    secrets: list[str] = Field(
        description="All that sign now, the current one first; a renewed one for a day."
    )


def delivery_view(delivery: Delivery) -> DeliveryView:
    """Return the delivery's representation."""
    where = links()
    home = f"{where.base}/v1/webhooks/deliveries/{delivery.id}"
    kinds = ("job", "batch", "action")
    job, batch, action = (delivery.subject if delivery.kind == kind else None for kind in kinds)
    values: dict[str, Any] = {
        "id": delivery.id,
        "object": "delivery",
        "type": delivery.event,
        "job": job,
        "batch": batch,
        "action": action,
        "url": shown_url(delivery.url, delivery.template),
        "template": delivery.template,
        "status": delivery.status,
        "tries": [
            TryView(
                at=rfc3339(one.at), milliseconds=one.milliseconds, status_code=one.status, error=one.error
            )
            for one in delivery.log
        ],
        "created_at": rfc3339(delivery.created_at),
        "next_try_at": None if delivery.next_at is None else rfc3339(delivery.next_at),
        "ended_at": None if delivery.ended_at is None else rfc3339(delivery.ended_at),
        "urls": DeliveryUrls(
            self=home,
            redeliver=f"{home}/redeliver",
            job=where.job(job) if job else None,
            batch=where.batch(batch) if batch else None,
            action=where.action(action) if action else None,
        ),
    }
    return DeliveryView.model_validate(values)
