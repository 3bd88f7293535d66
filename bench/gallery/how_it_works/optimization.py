"""Style transfer by optimization: what a Gram matrix keeps, the iterations, and the weights of the losses."""

import io
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from bench.gallery.how_it_works.figures import Studio, drawn, painting, photo, show, to_float, to_image
from bench.gallery.sheets import lay_out
from shared.images.limits import ImageLimits
from shared.specs.parts import Optimization
from shared.specs.stylize import StylizeSpec
from worker.execution.batcher import Batcher
from worker.execution.resources import Resources, StyleCache
from worker.kinds.optimization import divide_steps, paint, working_sides

MODEL = "nst-gatys"
SIDE = 512  # pixels
STEPS, EVERY = 200, 5
SHOWN = (5, 20, 60, 100, 140, 200)  # steps
TILE = 32  # pixels
LAYER = 3  # whose Gram matrix is shown; 0 is that of the colors
CONTENT_WEIGHTS = (100, 10, 1, 0.1, 0.01)
CELL = (320, 213)


def draw_gram(studio: Studio) -> None:
    """A painting, its tiles shuffled, a photo: what the losses of style and content say of each."""
    model = studio.load(MODEL)
    original = painting(SIDE)
    square = photo(768).crop((128, 0, 128 + 512, 512))
    pictures = {"the painting": original, "its tiles, shuffled": shuffled(original), "a photo": square}
    wanted, content = _seen(model, original)
    figure = Figure((8, 5.4), layout="constrained")
    for (above, below), (name, picture) in zip(figure.subplots(2, 3).T, pictures.items(), strict=True):
        grams, contents = _seen(model, picture)
        show(above, picture, name)
        style = np.mean([_relative(*pair) for pair in zip(grams, wanted, strict=True)])
        distance = f"style {style:.2f}, content {_distance(contents, content):.2f}"
        show(below, np.sqrt(np.abs(grams[LAYER])), distance, cmap="magma")
    studio.save("gram.jpg", drawn(figure))


def shuffled(picture: Image.Image) -> Image.Image:
    """Return a square picture of which the tiles lie in another order."""
    values = np.asarray(picture)
    count = len(values) // TILE
    tiles = values.reshape(count, TILE, count, TILE, 3).swapaxes(1, 2).reshape(-1, TILE, TILE, 3)
    mixed = tiles[np.random.default_rng(0).permutation(len(tiles))]
    return Image.fromarray(mixed.reshape(count, count, TILE, TILE, 3).swapaxes(1, 2).reshape(values.shape))


def _seen(model: Any, picture: Image.Image) -> tuple[Any, Any]:
    """Return the Gram matrices, and the activations of content."""
    values = to_float(picture)
    return model.grams(values), model.contents(values)[0][0]


def _relative(found: Any, wanted: Any) -> float:
    return float(np.sum((found - wanted) ** 2) / np.sum(wanted**2))


def _distance(found: Any, wanted: Any) -> float:
    return float(np.mean((found - wanted) ** 2) / np.var(wanted))


def draw_iterations(studio: Studio) -> None:
    """One run from coarse to fine, by the previews that a job shows."""
    previews, seconds = painted(studio.load(MODEL), Optimization(steps=STEPS, preview_every=EVERY))
    shown = {step: previews[step // EVERY - 1].resize(CELL, Image.Resampling.BICUBIC) for step in SHOWN}
    sheet = [(f"step {step}, at {side_at(step)} pixels", picture) for step, picture in shown.items()]
    inputs = [("the photo, step 0", photo(SIDE)), ("the style", painting())]
    studio.save("iterations.jpg", lay_out([*inputs, *sheet], 4, cell=CELL))
    print(f"{STEPS} steps at up to {SIDE} pixels: {seconds:.1f} s")


def draw_weights(studio: Studio) -> None:
    """The same run with the content's loss weighing more and less."""
    model, sheet = studio.load(MODEL), []
    for weight in CONTENT_WEIGHTS:
        previews, _ = painted(
            model, Optimization(steps=STEPS, preview_every=STEPS // 2, content_weight=weight)
        )
        sheet.append((f"content_weight {weight:g}", previews[-1]))
    studio.save("weights.jpg", lay_out(sheet, 5, cell=(256, 171)))


def side_at(step: int) -> int:
    """Return the longer side, in pixels, at which a step is done."""
    sides = working_sides(SIDE)
    ends = np.cumsum(divide_steps(STEPS, len(sides)))
    return sides[int(np.searchsorted(ends, step))]


def painted(model: Any, options: Optimization) -> tuple[list[Image.Image], float]:
    """Paint the photo as a worker does; return the previews, in order, and the seconds."""
    previews: list[Image.Image] = []

    def put(_: str, data: bytes) -> None:
        previews.append(Image.open(io.BytesIO(data)))

    job = SimpleNamespace(is_urgent=False, is_current=True, key=("job", 1))
    stages: Any = SimpleNamespace(attempt=job, advance=lambda *_: None)
    objects: Any = SimpleNamespace(put=put)
    resources = Resources(objects, Batcher(1), StyleCache(), ImageLimits())
    spec = StylizeSpec.model_construct(optimize=options)  # type: ignore[call-arg]
    began = time.perf_counter()
    styles = [(to_float(painting()), 1.0)]
    made = paint(spec, to_float(photo(SIDE)), styles, model=model, resources=resources, stages=stages)
    seconds = time.perf_counter() - began
    return [*previews[:-1], to_image(made)], seconds
