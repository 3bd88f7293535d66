"""What every job's pipeline works with: pictures, models' results, and the styles that were used lately."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from shared.files.style_library import StyleVectors
from shared.images.limits import ImageLimits
from shared.specs.parts import Upscale
from shared.storage.base import ObjectStore
from worker.codec.animation import Frame
from worker.execution.batcher import Batcher
from worker.models.numerics import NO_NUMERICS, Numerics

Pixels = npt.NDArray[np.uint8]
STORES = 8  # objects stored at once: twice as many a second as by four threads or by sixteen
Key = tuple[str, str]  # the model's digest, the style file's id
Style = TypeVar("Style")


@dataclass(frozen=True, slots=True, eq=False)
class ResultPicture:
    """Pixels, and what is written into the file beside them."""

    pixels: Pixels  # (h, w, 1) or (h, w, 3)
    alpha: Pixels | None = None  # (h, w)
    seed: int | None = None
    text: dict[str, str] = field(default_factory=dict)  # goes into PNG files
    # Done when it is encoded: a job's pictures are never all large at once.
    upscale: Upscale = field(default_factory=Upscale)
    profile: bytes | None = None  # of the colors; None: they are sRGB


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """Pictures that become one animated file."""

    frames: tuple[Frame, ...]
    loop: bool = True  # for ever, or once
    seed: int | None = None


class StyleCache(Generic[Style]):
    """The most recently used styles, each by its model's digest and its image's id alone.

    Jobs that want the same new style at once compute it once.
    """

    def __init__(self, capacity: int = 512) -> None:
        self._capacity = capacity
        self._styles: OrderedDict[Key, Future[Style]] = OrderedDict()
        self._lock = threading.Lock()
        self.hits = self.misses = 0

    def get(self, key: Key, make: Callable[[], Style]) -> Style:
        """Return the style of the key, made by `make` where it is not known; its error is not kept."""
        future, is_mine = self._enter(key)
        if not is_mine:
            return future.result()
        try:
            future.set_result(make())
        except BaseException as error:
            self._forget(key)
            future.set_exception(error)
            raise
        return future.result()

    def _enter(self, key: Key) -> tuple[Future[Style], bool]:
        with self._lock:
            known = self._styles.get(key)
            if known is not None:
                self.hits += 1
                self._styles.move_to_end(key)
                return known, False
            self.misses += 1
            future: Future[Style] = Future()
            self._styles[key] = future
            while len(self._styles) > self._capacity:
                self._styles.popitem(last=False)
            return future, True

    def _forget(self, key: Key) -> None:
        with self._lock:
            self._styles.pop(key, None)


@dataclass(frozen=True, slots=True)
class Resources:
    """One set a process."""

    objects: ObjectStore
    batcher: Batcher
    styles: StyleCache[Any]  # each kind of network has its own
    limits: ImageLimits
    vectors: StyleVectors | None = None  # what all workers know of styles; None: this one keeps to itself
    free: Callable[[], None] = lambda: None  # lets go of memory that nobody needs now
    numerics: Callable[[], Numerics] = lambda: NO_NUMERICS  # of this process
    marks: bool = True  # whether files say that a machine made their picture
    photo_batch: int = 1  # photos of one size in one call of a network, at most
    # For jobs of several outputs, of which each waits for the disk.
    stores: Executor = field(default_factory=partial(ThreadPoolExecutor, STORES, thread_name_prefix="store"))
