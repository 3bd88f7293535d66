"""What every job's pipeline works with."""

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

from shared.files.style_vectors import StyleVectors
from shared.images.limits import ImageLimits
from shared.storage.base import ObjectStore
from worker.execution.batcher import Batcher
from worker.execution.style_cache import StyleCache

STORES = 8  # objects stored at once: twice as many a second as by four threads or by sixteen


def _stores() -> Executor:
    return ThreadPoolExecutor(STORES, thread_name_prefix="store")


@dataclass(frozen=True, slots=True)
class Resources:
    """One set a process."""

    objects: ObjectStore
    batcher: Batcher
    styles: StyleCache
    limits: ImageLimits
    vectors: StyleVectors | None = None  # what all workers know of styles; None: this one keeps to itself
    stores: Executor = field(
        default_factory=_stores
    )  # for jobs of several outputs, of which each waits for the disk
