"""What the io worker's transfers from and to places are made of."""

from concurrent.futures import ThreadPoolExecutor

from shared.cards.card import load_catalog
from shared.files.file_store import FileStore
from shared.places.catalog import Places
from shared.redis.memory_guard import MemoryGuard
from shared.storage.disk_guard import open_disk_guard
from shared.transfers.exporting import Exporter
from shared.transfers.importing import Importer
from shared.transfers.runner import TransferRunner
from shared.transfers.store import Transfers
from worker.process.context import WorkerContext

PICTURES_AT_ONCE = 8  # that are read or put: each is in memory as a whole


def transfer_runner(base: WorkerContext, memory: MemoryGuard) -> TransferRunner:
    """Return what has batches go on from and to places."""
    settings = base.settings
    pool = ThreadPoolExecutor(PICTURES_AT_ONCE, thread_name_prefix="pictures")
    transfers, places = Transfers(base.store), Places(settings.place_rules)
    files = FileStore(
        base.client,
        base.objects,
        disk=open_disk_guard(settings, base.objects),
        memory=memory,
        retention_seconds=settings.jobs.file_retention_seconds,
        quotas=settings.quota,
    )
    importer = Importer(
        transfers,
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
    exporter = Exporter(transfers, base.objects, places, pool)
    return TransferRunner(transfers, {"source": importer.step, "destination": exporter.step})
