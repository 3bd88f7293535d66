"""What the io worker's transfers from and to places are made of."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

from shared.places.catalog import Places
from shared.redis.memory_guard import MemoryGuard
from shared.transfers.exporting import Exporter
from shared.transfers.runner import TransferRunner
from shared.transfers.store import Transfers
from worker.process.context import WorkerContext

if TYPE_CHECKING:
    from shared.transfers.importing import Importer

PICTURES_AT_ONCE = 8  # that are read or put: each is in memory as a whole


def transfer_runner(base: WorkerContext, memory: MemoryGuard) -> TransferRunner:
    """Return what has batches go on from and to places."""
    pool = ThreadPoolExecutor(PICTURES_AT_ONCE, thread_name_prefix="pictures")
    transfers = Transfers(base.store)
    places = Places(base.settings.place_rules, base.settings.bucket.ca_file)
    exporter = Exporter(transfers, base.objects, places, pool)

    @cache
    def importer() -> "Importer":
        from worker.process.importer import importer_of  # Pillow: most io workers never need it

        return importer_of(base, memory, places, pool)

    def take(batch_id: str) -> bool:
        return importer().step(batch_id)

    return TransferRunner(transfers, {"source": take, "destination": exporter.step})
