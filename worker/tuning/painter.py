"""A process that paints with one candidate's settings: `python -m worker.tuning.painter CANDIDATE`.

It takes lines of JSON, [side, seconds], and writes for each what it did. It ends with its standard input.
TensorFlow takes its kernels, threads and allocator once a process, so each candidate has its own.
"""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shared.cards.card import load_catalog
from shared.settings import Settings
from worker.codec.pixels import to_float, to_uint8
from worker.memory import give_back, share_heaps
from worker.models.registry import ModelRegistry
from worker.models.runtime import configure_tensorflow
from worker.models.store import ModelStore
from worker.tuning.choice import SIDES
from worker.tuning.tuned import Candidate, set_allocator

_STATUS = Path("/proc/self/status")
_STYLE_SIDE = 256  # pixels
Paint = Callable[[int], object]  # the pictures of one call, of a side


@dataclass(frozen=True, slots=True)
class Slice:
    """What was done in one turn."""

    rate: float  # pictures a second
    times: list[float]  # of each picture, ms
    processor_seconds: float
    memory_mebibytes: float  # the most so far


def load_painter(settings: Settings, photos_a_call: int) -> Paint:
    """Load the models as a worker does; return what paints so many decoded photos in one call."""
    catalog = load_catalog(settings.cards)
    models = ModelRegistry(catalog, ModelStore(settings.models))
    models.preload(settings.worker.preloaded)
    stylizer: Any = models.get(next(card.name for card in catalog if card.default and card.kind == "stylize"))
    style = stylizer.prepare_style(to_float(_photo(_STYLE_SIDE)))
    photos = {side: _photo(side) for side in SIDES}
    give_back()

    def paint(side: int) -> object:
        contents = [to_float(photos[side]) for _ in range(photos_a_call)]
        return [to_uint8(one) for one in stylizer.stylize_together(contents, [style] * photos_a_call)]

    return paint


def _photo(side: int) -> Any:
    return np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8)


def paint_for(
    paint: Paint, pool: ThreadPoolExecutor, runners: int, *, photos_a_call: int, side: int, seconds: float
) -> Slice:
    """Keep all runners busy for some seconds, each with one call at least."""
    used = time.process_time()
    deadline = time.perf_counter() + seconds
    done = list(pool.map(lambda _: _times(paint, side, deadline), range(runners)))
    # Each runner's own rate: while the last one ends its picture, others are idle, as they never are at work.
    rate = photos_a_call * sum(len(times) / sum(times) for times in done)
    each = [1000 * one for times in done for one in times]
    return Slice(rate, each, time.process_time() - used, _most_memory())


def _times(paint: Paint, side: int, deadline: float) -> list[float]:
    times: list[float] = []
    while not times or time.perf_counter() < deadline:
        began = time.perf_counter()
        paint(side)
        times.append(time.perf_counter() - began)
    return times


def _most_memory() -> float:
    lines = _STATUS.read_text("ascii", "replace").splitlines() if _STATUS.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def main() -> None:
    """Load, paint each size once, say so, then paint as asked until the standard input ends."""
    candidate = Candidate(**json.loads(sys.argv[1]))
    share_heaps()
    set_allocator(candidate.allocator)
    configure_tensorflow(candidate.intra_threads, candidate.runners, candidate.kernels, lean=True)
    settings = Settings.from_env()
    photos = min(candidate.photo_batch, settings.worker.threads)  # no more jobs are ever under way
    paint = load_painter(settings, photos)
    at_once = max(1, min(candidate.runners, settings.worker.threads // photos))
    with ThreadPoolExecutor(at_once) as pool:
        for side in SIDES:
            paint_for(paint, pool, at_once, photos_a_call=photos, side=side, seconds=0)
        _write({"ready": True})
        for line in sys.stdin:
            side, seconds = json.loads(line)
            done = paint_for(paint, pool, at_once, photos_a_call=photos, side=side, seconds=seconds)
            _write(asdict(done))


def _write(value: object) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
