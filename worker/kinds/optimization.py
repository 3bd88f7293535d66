"""Paints by optimization: from coarse to fine, step by step, with previews on the way."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from shared.errors import StorageUnavailable
from shared.specs.parts import Optimization, WeightedStyle
from shared.specs.stylize import StylizeSpec
from shared.specs.working_size import fit
from shared.storage.base import preview_key
from worker.codec.decode import InputFile
from worker.codec.encode import encode
from worker.codec.pixels import resize, to_float, to_uint8
from worker.execution.attempt import Stages
from worker.execution.resources import Resources
from worker.kinds.optimizers import Adam, Descent, LimitedMemoryBFGS
from worker.kinds.styles import Result, fitted_style, on_runner
from worker.models.nst.target import LossWeights, StyleTarget, blend_grams

if TYPE_CHECKING:  # importing it starts TensorFlow
    from worker.models.nst.style_optimizer import StyleOptimizer

Floats = npt.NDArray[np.float32]  # (h, w, 3) in 0..1

COARSEST_SIDE = 96  # pixels; below it the networks see too little of a picture
PREVIEW_SIDE, PREVIEW_QUALITY = 512, 80  # pixels
ADAM_RATE = 0.04  # about the most that a color changes in one step


def paint(
    spec: StylizeSpec,
    content: Floats,
    styles: Sequence[tuple[Floats, float]],
    *,
    model: "StyleOptimizer",
    resources: Resources,
    stages: Stages,
    frame: int = 0,
    frames: int = 1,
) -> Floats:
    """Return the content painted in the mixed manner of the styles, which have weights of any scale.

    It begins with the content itself and draws nothing by chance: the same arguments give the same picture.
    Progress is reported in steps, over all `frames` where this is number `frame` of a film.
    Raises JobCanceled or LeaseLost within a step of when the job must stop, and OutOfMemory.
    """
    options = spec.optimize or Optimization()
    progress = _Progress(
        options, stages, resources, first=frame * options.steps, total=frames * options.steps
    )
    return _Painting(options, model, resources, progress).run(content, styles)


def style_pictures(
    styles: Sequence[WeightedStyle], files: Mapping[str, InputFile], resources: Resources, *, max_side: int
) -> list[tuple[Floats, float]]:
    """Decode a job's style pictures, none larger than the network ever looks at, with their weights."""
    pictures = []
    for index, style in enumerate(styles):
        assert style.image is not None, "names of stored styles become images when the job is accepted"
        small = fitted_style(files[style.image], resources.limits, index, max_side)
        pictures.append((to_float(small), style.weight))
    return pictures


def working_sides(side: int) -> list[int]:
    """Return the longest sides from coarse to fine, each half the next; the last one is the side itself."""
    sides = [side]
    while sides[0] >= 2 * COARSEST_SIDE:
        sides.insert(0, sides[0] // 2)
    return sides


def divide_steps(steps: int, parts: int) -> list[int]:
    """Share the steps out: the finer the size, the fewer, for it only adds detail and costs the most."""
    ends = [round(steps * part * (2 * parts + 1 - part) / (parts * (parts + 1))) for part in range(parts + 1)]
    return [end - begin for begin, end in pairwise(ends)]


class _Progress:
    """Counts steps, stores previews, and reports both."""

    def __init__(
        self, options: Optimization, stages: Stages, resources: Resources, *, first: int, total: int
    ) -> None:
        self.attempt = stages.attempt
        self.done = first
        self._stages, self._total, self._objects = stages, total, resources.objects
        self._every = options.preview_every

    def advance(self, picture: Floats) -> None:
        """Count one step; raise when the job must stop."""
        self.done += 1
        due = self._every > 0 and self.done % self._every == 0
        self._stages.advance(self.done, self._total, self._store(picture) if due else None)

    def _store(self, picture: Floats) -> str | None:
        pixels = to_uint8(picture)
        small = resize(pixels, *fit(pixels.shape[1], pixels.shape[0], PREVIEW_SIDE))
        key = preview_key(*self.attempt.key, self.done)
        self.attempt.has_stored = True
        try:
            self._objects.put(key, encode(small, format="jpeg", quality=PREVIEW_QUALITY).data)
        except StorageUnavailable:
            return None  # a preview may be missing; the result is stored, or the attempt repeated
        return key


class _Painting:
    """One picture's way from coarse to fine."""

    def __init__(
        self, options: Optimization, model: "StyleOptimizer", resources: Resources, progress: _Progress
    ) -> None:
        self._options, self._model, self._resources, self._progress = options, model, resources, progress

    def run(self, content: Floats, styles: Sequence[tuple[Floats, float]]) -> Floats:
        """Return the finished picture, of the content's size."""
        sides = working_sides(max(content.shape[:2]))
        picture = scaled(content, sides[0])
        for side, steps in zip(sides, divide_steps(self._options.steps, len(sides)), strict=True):
            finer = scaled(content, side)
            # Details come back by the content's own pull: adding them here made a photo with a tint.
            begin = stretched(picture, *finer.shape[:2])
            picture = self._refine(begin, self._target(finer, side, styles), steps)
        return picture

    def _target(self, content: Floats, side: int, styles: Sequence[tuple[Floats, float]]) -> StyleTarget:
        pictures = [(scaled(picture, side), weight) for picture, weight in styles]
        grams = [(self._call(partial(self._model.grams, picture)), weight) for picture, weight in pictures]
        return StyleTarget(blend_grams(grams), self._call(partial(self._model.contents, content)))

    def _refine(self, begin: Floats, target: StyleTarget, steps: int) -> Floats:
        descent = self._descent(begin, target, steps)
        for _ in range(steps):
            descent.step()
            self._progress.advance(descent.point)
        return np.clip(descent.point, 0.0, 1.0)

    def _descent(self, begin: Floats, target: StyleTarget, steps: int) -> Descent:
        if self._options.optimizer == "lbfgs":  # it needs the same function all the time: one place
            return LimitedMemoryBFGS(begin, lambda point: self._evaluate(point, target, turn=0))
        return Adam(
            begin,
            lambda point: self._evaluate(point, target, turn=self._progress.done),
            steps=steps,
            rate=ADAM_RATE,
            box=(0.0, 1.0),
        )

    def _evaluate(self, point: Floats, target: StyleTarget, *, turn: int) -> tuple[float, Floats]:
        options = self._options
        weights = LossWeights(options.style_weight, options.content_weight, options.variation_weight)
        found: tuple[float, Floats] = self._call(
            partial(self._model.evaluate, point, target, weights=weights, turn=turn)
        )
        return found

    def _call(self, step: Callable[[], Result]) -> Result:
        """Hold a runner for one evaluation and no longer, so that other jobs come in between."""
        return on_runner(self._resources, self._progress.attempt, self._model, step)


def scaled(picture: Floats, side: int) -> Floats:
    """Bring a picture's longest side down to `side`, its shape kept; it never grows."""
    width, height = fit(picture.shape[1], picture.shape[0], side)
    return stretched(picture, height, width)


def stretched(picture: Floats, height: int, width: int) -> Floats:
    """Resize by Lanczos in floats, clipped to 0..1."""
    if picture.shape[:2] == (height, width):
        return picture
    planes = [
        Image.fromarray(np.ascontiguousarray(plane)).resize((width, height), Image.Resampling.LANCZOS)
        for plane in np.moveaxis(picture, 2, 0)
    ]
    return np.clip(np.stack([np.asarray(plane, np.float32) for plane in planes], axis=2), 0.0, 1.0)
