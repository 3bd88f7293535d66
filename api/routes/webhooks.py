"""Webhooks: list deliveries, redeliver, and read or renew the secret for signatures."""

from typing import Annotated

from flask import Response
from pydantic import Field

from api.audit import audit
from api.auth import is_anonymous, needs
from api.openapi import TaggedBlueprint, documented, listed, operation, ref
from api.requests.query import PageQuery, parameters_of, read_query
from api.responses.representation import json_response, page_response
from api.responses.webhook_views import DeliveryList, SecretView, delivery_view
from api.services import owner, services
from shared.access.key import Scope
from shared.audit import Event
from shared.errors import SecretIsConfigured
from shared.identifiers import ACTION_ID, BATCH_ID, JOB_ID
from shared.redis.client import Page
from shared.webhooks.delivery import Delivery, DeliveryStatus
from shared.webhooks.store import Deliveries, WebhookSecrets

blueprint = TaggedBlueprint("webhooks", tag="Webhooks", url_prefix="/v1/webhooks")


class DeliveriesQuery(PageQuery):
    """What the list of deliveries takes besides."""

    job: str | None = Field(default=None, pattern=JOB_ID, description="Only those about this job.")
    batch: str | None = Field(default=None, pattern=BATCH_ID, description="Only those about this batch.")
    action: str | None = Field(
        default=None, pattern=ACTION_ID, description="Only those about this bulk action."
    )
    status: Annotated[DeliveryStatus, Field(strict=False)] | None = Field(
        default=None, description="Only deliveries of this status."
    )


def _deliveries() -> Deliveries:
    return Deliveries(services().store)


def _secrets() -> WebhookSecrets:
    return WebhookSecrets(services().store.scripts, services().settings.webhook.secrets)


@blueprint.get("/deliveries")
@operation(
    "listDeliveries",
    listed("deliveries", "DeliveryList"),
    problems=(422, 503),
    parameters=parameters_of(DeliveriesQuery),
)
@needs(Scope.READ)
def list_deliveries() -> Response:
    """List deliveries, newest first. They are kept as long as what they are about."""
    query = read_query(DeliveriesQuery)
    page = (
        _of_subject(query)
        if query.job or query.batch or query.action
        else _deliveries().page(owner(), limit=query.limit, cursor=query.cursor, status=query.status)
    )
    return page_response(DeliveryList, page, delivery_view)


def _of_subject(query: DeliveriesQuery) -> Page[Delivery]:
    """Return the deliveries about one job, batch or action. There are few: one for each event."""
    subjects = {"job": query.job, "batch": query.batch, "action": query.action}
    kind, subject = next((kind, name) for kind, name in subjects.items() if name)
    found = _deliveries().of(kind, subject, owner())
    below = int(query.cursor) if query.cursor else None
    kept = [
        delivery
        for delivery in found
        if query.status in (None, delivery.status) and (below is None or delivery.sequence < below)
    ]
    more = str(kept[query.limit - 1].sequence) if len(kept) > query.limit else None
    return Page(tuple(kept[: query.limit]), more)


@blueprint.get("/deliveries/<delivery_id>")
@operation("getDelivery", {200: documented("The delivery", ref("DeliveryView"))}, problems=(404, 503))
@needs(Scope.READ)
def get_delivery(delivery_id: str) -> Response:
    """Read a delivery, with its latest tries."""
    return _delivery_response(delivery_id)


@blueprint.post("/deliveries/<delivery_id>/redeliver")
@operation(
    "redeliver",
    {202: documented("The delivery, due now", ref("DeliveryView"))},
    problems=(404, 503),
)
@needs(Scope.SUBMIT)
def redeliver(delivery_id: str) -> Response:
    """Deliver again, whatever came of it before.

    It goes out at once under the same `webhook-id`, and has all its tries again.
    """
    _deliveries().redeliver(delivery_id, owner())
    return _delivery_response(delivery_id, 202)


def _delivery_response(delivery_id: str, status: int = 200) -> Response:
    view = delivery_view(_deliveries().get(delivery_id, owner()))
    return json_response(view, status, {"Cache-Control": "private, no-cache"})


@blueprint.get("/secret")
@operation("getWebhookSecret", {200: documented("The secrets", ref("SecretView"))}, problems=(503,))
@needs(Scope.SUBMIT)
def get_secret() -> Response:
    """Read the secret that receivers verify signatures with.

    Where the service has API keys, it is shown once: by the request that renewed it.
    """
    return _secret_response(_secrets().current(owner()) if is_anonymous() else ())


@blueprint.post("/secret/renew")
@operation("renewWebhookSecret", {200: documented("The secrets", ref("SecretView"))}, problems=(409, 503))
@needs(Scope.SUBMIT)
def renew_secret() -> Response:
    """Draw a new secret, for the owner of the request's API key.

    For a day everything is signed with the old one too, so that receivers can change over in their own time.
    """
    secrets = _secrets()
    if secrets.are_configured:
        raise SecretIsConfigured("it is set by ATELIER_WEBHOOK_SECRET: put a new one in front of it there")
    renewed = secrets.renew(owner())
    audit(Event.SECRET_RENEWED)
    return _secret_response(renewed if is_anonymous() else renewed[:1])


def _secret_response(secrets: tuple[str, ...]) -> Response:
    view = SecretView(secret=secrets[0] if secrets else None, secrets=list(secrets))
    return json_response(view, headers={"Cache-Control": "no-store"})
