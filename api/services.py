"""What a request works with: the services, built once and handed to the application; owner and links."""

from dataclasses import dataclass
from typing import Any, cast

from flask import current_app, g, has_request_context, request

from api.native_threads import UnblockingObjects
from shared.batches.store import BatchStore
from shared.cards.card import Catalog, ModelCard, load_catalog
from shared.errors import CardUnusable, UnknownModel
from shared.files.file_store import FileStore
from shared.files.style_library import StyleLibrary
from shared.jobs.queries import JobQueries
from shared.jobs.rendering import Links
from shared.jobs.store import JobStore
from shared.network.fetcher import Fetcher
from shared.owners.quota import QuotaStore
from shared.queue.celery_app import make_celery
from shared.queue.job_queue import JobQueue
from shared.recipes.store import RecipeStore
from shared.redis.client import connect
from shared.redis.memory_guard import MemoryGuard
from shared.redis.recent import Recent
from shared.redis.scripts import Call
from shared.rollouts.store import RolloutStore
from shared.setting_groups import BLOCK
from shared.settings import Settings
from shared.storage.base import ObjectStore
from shared.storage.disk_guard import DiskGuard, open_disk_guard
from shared.storage.object_store import open_storage
from shared.tracing.spans import NO_SPAN, NO_TRACING, Span, Tracing
from shared.workers import WorkerRoster

BACKGROUND_CONNECTIONS = 64  # to the job store, beside one for each request
SERVICES = "atelier.services"  # name of the application's Services among its extensions


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a route may use."""

    settings: Settings
    catalog: Catalog
    store: JobStore
    batches: BatchStore
    queries: JobQueries
    files: FileStore
    styles: StyleLibrary
    recipes: RecipeStore
    rollouts: RolloutStore
    quotas: QuotaStore
    objects: ObjectStore
    disk: DiskGuard
    memory: MemoryGuard
    queue: JobQueue
    roster: WorkerRoster
    fetcher: Fetcher
    tracing: Tracing = NO_TRACING

    @property
    def known(self) -> tuple[Recent[Any], ...]:
        """What submissions are checked by, as it was lately."""
        return self.roster.known, self.rollouts.known, self.memory.known


@dataclass(slots=True)
class EarlyRecord:
    """A job's record that is read in the round trip which counts the request."""

    call: Call
    reply: Any = None  # what the call returned or raised; None before

    def take(self, reply: Any) -> None:
        """Keep the reply."""
        self.reply = reply


def build_services(settings: Settings, tracing: Tracing = NO_TRACING) -> Services:
    """Open what the settings name. Nothing is asked of the job store yet, so it may start later."""
    client = connect(
        settings.redis_url,
        max_connections=settings.api.connections + BACKGROUND_CONNECTIONS,
        rules=settings.redis,
    )
    objects = UnblockingObjects(open_storage(settings))
    disk = open_disk_guard(settings, objects)
    memory = MemoryGuard(client, settings.store.full_percent)
    store = JobStore(client, settings.jobs, settings.quota)
    return Services(
        settings=settings,
        catalog=load_catalog(settings.cards),
        store=store,
        batches=BatchStore(store, settings.batches),
        queries=JobQueries(store),
        files=FileStore(
            client,
            objects,
            disk=disk,
            memory=memory,
            retention_seconds=settings.jobs.file_retention_seconds,
            quotas=settings.quota,
        ),
        styles=StyleLibrary(client),
        recipes=RecipeStore(store.scripts, settings.recipes),
        rollouts=RolloutStore(store.scripts),
        quotas=QuotaStore(store.scripts, settings.quota),
        objects=objects,
        disk=disk,
        memory=memory,
        queue=JobQueue(make_celery(settings), client),
        roster=WorkerRoster(client),
        fetcher=make_fetcher(settings),
        tracing=tracing,
    )


def check_room(services: Services, record_bytes: int = 0, files: int = 0, *, is_trial: bool = False) -> None:
    """Raise OutOfDisk or StoreFull if new work must be refused, whose records and results take so much."""
    services.disk.check(files * BLOCK, files, is_trial=is_trial)
    services.memory.check(record_bytes)


def make_fetcher(settings: Settings) -> Fetcher:
    """Return what fetches pictures for requests."""
    return Fetcher(settings.fetch, requests_at_once=settings.api.threads)


def services() -> Services:
    """Return the services of the application that serves this request."""
    return cast(Services, current_app.extensions[SERVICES])


def owner() -> str:
    """Return the owner of what this request may see: of its key, or the anonymous one if none is needed."""
    return cast(str, g.owner)  # set by api/auth.py; a route that is open to all has none


def may_know_of_others() -> bool:
    """Whether this request may be told what depends on other owners' work: without keys, and an admin's."""
    return has_request_context() and bool(g.get("may_know_of_others"))  # set by api/auth.py


def key_id() -> str:
    """Return the id of the API key of this request; "" if none was needed."""
    return cast(str, g.get("key_id", "")) if has_request_context() else ""


def caller_name() -> str:
    """Return the name of the API key of this request; of a proxy's user, or without keys, the owner's."""
    return cast(str, g.caller_name)  # set by api/auth.py


def request_id() -> str:
    """Return the id under which the log has this request; "" where none is handled."""
    return cast(str, g.get("request_id", "")) if has_request_context() else ""


def request_span() -> Span:
    """Return the span of this request; it has the context to hand on where the request brings one."""
    return cast(Span, g.get("span", NO_SPAN)) if has_request_context() else NO_SPAN


def request_trace() -> str:
    """Return the trace of this request as records have it; "" for none."""
    context = request_span().context
    return context.text if context else ""


def base_url() -> str:
    """Return the base of absolute links: as configured, else as the client addressed us."""
    configured = services().settings.api.public_url
    return (configured or request.url_root).rstrip("/")


def links() -> Links:
    """Return the links that suit this request."""
    return Links.of(base_url(), services().settings.api.public_url, **g.get("signing", {}))


def card_named(name: str) -> ModelCard:
    """Return the card of the model that a URL names; raise UnknownModel or CardUnusable."""
    try:
        return services().catalog.get(name)
    except CardUnusable as error:
        raise CardUnusable(error.detail) from error  # without a field: a URL has none
    except UnknownModel as error:
        raise UnknownModel(f"no model is named {name!r}") from error
