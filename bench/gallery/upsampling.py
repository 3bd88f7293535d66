"""Brings paintings of large photos to their size in both ways, by real jobs: parts at 1:1, and costs.

Usage: python -m bench.gallery.upsampling docs/images/upsampled.jpg
It needs the extra `enlarge`.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from skimage import data

from atelier.client.client import Client
from atelier.local.stack import RunningStack
from bench.gallery.large_photos import CASES, START_SECONDS, Case, enlarged, styles
from bench.gallery.sheets import encoded, lay_out
from bench.measuring import machine
from bench.processes import cpu_seconds, peak_mebibytes
from shared.cards.card import load_catalog
from worker.models.store import ModelStore

CELL = (420, 315)  # pixels, of which each is one of the picture's
WAYS = ("guided", "network")
SHOWN = [case for case in CASES if not isinstance(case.style, int)]
CLEAR_PEAK = "5"  # what resets a process's peak, written into its clear_refs


@dataclass
class Costs:
    """What jobs took of a worker."""

    seconds: list[float] = field(default_factory=list)  # processor time
    mebibytes: list[float] = field(default_factory=list)  # the peak of all that is resident

    def __str__(self) -> str:
        return f"{min(self.seconds):.1f} s of one core, {max(self.mebibytes):.0f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    names = [case.photo for case in SHOWN]
    parser.add_argument("--photos", nargs="*", choices=names, default=names)
    arguments = parser.parse_args()
    cases = [case for case in SHOWN if case.photo in arguments.photos]
    costs: dict[tuple[int, str], Costs] = {}
    with tempfile.TemporaryDirectory() as state:
        ModelStore(Path(state) / "models").pull(load_catalog().get("enlarge-x4"))
        with RunningStack(Path(state), start_seconds=START_SECONDS) as stack, stack.client() as client:
            sheet = [cell for case in cases for cell in _row(case, stack, client, costs)]
    lay_out(sheet, 1 + len(WAYS), cell=CELL).save(arguments.output, quality=85)
    print(machine())
    for (megapixels, way), found in sorted(costs.items()):
        print(f"{megapixels} megapixels, {way}: {found}")


def _row(
    case: Case, stack: RunningStack, client: Client, costs: dict[tuple[int, str], Costs]
) -> Iterator[tuple[str, Image.Image]]:
    """Yield the same part of the photo and of its paintings, at their own pixels."""
    photo = enlarged(Image.fromarray(getattr(data, case.photo)()), case.megapixels)
    yield f"{case.photo}, {case.megapixels} MP", _part(photo, case)
    body: dict[str, Any] = {
        "styles": [{"image": client.files.upload(encoded(styles()[str(case.style)]))}],
    }
    small = encoded(photo.resize((96, 64)))
    for way in WAYS:
        _paint(body | {"content": client.files.upload(small), "stroke": 64, "upsample": way}, stack, client)
    body |= {"content": client.files.upload(encoded(photo, "JPEG", quality=92))}
    for way in WAYS:
        painted, seconds, mebibytes = _paint(body | {"upsample": way}, stack, client)
        found = costs.setdefault((case.megapixels, way), Costs())
        found.seconds.append(seconds)
        found.mebibytes.append(mebibytes)
        print(f"{case.photo}, {way}: {seconds:.1f} s, {mebibytes:.0f} MiB", flush=True)
        yield way, _part(Image.open(BytesIO(painted)).convert("RGB"), case)


def _part(picture: Image.Image, case: Case) -> Image.Image:
    left, top = (round(side * share) for side, share in zip(picture.size, case.focus, strict=True))
    return picture.crop((left, top, left + CELL[0], top + CELL[1]))


def _paint(body: dict[str, Any], stack: RunningStack, client: Client) -> tuple[bytes, float, float]:
    """Return a job's file, and what the worker took for it: processor time in seconds, its peak in MiB."""
    worker = stack.pid_of("worker")
    Path(f"/proc/{worker}/clear_refs").write_text(CLEAR_PEAK)
    before = cpu_seconds(worker)
    job = client.jobs.wait(client.jobs.create({"type": "stylize", **body}))
    return client.jobs.download(job), cpu_seconds(worker) - before, peak_mebibytes(worker)


if __name__ == "__main__":
    main()
