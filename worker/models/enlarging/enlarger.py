"""Enlarges a picture in strips: the same pixels as in one piece, in memory that its width decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from shared.cards.card import ModelCard
from shared.errors import OutOfMemory
from worker.models.enlarging.networks import CompactStream, DeepStream
from worker.models.enlarging.streams import Layer
from worker.models.enlarging.weights import read_weights
from worker.models.files.manifest import read_manifest
from worker.models.image_to_image import OnStep, Pixels, Run

# Pixels of the content in a strip: some tenths of a second on one core, so that other work can come between.
# Fixed, and not a setting: strips of other heights differ in the last bit of some values.
_COMPACT_PIXELS, _DEEP_PIXELS = 1 << 14, 1 << 12
_LAYERS_OF_COMPACT = 18
_TURN_SECONDS = 0.1  # after which a picture that waits for its turn checks again whether it is still wanted
_turn = threading.Lock()  # the deep network keeps up to 0.8 GB of a picture: one at a time


class Enlarger:
    """A loaded network that enlarges; safe to call from several threads."""

    def __init__(self, card: ModelCard, digest: str, layers: list[Layer]) -> None:
        self.card = card
        self.digest = digest  # of the stored files; names the exact weights
        self._layers = layers
        self._is_compact = len(layers) == _LAYERS_OF_COMPACT

    @classmethod
    def load(cls, card: ModelCard, folder: Path) -> Enlarger:
        """Load the network from its folder in the model store, which has checked it."""
        layers = [Layer(each.kernel, each.bias, each.slope) for each in read_weights(folder)]
        return cls(card, read_manifest(folder).digest, layers)

    def warm_up(self) -> None:
        """Run once on a small picture."""
        self.apply(np.full((4, 5, 3), 128, np.uint8), lambda step, total: None)

    def apply(self, content: Pixels, on_step: OnStep, run: Run = lambda step: step()) -> Pixels:
        """Return the picture (h, w, 3) as (h * scale, w * scale, 3).

        All computation goes through `run`, strip by strip; after each comes `on_step`, which may raise to end
        it. Raises OutOfMemory.
        """
        height, width = (side * self.card.scale for side in content.shape[:2])
        with _memory_errors(content.shape):
            result, written = np.empty((height, width, 3), np.uint8), 0

        def take(rows: Pixels) -> None:
            nonlocal written
            result[written : written + len(rows)] = rows
            written += len(rows)

        self.apply_rows(content, on_step, run, take)
        return result

    def apply_rows(self, content: Pixels, on_step: OnStep, run: Run, take: Callable[[Pixels], None]) -> None:
        """Do the same, and give the result's rows to `take` from top to bottom, a strip at a time."""
        strips = list(self._strips(*content.shape[:2]))
        with _memory_errors(content.shape), self._in_turn(lambda: on_step(0, len(strips))):
            stream = self._stream()

            def work(rows: slice) -> Pixels:
                values = tf.cast(content[None, rows], tf.float32) / 255
                return _pixels(stream(values, last=rows.stop == len(content)))

            for done, rows in enumerate(strips, 1):
                take(run(partial(work, rows)))
                on_step(done, len(strips))

    def _stream(self) -> Callable[..., Any]:
        if self._is_compact:
            return CompactStream(self._layers, self.card.scale)
        return DeepStream(self._layers)

    def _strips(self, height: int, width: int) -> Iterator[slice]:
        pixels = _COMPACT_PIXELS if self._is_compact else _DEEP_PIXELS
        step = max(1, pixels // width)
        return (slice(start, min(height, start + step)) for start in range(0, height, step))

    @contextmanager
    def _in_turn(self, waiting: Callable[[], None]) -> Iterator[None]:
        if self._is_compact:
            yield
            return
        while not _turn.acquire(timeout=_TURN_SECONDS):
            waiting()
        try:
            yield
        finally:
            _turn.release()


def _pixels(values: Any) -> Pixels:
    pixels: Pixels = np.asarray(tf.cast(tf.round(tf.clip_by_value(values, 0, 1) * 255), tf.uint8)[0])
    return pixels


@contextmanager
def _memory_errors(shape: tuple[int, ...]) -> Iterator[None]:
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise OutOfMemory(f"there was no memory to enlarge a picture of shape {shape}") from error
