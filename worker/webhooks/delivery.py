"""One try of a delivery: what is told, and what comes of it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from pydantic import BaseModel

from shared.batches.rendering import batch_view
from shared.batches.store import BatchStore
from shared.jobs.rendering import Links, view_of
from shared.jobs.store import JobStore
from shared.jobs.views import rfc3339
from shared.settings import Settings
from shared.webhooks.delivery import Delivery, DeliveryStatus
from shared.webhooks.events import BatchEvent, JobEvent
from worker.webhooks.sender import Answer

HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": f"Atelier/{version('atelier-service')} (webhooks)",
}
GONE = 410
MINUTE, HOUR = 60.0, 3600.0

Tell = Callable[[Delivery], BaseModel]


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How deliveries are tried."""

    timeout_seconds: float = 10.0  # of a try, from looking up the name to the answer's head
    lease_seconds: float = 30.0  # a try whose worker died is made again after this
    at_once: int = 64
    at_once_a_host: int = 8
    pauses_seconds: tuple[float, ...] = (
        5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
    )  # fmt: skip

    @property
    def max_tries(self) -> int:
        """How often a delivery is tried."""
        return len(self.pauses_seconds) + 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a try means for its delivery."""

    status: DeliveryStatus
    error: str = ""
    pause_seconds: float = 0.0  # before the next try, while pending


def judge(answer: Answer, tries: int, rules: DeliveryRules) -> Verdict:
    """Return what an answer means for a delivery that has been tried `tries` times."""
    error = answer.error or _fault(answer.status or 0)
    if not error:
        return Verdict(DeliveryStatus.DELIVERED)
    if answer.status == GONE:
        return Verdict(DeliveryStatus.DISABLED, error)
    if tries >= rules.max_tries:
        return Verdict(DeliveryStatus.FAILED, error)
    planned = rules.pauses_seconds[tries - 1] * random.uniform(0.9, 1.1)
    asked = min(answer.retry_after_seconds or 0.0, 24 * HOUR)
    return Verdict(DeliveryStatus.PENDING, error, max(planned, asked))


def _fault(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"answered {status}: redirects are not followed"
    return f"answered {status}"


def tellers(store: JobStore, settings: Settings) -> Mapping[str, Tell]:
    """Return what tells of a subject, by its kind."""

    def tell_of_job(delivery: Delivery) -> BaseModel:
        job = store.get(delivery.subject, delivery.owner)
        links = Links.of(delivery.base, settings.api.public_url)
        view = view_of(job, links, max_attempts=settings.jobs.max_attempts)
        moment = rfc3339(delivery.created_at)
        return JobEvent.model_validate({"type": delivery.event, "timestamp": moment, "data": view})

    def tell_of_batch(delivery: Delivery) -> BaseModel:
        batch = batches.get(delivery.subject, delivery.owner)
        view = batch_view(batch, Links.of(delivery.base, settings.api.public_url))
        moment = rfc3339(delivery.created_at)
        return BatchEvent.model_validate({"type": delivery.event, "timestamp": moment, "data": view})

    batches = BatchStore(store, settings.batches)
    return {"job": tell_of_job, "batch": tell_of_batch}
