"""The events that deliveries tell of, as they are at the moment of sending."""

from collections.abc import Callable, Mapping
from functools import partial

from shared.access.store import KeyStore
from shared.access.table import KeyTable
from shared.actions.store import ActionStore
from shared.actions.views import action_view
from shared.batches.rendering import batch_view
from shared.batches.store import BatchStore
from shared.cards.card import load_catalog
from shared.jobs.rendering import Links, view_of
from shared.jobs.store import JobStore
from shared.jobs.views import rfc3339
from shared.replicate.prediction import Prediction, prediction_of
from shared.settings import Settings
from shared.webhooks.delivery import ActionEvent, BatchEvent, Delivery, Event, JobEvent

Render = Callable[[Delivery], Event | Prediction]


def renderers(store: JobStore, settings: Settings) -> Mapping[str, Render]:
    """Return what renders the body of a delivery, by the kind of its subject."""

    def render_job(delivery: Delivery) -> JobEvent | Prediction:
        job = store.get(delivery.subject, delivery.owner)
        if delivery.body == "prediction":
            return prediction_of(job, links_of(delivery), catalog)
        view = view_of(job, links_of(delivery), max_attempts=settings.jobs.max_attempts)
        created = rfc3339(delivery.created_at)
        return JobEvent.model_validate({"type": delivery.event, "timestamp": created, "data": view})

    def render_batch(delivery: Delivery) -> BatchEvent:
        batch = batches.get(delivery.subject, delivery.owner)
        view = batch_view(batch, links_of(delivery))
        created = rfc3339(delivery.created_at)
        return BatchEvent.model_validate({"type": delivery.event, "timestamp": created, "data": view})

    def links_of(delivery: Delivery) -> Links:
        keys.look()
        key = keys.key_to_sign_for(delivery.owner)
        signing = {"sign": partial(keys.signed_query, key)} if key else {}
        return Links.of(delivery.base, settings.api.public_url, **signing)

    def render_action(delivery: Delivery) -> ActionEvent:
        view = action_view(actions.get(delivery.subject, delivery.owner), links_of(delivery))
        created = rfc3339(delivery.created_at)
        return ActionEvent.model_validate({"type": delivery.event, "timestamp": created, "data": view})

    keys = KeyTable(KeyStore(store.scripts), signed_seconds=settings.access.signed_url_seconds)
    catalog = load_catalog(settings.cards)
    batches, actions = BatchStore(store, settings.batches), ActionStore(store)
    return {"job": render_job, "batch": render_batch, "action": render_action}
