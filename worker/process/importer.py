"""What takes the pictures of places: it needs Pillow, which the io worker loads with the first of them."""

from concurrent.futures import Executor

from shared.cards.card import load_catalog
from shared.files.file_store import FileStore
from shared.places.catalog import Places
from shared.redis.memory_guard import MemoryGuard
from shared.storage.disk_guard import open_disk_guard
from shared.transfers.importing import Importer
from shared.transfers.store import Transfers
from worker.process.context import WorkerContext


def importer_of(base: WorkerContext, memory: MemoryGuard, places: Places, pool: Executor) -> Importer:
    """Return what makes the steps of batches that have a source."""
    settings = base.settings
    files = FileStore(
        base.client,
        base.objects,
        disk=open_disk_guard(settings, base.objects),
        memory=memory,
        retention_seconds=settings.jobs.file_retention_seconds,
        quotas=settings.quota,
    )
    return Importer(
        Transfers(base.store),
        base.batches,
        files,
        places,
        catalog=load_catalog(settings.cards),
        limits=settings.limits,
        rules=settings.batches,
        memory=memory,
        pool=pool,
        notify=lambda batch: base.queue.notify_for(batch.counts["queued"], batch.id, batch.lane),
    )
