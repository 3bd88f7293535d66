"""What a request works with: the services, built once and handed to the application; owner and links."""

from dataclasses import dataclass
from typing import cast

from flask import current_app, request

from shared.batches.store import BatchStore
from shared.cards.card import Catalog, ModelCard, load_catalog
from shared.errors import CardUnusable, UnknownModel
from shared.files.file_store import FileStore
from shared.files.style_library import StyleLibrary
from shared.identifiers import ANONYMOUS
from shared.jobs.queries import JobQueries
from shared.jobs.rendering import Links
from shared.jobs.store import JobStore
from shared.queue.celery_app import make_celery
from shared.queue.job_queue import JobQueue
from shared.redis.client import connect
from shared.settings import Settings
from shared.storage.base import ObjectStore
from shared.storage.disk_guard import DiskGuard, open_disk_guard
from shared.storage.object_store import open_object_store
from shared.workers import WorkerRoster

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
    objects: ObjectStore
    disk: DiskGuard
    queue: JobQueue
    roster: WorkerRoster


def build_services(settings: Settings) -> Services:
    """Open what the settings name. Nothing is asked of the job store yet, so it may start later."""
    client = connect(settings.redis_url)
    objects = open_object_store(settings.storage)
    disk = open_disk_guard(settings, objects)
    store = JobStore(client, settings.jobs)
    return Services(
        settings=settings,
        catalog=load_catalog(settings.cards),
        store=store,
        batches=BatchStore(store, settings.batches),
        queries=JobQueries(store),
        files=FileStore(client, objects, disk=disk, retention_seconds=settings.jobs.file_retention_seconds),
        styles=StyleLibrary(client),
        objects=objects,
        disk=disk,
        queue=JobQueue(make_celery(settings), client),
        roster=WorkerRoster(client),
    )


def services() -> Services:
    """Return the services of the application that serves this request."""
    return cast(Services, current_app.extensions[SERVICES])


def owner() -> str:
    """Return the owner of what this request may see: one anonymous owner, until there are API keys."""
    return ANONYMOUS


def base_url() -> str:
    """Return the base of absolute links: as configured, else as the client addressed us."""
    configured = services().settings.api.public_url
    return (configured or request.url_root).rstrip("/")


def links() -> Links:
    """Return the links that suit this request."""
    return Links.of(base_url(), services().settings.api.public_url)


def card_named(name: str) -> ModelCard:
    """Return the card of the model that a URL names; raise UnknownModel or CardUnusable."""
    try:
        return services().catalog.get(name)
    except CardUnusable as error:
        raise CardUnusable(error.detail) from error  # without a field: a URL has none
    except UnknownModel as error:
        raise UnknownModel(f"no model is named {name!r}") from error
