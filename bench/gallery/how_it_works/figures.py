"""What all drawings share: the models, the pictures of the demo, and how a sheet becomes a small file."""

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from skimage import data

from atelier.commands.demo import OWN_STYLE
from shared.cards.card import load_catalog
from worker.models.loading import load_model
from worker.models.store import ModelStore

DPI = 100
COLORS = 128  # of a PNG of plots: a third of the bytes, and nobody sees it
QUALITY = 86

Floats = npt.NDArray[np.float32]  # (h, w, 3) in 0..1


@dataclass(frozen=True)
class Studio:
    """Where drawings go, and what they are made with."""

    folder: Path
    models: ModelStore
    data: str  # of the training; see `worker.training.data.load_pictures`
    run: Path  # the folder of the training

    def load(self, name: str) -> Any:
        """Return a model by the name of its card."""
        card = load_catalog().get(name)
        self.models.pull(card)
        return load_model(card, self.models)

    def save(self, name: str, image: Image.Image) -> None:
        """Write a JPEG of photos, or a PNG of plots, and say how large it is."""
        path = self.folder / name
        if path.suffix == ".png":
            image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
        else:
            image.save(path, quality=QUALITY, optimize=True, progressive=True)
        print(f"{name}: {image.width} x {image.height}, {path.stat().st_size / 1000:.0f} kB", flush=True)


def photo(side: int) -> Image.Image:
    """Return a cup of coffee, its longer side so many pixels."""
    return _fitted(Image.fromarray(data.coffee()), side)


def painting(side: int = 512) -> Image.Image:
    return _fitted(Image.open(OWN_STYLE).convert("RGB"), side)


def tissue(side: int = 512) -> Image.Image:
    return _fitted(Image.fromarray(data.immunohistochemistry()), side)


def _fitted(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)


def to_float(image: Image.Image) -> Floats:
    return np.asarray(image, np.float32) / 255


def to_image(values: npt.NDArray[Any]) -> Image.Image:
    return Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8))


def drawn(figure: Figure) -> Image.Image:
    buffer = BytesIO()
    figure.savefig(buffer, dpi=DPI)
    return Image.open(buffer).convert("RGB")


def show(axes: Axes, picture: Any, title: str = "", **options: Any) -> None:
    """Show a picture without ticks; values of one channel are grey unless the options say otherwise."""
    axes.imshow(picture, **{"cmap": "gray", **options})
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=9)
    for side in axes.spines.values():
        side.set_visible(False)


def tiled(maps: npt.NDArray[Any], columns: int) -> npt.NDArray[np.float32]:
    """Lay maps (h, w, n) out in columns, a white line apart, each from its darkest to its brightest value."""
    height, width, count = maps.shape
    sheet = np.ones((-(-count // columns) * (height + 1) - 1, columns * (width + 1) - 1), np.float32)
    for index, each in enumerate(np.moveaxis(maps, 2, 0)):
        top, left = index // columns * (height + 1), index % columns * (width + 1)
        sheet[top : top + height, left : left + width] = scaled(each)
    return sheet


def scaled(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Bring values to 0..1."""
    spread = float(np.ptp(values))
    return (values - values.min()) / (spread or 1.0)


def rows_of(axes: Any) -> Iterable[Any]:
    """Return the axes of `Figure.subplots`, row by row, also where there is one row."""
    return np.atleast_2d(axes)
