"""One network at one size in a process of its own, for `bench.models.gpu`: a line of JSON a row.

The first line tells how long the first picture took, each further one the rate and memory of a micro-batch.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.photos import pair
from bench.processes import MEBIBYTE, peak_mebibytes, resident_mebibytes
from shared.cards.card import load_catalog
from shared.errors import OutOfMemory
from worker.models.generation.latents import latent
from worker.models.loading import load_model
from worker.models.prebuilt import prebuilt_store
from worker.models.runtime import configure_tensorflow, memory_errors
from worker.models.store import ModelStore

if TYPE_CHECKING:
    from worker.models.generation.generator import Generator
    from worker.models.stylization.stylizer import Picture, Stylizer

DIGITS, SERVED, LAYERS = "digits", "served", "layer by layer"
MODEL_OF = {DIGITS: "mnist-dcgan", SERVED: "magenta-mobile", LAYERS: "magenta-mobile"}
NO_MEMORY = "out of memory"
WARM_UP = 2

Size = tuple[int, int]  # width and height, pixels
Paint = Callable[[int], object]  # that many pictures in one call
Row = dict[str, Any]


def pull(models: Path) -> None:
    """Bring the networks into a model store."""
    configure_tensorflow(0, 0)
    for name in sorted(set(MODEL_OF.values())):
        ModelStore(models, prebuilt_store).pull(load_catalog().get(name))


def measured(way: str, size: Size, batches: Sequence[int], seconds: float, models: Path) -> Iterator[Row]:
    """Yield how long the first picture took, then the rate of each micro-batch."""
    pictures = _photo_and_style(size)
    times = [perf_counter()]
    configure_tensorflow(0, 0, lean=way != LAYERS)
    times.append(perf_counter())
    model = load_model(load_catalog().get(MODEL_OF[way]), ModelStore(models))
    times.append(perf_counter())
    model.warm_up()
    times.append(perf_counter())
    paint = _PAINTS[way](model, *pictures)
    with memory_errors("for the first picture"):
        paint(1)
    times.append(perf_counter())
    yield {"device": device(), "seconds": np.diff(times).tolist()}
    memory = Memory()
    for batch in batches:
        yield {"batch": batch, **rate(paint, batch, seconds, memory)}


def rate(paint: Paint, batch: int, seconds: float, memory: Memory) -> Row:
    """Return pictures a second and the peak of memory, or a note why there are none."""
    try:
        with memory_errors(f"for {batch} pictures"):
            for _ in range(WARM_UP):  # the first calls of a shape choose how it is computed
                paint(batch)
            calls, began = 0, perf_counter()
            while not calls or perf_counter() - began < seconds:
                paint(batch)
                calls += 1
            spent = perf_counter() - began
    except (MemoryError, OutOfMemory):
        return {"note": NO_MEMORY}
    return {"rate": calls * batch / spent, "mebibytes": memory.growth()}


class Memory:
    """How much more than now this process will have taken at most: of the GPU's memory where there is one."""

    def __init__(self) -> None:
        import tensorflow as tf

        self._config = tf.config.experimental if tf.config.list_physical_devices("GPU") else None
        if self._config is None:
            self._before = resident_mebibytes(os.getpid())
            return
        self._config.reset_memory_stats("GPU:0")
        self._before = self._config.get_memory_info("GPU:0")["current"] / MEBIBYTE

    def growth(self) -> float:
        """Return the peak since then, MiB."""
        if self._config is None:
            return max(0.0, peak_mebibytes(os.getpid()) - self._before)
        return float(self._config.get_memory_info("GPU:0")["peak"] / MEBIBYTE - self._before)


def device() -> str:
    """Return what computes."""
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        return str(tf.config.experimental.get_device_details(gpu).get("device_name", "a GPU"))
    return f"CPU, {len(os.sched_getaffinity(0))} cores"


def _photo_and_style(size: Size) -> tuple[Picture, Picture]:
    width, height = size
    content, style = (np.asarray(image, np.float32) / 255 for image in pair(0, max(size)))
    return content[:height, :width], style


def _digits(generator: Generator, _: Picture, __: Picture) -> Paint:
    shape = generator.card.latent
    assert shape is not None, "a generator's card has a latent"
    return lambda count: generator.generate(
        np.stack([latent(shape, seed, None, 1.0) for seed in range(count)])
    )


def _served(stylizer: Stylizer, content: Picture, style_picture: Picture) -> Paint:
    """As workers paint with `ATELIER_WORKER_PHOTO_BATCH`: the network takes one after the other."""
    style = stylizer.prepare_style(style_picture)
    return lambda count: stylizer.stylize_together([content] * count, [style] * count)


def _layers(stylizer: Stylizer, content: Picture, style_picture: Picture) -> Paint:
    """As the papers have the network: each layer takes all pictures. Its last bits are others."""
    import tensorflow as tf

    from tests.support.models.plain_transformer import build_style_transformer
    from worker.models.stylization.magenta_mobile import magenta_transformer

    network = build_style_transformer(magenta_transformer())
    vector = stylizer.prepare_style(style_picture).vector
    assert vector is not None, "this network has vectors"
    shapes = [tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, len(vector)])]
    traced = tf.function(lambda *inputs: network(list(inputs)), shapes, autograph=False)
    return lambda count: np.asarray(traced(np.stack([content] * count), vector[None]))


_PAINTS: dict[str, Callable[[Any, Picture, Picture], Paint]] = {
    DIGITS: _digits,
    SERVED: _served,
    LAYERS: _layers,
}


def main() -> None:
    asked = json.loads(sys.argv[1])
    models = Path(asked["models"])
    if "way" not in asked:
        pull(models)
        return
    for row in measured(asked["way"], tuple(asked["size"]), asked["batches"], asked["seconds"], models):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
