"""Webhooks: what was told to whom, telling it again, and the secret that receivers verify with."""

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field

from api.auth import owner
from api.openapi import answer, described, ref
from api.requests.query import PageQuery, parameters_of, read_query
from api.responses.page import page_answer
from api.responses.webhook_views import DeliveryList, SecretView, delivery_view
from api.services import services
from shared.errors import SecretIsConfigured
from shared.identifiers import BATCH_ID, JOB_ID
from shared.webhooks.delivery import DeliveryStatus
from shared.webhooks.secrets import WebhookSecrets
from shared.webhooks.store import Deliveries, DeliveryPage

blueprint = APIBlueprint("webhooks", __name__, tag="Webhooks", url_prefix="/v1/webhooks")


_NEXT = {"Link": "The next page, where there is one."}


class DeliveriesQuery(PageQuery):
    """What the list of deliveries takes besides."""

    job: str | None = Field(default=None, pattern=JOB_ID, description="Only those about this job.")
    batch: str | None = Field(default=None, pattern=BATCH_ID, description="Only those about this batch.")
    status: DeliveryStatus | None = Field(default=None, description="Only deliveries of this status.")


def _deliveries() -> Deliveries:
    return Deliveries(services().store)


def _secrets() -> WebhookSecrets:
    return WebhookSecrets(services().store.scripts, services().settings.webhook.secrets)


@blueprint.get("/deliveries")
@described(
    blueprint,
    "listDeliveries",
    {
        200: answer(
            "A page of deliveries",
            ref("DeliveryList"),
            headers={"Link": "The next page, where there is one."},
        )
    },
    problems=(422, 503),
    parameters=parameters_of(DeliveriesQuery),
)
def list_deliveries() -> Response:
    """List deliveries, newest first. They are kept as long as their jobs."""
    query = read_query(DeliveriesQuery)
    page = (
        _of_subject(query)
        if query.job or query.batch
        else _deliveries().page(owner(), limit=query.limit, cursor=query.cursor, status=query.status)
    )
    data = [delivery_view(delivery) for delivery in page.deliveries]
    return page_answer(DeliveryList(object="list", data=data, next_cursor=page.next_cursor), page.next_cursor)


def _of_subject(query: DeliveriesQuery) -> DeliveryPage:
    """Return the deliveries about one job or batch. There are few: one an event."""
    kind, subject = ("job", query.job) if query.job else ("batch", query.batch)
    found = _deliveries().of(kind, subject or "", owner())
    below = int(query.cursor) if query.cursor else None
    kept = [
        delivery
        for delivery in found
        if query.status in (None, delivery.status) and (below is None or delivery.sequence < below)
    ]
    more = str(kept[query.limit - 1].sequence) if len(kept) > query.limit else None
    return DeliveryPage(tuple(kept[: query.limit]), more)


@blueprint.get("/deliveries/<delivery_id>")
@described(blueprint, "getDelivery", {200: answer("The delivery", ref("DeliveryView"))}, problems=(404, 503))
def get_delivery(delivery_id: str) -> Response:
    """Read a delivery, with its latest tries."""
    return _answer(delivery_id)


@blueprint.post("/deliveries/<delivery_id>/redeliver")
@described(
    blueprint,
    "redeliver",
    {202: answer("The delivery, due now", ref("DeliveryView"))},
    problems=(404, 503),
)
def redeliver(delivery_id: str) -> Response:
    """Deliver again, whatever came of it before.

    It goes out at once under the same `webhook-id`, and has all its tries anew.
    """
    _deliveries().redeliver(delivery_id, owner())
    return _answer(delivery_id, 202)


def _answer(delivery_id: str, status: int = 200) -> Response:
    view = delivery_view(_deliveries().get(delivery_id, owner()))
    response = Response(view.model_dump_json(), status, mimetype="application/json")
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@blueprint.get("/secret")
@described(blueprint, "getWebhookSecret", {200: answer("The secrets", ref("SecretView"))}, problems=(503,))
def get_secret() -> Response:
    """Read the secret that receivers verify signatures with."""
    return _told(_secrets().current())


@blueprint.post("/secret/renew")
@described(
    blueprint, "renewWebhookSecret", {200: answer("The secrets", ref("SecretView"))}, problems=(409, 503)
)
def renew_secret() -> Response:
    """Draw a new secret.

    For a day everything is signed with the old one too, so that receivers can change over in their own time.
    """
    secrets = _secrets()
    if secrets.are_configured:
        raise SecretIsConfigured("it is set by ATELIER_WEBHOOK_SECRET: put a new one in front of it there")
    return _told(secrets.renew())


def _told(secrets: tuple[str, ...]) -> Response:
    view = SecretView(secret=secrets[0], secrets=list(secrets))
    response = Response(view.model_dump_json(), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
