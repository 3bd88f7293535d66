"""A batch as an HTTP answer: status, Location, Retry-After, entity tag; and waiting for one."""

import time
from collections.abc import Callable
from functools import partial

from flask import Response, current_app, request

from api.extensions import CAPACITY
from api.jobs.renderer import eta_step, etag_of, retry_after_eta
from api.requests.headers import preference
from api.responses.urls import base_url, batch_path
from api.server.long_poll import LOOK_SECONDS, waits
from api.services import services
from shared.batches.batch import Batch
from shared.batches.rendering import batch_view
from shared.batches.views import BatchView
from shared.errors import StoreUnavailable
from shared.jobs.rendering import Links


def links() -> Links:
    """Return the links that suit this request."""
    return Links.of(base_url(), services().settings.api.public_url)


def batch_answer(batch: Batch, status: int = 200) -> Response:
    """Return the batch with its entity tag and, while it is not done, when to ask again."""
    view = rendered(batch)
    response = Response(view.model_dump_json(), status, mimetype="application/json")
    response.set_etag(*_etag_of(view))
    response.headers["Cache-Control"] = "private, no-cache"
    if not batch.is_done:
        response.headers["Retry-After"] = str(retry_after_eta(view.progress.eta_seconds))
    return response


def rendered(batch: Batch) -> BatchView:
    """Return the batch's representation with links that suit this request, and the time until it is done."""
    try:
        slots = current_app.extensions[CAPACITY].slots()
        eta_seconds = services().batches.eta_seconds(batch, slots)
    except StoreUnavailable:  # the batch was read; its time is not worth an error
        eta_seconds = None
    return batch_view(batch, base_url(), eta_seconds)


def _etag_of(view: BatchView) -> tuple[str, bool]:
    """Return a batch's entity tag and whether it is a weak one: a time that counts down is no news."""
    eta_seconds = view.progress.eta_seconds
    if eta_seconds is None:
        return etag_of(view.model_dump_json()), False
    coarse = view.progress.model_copy(update={"eta_seconds": eta_step(eta_seconds)})
    return etag_of(view.model_copy(update={"progress": coarse}).model_dump_json()), True


def submitted_answer(batch: Batch, *, created: bool) -> Response:
    """Answer a submission: 200 when the batch is done within the wait that was preferred, else 202."""
    wanted = preference()
    if wanted.wait_seconds:
        batch = patiently(batch, lambda known: known.is_done, wanted.wait_seconds)
    response = batch_answer(batch, 200 if batch.is_done else 202)
    response.headers["Location"] = base_url() + batch_path(batch.id)
    if wanted.applied:
        response.headers["Preference-Applied"] = wanted.applied
    if not created:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def patiently(batch: Batch, settled: Callable[[Batch], bool], seconds: float) -> Batch:
    """Return the batch once settled, or as it is when the time is over or the client left.

    Where too many wait already, or the store goes away, that is at once: the client will ask again.
    """
    seats = waits()
    with seats.seat() as seated:
        if not seated:
            return batch
        try:
            return _waited(batch, settled, seconds, partial(seats.gone, request.environ))
        except StoreUnavailable:
            return batch


def _waited(
    batch: Batch, settled: Callable[[Batch], bool], seconds: float, gone: Callable[[], bool]
) -> Batch:
    deadline = time.monotonic() + seconds
    store, queries = services().batches, services().queries
    while not gone():
        after = queries.last_event_id(batch.id)  # before the read: no event in between is missed
        batch = store.get(batch.id, batch.owner)
        if settled(batch):
            break
        left = deadline - time.monotonic()
        if left < 0.001:
            break
        store.events(batch.id, after=after, block_seconds=min(LOOK_SECONDS, left))
    return batch
