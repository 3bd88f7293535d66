"""What every job's pipeline works with."""

from dataclasses import dataclass

from shared.image_probe import ImageLimits
from shared.object_store import ObjectStore
from shared.style_vectors import StyleVectors
from worker.batcher import Batcher
from worker.style_cache import StyleCache


@dataclass(frozen=True, slots=True)
class Tools:
    """One set a process."""

    objects: ObjectStore
    batcher: Batcher
    styles: StyleCache
    limits: ImageLimits
    vectors: StyleVectors | None = None  # what all workers know of styles; None: this one keeps to itself
