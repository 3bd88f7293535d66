"""Writes the pictures of what generation jobs can ask for, each made by the worker's own pipeline code.

Usage: python -m bench.gallery.generation docs/images
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atelier.local.redis_server import EmbeddedServer
from shared.cards.card import load_catalog
from shared.identifiers import ANONYMOUS, new_job_id
from shared.images.limits import ImageLimits
from shared.jobs.job import StoredOutput
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.redis.client import connect
from shared.setting_groups import JobRules
from shared.specs.spec import JOB_SPEC, resolve
from shared.storage.base import ObjectStore
from shared.storage.object_store import open_object_store
from worker.codec.decode import decode
from worker.codec.encode import encode
from worker.codec.pixels import contact_sheet
from worker.execution.attempt import Attempt, Stages
from worker.execution.batcher import Batcher
from worker.execution.resources import Resources, StyleCache
from worker.models.loading import load_model
from worker.models.runtime import configure_tensorflow
from worker.models.store import ModelStore
from worker.pipeline import process

LARGE: dict[str, Any] = {"upscale": {"factor": 2, "filter": "lanczos"}}
WALK = [2, 19, 8, 31, 2]  # the last point is the first, so that the film has no seam

GALLERY: dict[str, dict[str, Any]] = {
    "digits": {
        "seeds": list(range(12)),
        "digits": "0123456789",
        "grid": {"columns": 1, "gap": 0},
        **LARGE,
    },
    "year": {
        "seeds": [3, 5, 11, 14, 21, 26],
        "digits": "2026",
        "grid": {"columns": 2, "gap": 24},
        "upscale": {"factor": 3, "filter": "lanczos"},
    },
    "interpolation": {
        "interpolate": {"seeds": [2, 19, 8, 31, 44, 57, 60, 3], "steps": 10},
        "grid": {"columns": 16, "gap": 2},
        **LARGE,
    },
    "interpolation-film": {
        "interpolate": {"seeds": WALK, "steps": 24},
        "animation": {"frame_milliseconds": 60},
        "upscale": {"factor": 6, "filter": "lanczos"},
        "output": {"format": "webp", "quality": 90},
    },
    "hands-film": {
        "interpolate": {"seeds": [3, 5, 14, 3], "steps": 16},
        "digits": "2026",
        "animation": {"frame_milliseconds": 80},
        **LARGE,
        "output": {"format": "gif"},
    },
}
TRUNCATIONS = (0.1, 0.4, 0.7, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    configure_tensorflow(1, 1)
    with press() as made:
        for name, fields in GALLERY.items():
            made.write(folder / f"{name}.{format_of(fields)}", fields)
        write_truncations(made, folder / "truncation.png")


def format_of(fields: dict[str, Any]) -> str:
    return str(fields.get("output", {}).get("format", "png"))


def write_truncations(made: "Press", target: Path) -> None:
    """Stack the same seeds at every truncation, the tamest on top."""
    rows = [decode(made.run(truncated(value)).data, ImageLimits()).rgb[:, :, :1] for value in TRUNCATIONS]
    sheet = contact_sheet(rows, 1, gap=4, background=96)
    target.write_bytes(encode(sheet, format="png", quality=100).data)


def truncated(value: float) -> dict[str, Any]:
    seeds = {"seeds": list(range(16)), "digit": 7, "truncation": value}
    return {**seeds, "grid": {"columns": 16, "gap": 0}, **LARGE}


@dataclass(frozen=True)
class Made:
    """The one file of a job."""

    data: bytes
    output: StoredOutput
    seconds: float


@dataclass(frozen=True)
class Press:
    """A job store, storage, and the default generator: all that a generation job needs."""

    store: JobStore
    objects: ObjectStore
    resources: Resources
    model: Any

    def write(self, target: Path, fields: dict[str, Any]) -> None:
        """Keep the file that a job makes."""
        made = self.run(fields)
        target.write_bytes(made.data)
        size = f"{made.output.width} x {made.output.height}, {made.output.bytes} bytes"
        print(f"{target.name}: {size}, {made.seconds:.2f} s")

    def run(self, fields: dict[str, Any]) -> Made:
        """Carry a job out as a worker does."""
        spec = resolve(JOB_SPEC.validate_python({"type": "generate", **fields}), load_catalog())
        job = self.store.submit(Submission(new_job_id(), ANONYMOUS, spec, "gallery"))
        claimed = self.store.claim(job.id, "gallery")
        assert claimed is not None, "nobody else is there to take it"
        attempt, start = Attempt(claimed), time.perf_counter()
        (output,) = process(attempt, self.model, self.resources, Stages(attempt, self.store)).outputs
        return Made(self.objects.get(output.key), output, time.perf_counter() - start)


@contextmanager
def press() -> Iterator[Press]:
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder) / "server") as server:
        card, models = load_catalog().default("generate"), ModelStore(Path(folder) / "models")
        models.pull(card)
        model = load_model(card, models)
        model.warm_up()
        objects = open_object_store((Path(folder) / "storage").as_uri())
        resources = Resources(objects, Batcher(1), StyleCache(), ImageLimits())
        yield Press(JobStore(connect(server.url), JobRules()), objects, resources, model)


if __name__ == "__main__":
    main()
