"""Draws what chains of jobs make: each job takes the picture of the one before it, and all are sent at once.

Usage: python -m bench.gallery.chain docs/images/chains.jpg
It needs the extra `enlarge`.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from skimage import data

from atelier.client.client import Client
from atelier.commands.demo import OWN_STYLE
from atelier.local.stack import RunningStack
from bench.gallery.large_photos import START_SECONDS
from bench.gallery.sheets import encoded, lay_out
from shared.cards.card import load_catalog
from worker.models.store import ModelStore

CELL = (520, 340)  # pixels, of which each is one of the picture's
SIDE = 260  # pixels of the painted photo's longer side
ENLARGERS = ("enlarge-x2", "enlarge-x4")
_NUMBER = {"type": "generate", "digits": "2026", "grid": {"columns": 1, "gap": 0}}
_SMALL = {**_NUMBER, "seeds": [1, 2, 3]}
_LARGE = {**_NUMBER, "seeds": [1, 2], "upscale": {"factor": 4, "filter": "lanczos"}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as state:
        for name in ENLARGERS:
            ModelStore(Path(state) / "models").pull(load_catalog().get(name))
        with RunningStack(Path(state), start_seconds=START_SECONDS) as stack, stack.client() as client:
            sheet = [cell for chain in _chains(client) for cell in _row(client, chain)]
    lay_out(sheet, 3, cell=CELL).save(arguments.output, quality=90)


def _chains(client: Client) -> Iterator[list[dict[str, Any]]]:
    """Yield requests, each for the picture of the one before it."""
    painting = client.files.upload(encoded(Image.open(OWN_STYLE)))
    photo = ImageOps.contain(Image.fromarray(data.astronaut()), (SIDE, SIDE), Image.Resampling.LANCZOS)
    styles = [{"image": painting}]
    yield [_SMALL, {"type": "transform", "model": "enlarge-x4"}]
    yield [
        {"type": "stylize", "content": client.files.upload(encoded(photo)), "styles": styles},
        {"type": "transform", "model": "enlarge-x2"},
    ]
    yield [
        _LARGE,
        {"type": "stylize", "styles": styles, "strength": 0.7},
        {"type": "transform", "model": "enlarge-x2"},
    ]


def _row(client: Client, chain: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Image.Image]]:
    """Send all jobs of a chain, then yield what each made; empty cells fill the row."""
    ids: list[str] = []
    for request in chain:
        follows = {"content": {"job": ids[-1], "output": 0}} if ids else {}
        ids.append(client.jobs.create({**request, **follows}).id)
    for job_id, request in zip(ids, chain, strict=True):
        picture = Image.open(BytesIO(client.jobs.download(client.jobs.wait(job_id)))).convert("RGB")
        name = request.get("model", request["type"])
        yield f"{name}, {picture.width} x {picture.height}", part(picture)
    yield from [("", Image.new("RGB", (1, 1), "white"))] * (3 - len(chain))


def part(picture: Image.Image) -> Image.Image:
    """Return the part that a cell has room for, from the upper middle."""
    width, height = (min(side, most) for side, most in zip(picture.size, CELL, strict=True))
    left = (picture.width - width) // 2
    return picture.crop((left, 0, left + width, height))


if __name__ == "__main__":
    main()
