"""Paints large photos at several strokes, with real jobs: a sheet to judge them by, and what each costs.

Usage: python -m bench.gallery.large_photos docs/images/large-photos.jpg
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import data

from atelier.client.client import Client
from atelier.commands.demo import OWN_STYLE
from atelier.local.stack import RunningStack
from bench.gallery.contact_sheet import bold_strokes
from bench.gallery.sheets import encoded, lay_out
from bench.measuring import machine
from bench.processes import cpu_seconds
from shared.cards.card import load_catalog
from worker.models.store import ModelStore

STROKES: tuple[int | str, ...] = (512, 768, 1024, 1536, "native")
DEFAULT = 1024
START_SECONDS = 600.0  # the models are built first
GRAIN = 4.0  # levels of 255: what a sensor adds, and enlarging took away
PART = 6  # the lower rows show this part of the photo's width
CELL = (236, 157)  # pixels
MARGIN, LABEL = 4, 16  # pixels


@dataclass(frozen=True, slots=True)
class Case:
    """A photo of some megapixels, and a style."""

    photo: str  # of scikit-image
    megapixels: int
    style: str | int  # one of `styles`, or the number of a built-in one
    focus: tuple[float, float]  # upper left corner of the part that is shown enlarged, 0..1


CASES = (
    Case("astronaut", 24, "painting", (0.37, 0.12)),
    Case("coffee", 24, "bold", (0.4, 0.3)),
    Case("rocket", 12, "tissue", (0.42, 0.25)),
    Case("chelsea", 12, 19, (0.3, 0.2)),
)


@dataclass
class Costs:
    """What photos of a size took, by stroke: the least of its cases, as other work only adds."""

    core_seconds: dict[int | str, float] = field(default_factory=dict)
    file_bytes: dict[str, int] = field(default_factory=dict)  # by format, at the default stroke; the most

    def note(self, stroke: int | str, seconds: float) -> None:
        """Take a measured time in."""
        self.core_seconds[stroke] = min(seconds, self.core_seconds.get(stroke, seconds))

    def note_file(self, name: str, data: bytes) -> None:
        """Take the size of a file in."""
        self.file_bytes[name] = max(len(data), self.file_bytes.get(name, 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    costs: dict[int, Costs] = {}
    with tempfile.TemporaryDirectory() as state:
        ModelStore(Path(state) / "models").pull(load_catalog().get("multistyle-26"))
        with RunningStack(Path(state), start_seconds=START_SECONDS) as stack:
            studio = Studio(stack, costs)
            rows = [row for case in CASES for row in studio.rows(case)]
    cells = [
        (label, picture.resize(CELL, Image.Resampling.LANCZOS)) for row in rows for label, picture in row
    ]
    sheet = lay_out(cells, len(rows[0]), cell=CELL, margin=MARGIN, label_height=LABEL)
    sheet.save(arguments.output, quality=78)
    print(machine())
    for megapixels, found in sorted(costs.items()):
        times = ", ".join(f"{stroke}: {seconds:.1f} s" for stroke, seconds in found.core_seconds.items())
        sizes = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in found.file_bytes.items())
        print(f"{megapixels} megapixels: {times} of one core, by stroke; {sizes}")


class Studio:
    """Runs jobs one after the other, and notes what the worker spends on each."""

    def __init__(self, stack: RunningStack, costs: dict[int, Costs]) -> None:
        self._stack = stack
        self._client: Client = stack.client()
        self._costs = costs
        self._styles: Mapping[str, str] = {
            name: self._client.files.upload(encoded(image, "PNG")) for name, image in styles().items()
        }
        self._paint({"content": self._styles["painting"], **self._style("painting")})  # loads what is lazy
        self._paint({"content": self._styles["painting"], **self._style(0)})

    def rows(self, case: Case) -> list[list[tuple[str, Image.Image]]]:
        """Return the photo and its paintings as they are, and a part of each."""
        photo = enlarged(Image.fromarray(getattr(data, case.photo)()), case.megapixels)
        file = encoded(photo, "JPEG", quality=92)
        costs = self._costs.setdefault(case.megapixels, Costs())
        costs.note_file("photo", file)
        made = [(f"{case.photo}, {case.megapixels} MP", photo)]
        body = {"content": self._client.files.upload(file), **self._style(case.style)}
        for stroke in STROKES:
            painted, seconds = self._paint({**body, "stroke": stroke})
            costs.note(stroke, seconds)
            made.append((f"stroke {stroke}", Image.open(BytesIO(painted)).convert("RGB")))
            if stroke == DEFAULT:
                self._note_files(costs, body, painted)
        return [made, [(f"a part, {label}", part(picture, case.focus)) for label, picture in made]]

    def _note_files(self, costs: Costs, body: dict[str, Any], png: bytes) -> None:
        costs.note_file("png", png)
        costs.note_file("jpeg", self._paint({**body, "output": {"format": "jpeg"}})[0])

    def _style(self, style: str | int) -> dict[str, Any]:
        if isinstance(style, int):
            return {"model": "multistyle-26", "styles": [{"number": style}]}
        return {"styles": [{"image": self._styles[style]}]}

    def _paint(self, body: dict[str, Any]) -> tuple[bytes, float]:
        """Return a job's file, and the processor time that the worker took for it, in seconds."""
        worker = self._stack.pid_of("worker")
        before = cpu_seconds(worker)
        job = self._client.jobs.wait(self._client.jobs.create({"type": "stylize", **body}))
        return self._client.jobs.download(job), cpu_seconds(worker) - before


def styles() -> dict[str, Image.Image]:
    return {
        "painting": Image.open(OWN_STYLE),
        "bold": bold_strokes(512),
        "tissue": Image.fromarray(data.immunohistochemistry()),
    }


def enlarged(image: Image.Image, megapixels: int) -> Image.Image:
    """Return a photo of 3 by 2 of this size, with the grain of a camera."""
    width = round((megapixels * 1_500_000) ** 0.5)
    height = round(width * 2 / 3)
    kept = min(image.height, round(image.width * 2 / 3))
    large = image.crop((0, 0, image.width, kept)).resize((width, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(large, np.float32)
    grain = np.random.default_rng(megapixels).normal(0, GRAIN, (height, width, 1)).astype(np.float32)
    return Image.fromarray(np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8))


def part(picture: Image.Image, focus: tuple[float, float]) -> Image.Image:
    left, top = (round(side * share) for side, share in zip(picture.size, focus, strict=True))
    return picture.crop((left, top, left + picture.width // PART, top + picture.height // PART))


if __name__ == "__main__":
    main()
