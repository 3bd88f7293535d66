"""Shows what stylization jobs can ask for: runs real jobs and lays their pictures out on sheets.

Usage: python -m bench.gallery.stylization docs/images
"""

import argparse
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from skimage import data

from atelier.client.client import Client
from atelier.commands.demo import OWN_PHOTO, OWN_STYLE
from atelier.local.stack import RunningStack
from bench.gallery.large_photos import enlarged
from bench.gallery.sheets import CELL, Sheet, encoded, lay_out
from shared.cards.card import load_catalog
from worker.models.store import ModelStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state:
        pull(Path(state))
        with RunningStack(Path(state)) as stack, stack.client() as client:
            draw_all(client, arguments.folder)


def pull(state: Path) -> None:
    """Bring the model that is not preloaded into the installation's store."""
    ModelStore(state / "models").pull(load_catalog().get("nst-gatys"))


def draw_all(client: Client, folder: Path) -> None:
    for name, make in SHEETS.items():
        lay_out(make(Studio(client))).save(folder / f"{name}.jpg", quality=88)
        print(f"{name}.jpg", flush=True)
    make_film(Studio(client), folder / "film.webp")


class Studio:
    """Runs jobs and brings their pictures."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.painting = self.upload(Image.open(OWN_STYLE))
        self.tissue = self.upload(Image.fromarray(data.immunohistochemistry()))

    def upload(self, image: Image.Image) -> str:
        """Return the id of the uploaded picture."""
        return self._client.files.upload(encoded(image))

    def stylize(self, content: Image.Image, **fields: Any) -> Image.Image:
        """Return the picture that a job with these fields makes."""
        return Image.open(io.BytesIO(self.stylize_file(encoded(content), **fields))).convert("RGB")

    def stylize_file(self, content: bytes, **fields: Any) -> bytes:
        """Return the file that a job with these fields makes."""
        styles = fields.pop("styles", [{"image": self.painting}])
        body = {"type": "stylize", "content": self._client.files.upload(content), "styles": styles, **fields}
        job = self._client.jobs.wait(self._client.jobs.create(body), timeout_seconds=600)
        return self._client.jobs.download(job)


def coffee() -> Image.Image:
    return Image.fromarray(data.coffee())


def landscape() -> Image.Image:
    """Return the photo of the demo, enlarged to 3000 x 2000 pixels."""
    return enlarged(Image.open(OWN_PHOTO), megapixels=6)


def strokes(studio: Studio) -> Sheet:
    """A photo of 3,000 pixels: the smaller the network's size, the bolder the strokes; below, at 1:1."""
    photo = landscape()
    box = (1000, 900, 1000 + CELL[0], 900 + CELL[1])
    made = [("photo, 3000 px", photo)]
    made += [(f"stroke {side}", studio.stylize(photo, stroke=side)) for side in (512, 1024, 3000)]
    return [*made, *((f"{name}, 1:1", picture.crop(box)) for name, picture in made)]


def strengths(studio: Studio) -> Sheet:
    steps = (0.0, 0.25, 0.5, 0.75, 1.0)
    return [(f"strength {step:g}", studio.stylize(coffee(), strength=step)) for step in steps]


def blends(studio: Studio) -> Sheet:
    sheet = []
    for first, second in ((1, 0), (3, 1), (1, 1), (1, 3), (0, 1)):
        pairs = zip((studio.painting, studio.tissue), (first, second), strict=True)
        styles = [{"image": image, "weight": weight} for image, weight in pairs if weight]
        sheet.append((f"painting {first} : {second} tissue", studio.stylize(coffee(), styles=styles)))
    return sheet


def masks(studio: Studio) -> Sheet:
    photo = Image.fromarray(data.chelsea())
    x = np.linspace(0, 255, photo.width).astype(np.uint8)
    mask = Image.fromarray(np.broadcast_to(x, (photo.height, photo.width)).copy())
    return [
        ("photo", photo),
        ("painted", studio.stylize(photo)),
        ("colors kept", studio.stylize(photo, preserve_color=True)),
        ("mask", mask.convert("RGB")),
        ("painted by mask", studio.stylize(photo, mask=studio.upload(mask))),
    ]


def optimized(studio: Studio) -> Sheet:
    photo = Image.fromarray(data.astronaut())
    sheet = [("photo", photo), ("style", Image.open(OWN_STYLE))]
    for steps in (25, 100, 300):
        picture = studio.stylize(photo, model="nst-gatys", optimize={"steps": steps})
        sheet.append((f"nst-gatys, {steps} steps", picture))
    return sheet


def strips(studio: Studio) -> Sheet:
    """A large picture goes through strips of rows: parts of it at 1:1, where a seam would show."""
    photo = landscape()
    painted = studio.stylize(photo, stroke="native")
    tops = (300, 700, 1100, 1500)
    parts = [
        (f"rows {top} to {top + CELL[1]}, 1:1", (1400, top, 1400 + CELL[0], top + CELL[1])) for top in tops
    ]
    return [("3000 x 2000, by strips", painted), *((name, painted.crop(box)) for name, box in parts)]


SHEETS: dict[str, Callable[[Studio], Sheet]] = {
    "strokes": strokes,
    "strength": strengths,
    "blends": blends,
    "masks": masks,
    "nst": optimized,
    "strips": strips,
}


def make_film(studio: Studio, path: Path) -> None:
    """A still picture with something that moves: what stands still must not flicker."""
    photo = coffee().resize((300, 200))
    frames = []
    for step in range(12):
        frame = photo.copy()
        ImageDraw.Draw(frame).ellipse((20 + step * 20, 20, 60 + step * 20, 60), fill=(240, 220, 60))
        frames.append(frame)
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0)
    output = {"format": "webp", "quality": 80}
    path.write_bytes(studio.stylize_file(buffer.getvalue(), output=output, steadiness=0.8))


if __name__ == "__main__":
    main()
