"""What every job's pipeline works with."""

from dataclasses import dataclass

from shared.image_probe import ImageLimits
from shared.object_store import ObjectStore
from worker.batcher import Batcher
from worker.style_cache import StyleCache


@dataclass(frozen=True, slots=True)
class Tools:
    """One set a process."""

    objects: ObjectStore
    batcher: Batcher
    styles: StyleCache
    limits: ImageLimits
