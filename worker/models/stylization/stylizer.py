"""Runs a stylization network of TensorFlow Hub's call convention on one picture at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from shared.cards.card import ModelCard
from shared.errors import ImageTooSmall, InvalidRequest, ModelCorrupt, OutOfMemory
from worker.models.files.hub import load_module
from worker.models.files.manifest import read_manifest
from worker.models.numerics import own_numerics
from worker.models.runtime import memory_errors
from worker.models.style_network.weights import TransformerWeights, read_transformer

if TYPE_CHECKING:
    from worker.models.style_network.large_pictures import LargePainter, OnStep, Run

Picture = npt.NDArray[np.float32]  # (h, w, 3), 0..1
Vector = npt.NDArray[np.float32]  # (k,)
Pixels = npt.NDArray[np.uint8]  # (h, w, 3)

# Where the first layer has more numbers than this, memory counts for more than time: the whole network would
# take over 700 MB. It is fixed, and not a setting, because whole and in strips differ in the last bit of some
# bytes, and a job's bytes are promised to be the same everywhere.
LARGE_VALUES = 36_000_000

_SMALLER = 4  # part of a strip where there was no memory for a whole one
_WARM_SIDE = 64  # pixels; the graph is the same for all sizes
_GRID = 4  # the hub's networks give sides that are multiples of this


@dataclass(frozen=True, slots=True, eq=False)
class PreparedStyle:
    """A style as a network takes it, for many contents; see `prepare_style` and `prepare_builtin`."""

    vector: Vector | None  # where the network has `transform`; of a built-in style: the weights of all
    image: Picture | None  # else the style picture itself, at the network's size


class Stylizer:
    """A loaded stylization network; safe to call from several threads."""

    def __init__(
        self,
        card: ModelCard,
        digest: str,
        module: Any,
        transformer: TransformerWeights | None = None,
        *,
        is_fast: bool = False,
    ) -> None:
        """Without the transformer's layers there is no `paint_large`, and the network cannot be fast."""
        if not callable(module):
            raise ModelCorrupt(f"the SavedModel of {card.name} cannot be called as module(content, style)")
        self.card = card
        self.digest = digest  # of the stored files; names the exact weights
        self._module = module
        self._transformer = transformer
        self._is_fast = is_fast
        self._takes_pictures = not card.builtin_styles  # else it takes weights of its built-in styles
        predicts = hasattr(module, "predict_style") or not self._takes_pictures
        self.has_vectors = hasattr(module, "transform") and predicts
        if not (self._takes_pictures or self.has_vectors):
            raise ModelCorrupt(f"the SavedModel of {card.name} has no transform(content, style_weights)")

    @classmethod
    def load(cls, card: ModelCard, folder: Path) -> Stylizer:
        """Load the network from its folder in the model store, which has checked it."""
        return cls(card, read_manifest(folder).digest, load_module(folder), read_transformer(folder))

    @property
    def has_fast(self) -> bool:
        """Whether there is a form with bfloat16 numbers, and this process gains by it."""
        return self.card.fast and self._transformer is not None and own_numerics().has_fast

    @cached_property
    def fast(self) -> Stylizer:
        """The same network with bfloat16 numbers, in `stylize` and `stylize_together` alone.

        Its styles are those of this one, to the last bit.
        """
        return Stylizer(self.card, self.digest, self._module, self._transformer, is_fast=True)

    @cached_property
    def _transform(self) -> Any:
        if not self._is_fast:
            return self._module.transform
        from worker.models.style_network.fast import traced

        assert self._transformer is not None, "has_fast is false without"
        return traced(self._transformer, is_narrow=True)

    def warm_up(self) -> None:
        """Run each function once, so that the first job does not wait for TensorFlow's first call."""
        blank = np.full((_WARM_SIDE, _WARM_SIDE, 3), 0.5, np.float32)
        self.stylize(blank, self.prepare_style(blank) if self._takes_pictures else self.prepare_builtin(0))

    def prepare_style(self, style_image: Picture) -> PreparedStyle:
        """Prepare a style picture of any size: it is resized, not cropped, to the card's square.

        InvalidRequest where the network has built-in styles only.
        """
        if not self._takes_pictures:
            count = len(self.card.builtin_styles)
            text = f"model {self.card.name} has {count} styles of its own; give a number instead of a picture"
            raise InvalidRequest.of_field("/styles", text)
        square = self._to_style_side(style_image)
        if not self.has_vectors:
            return PreparedStyle(None, square)
        vector = _run(self._module.predict_style, square[None])
        return PreparedStyle(np.asarray(vector[0]), None)

    def prepare_builtin(self, number: int) -> PreparedStyle:
        """Return the style of this number in `card.builtin_styles`; InvalidRequest where there is none."""
        count = len(self.card.builtin_styles)
        if not 0 <= number < count:
            text = f"model {self.card.name} has {count} built-in styles, numbered from 0; {number} is none"
            raise InvalidRequest.of_field("/styles", text)
        return PreparedStyle(np.eye(count, dtype=np.float32)[number], None)

    def blend(self, styles: Sequence[tuple[PreparedStyle, float]]) -> PreparedStyle:
        """Mix styles by weight (any positive scale); InvalidRequest where this network cannot mix."""
        if len(styles) == 1:
            return styles[0][0]
        vectors = [style.vector for style, _ in styles if style.vector is not None]
        if len(vectors) < len(styles):
            raise InvalidRequest.of_field("/styles", f"model {self.card.name} cannot mix styles; give one")
        weights = np.asarray([weight for _, weight in styles], np.float64)
        if not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
            raise InvalidRequest.of_field("/styles", "weights must not be negative, nor all be 0")
        return PreparedStyle(np.average(vectors, axis=0, weights=weights).astype(np.float32), None)

    def stylize(self, content: Picture, style: PreparedStyle) -> Picture:
        """Repaint a picture of at least `card.min_side`; the result has exactly its height and width."""
        return self.stylize_together([content], [style])[0]

    @property
    def takes_several(self) -> bool:
        """Whether `stylize_together` is for more than one picture."""
        return self._transformer is not None

    def stylize_together(self, contents: Sequence[Picture], styles: Sequence[PreparedStyle]) -> list[Picture]:
        """Repaint pictures of one size, each in its own style, by one call of the network.

        Each result is that of `stylize`, to the last bit: the network norms and paints each picture alone.
        """
        height, width = contents[0].shape[:2]
        self._check_sides(height, width)
        padded = _in_one(list(map(_reflect_to_grid, contents)))
        outputs = np.asarray(self._call(padded, styles))  # the tensor's own memory
        pictures = (_to_size(output, *padded.shape[1:3])[:height, :width] for output in outputs)
        return [np.clip(picture, 0.0, 1.0) for picture in pictures]

    def is_large(self, height: int, width: int) -> bool:
        """Whether a content of this size is for `paint_large`; never where the layers are not known."""
        if self._transformer is None:
            return False
        channels = int(self._transformer.contract[0].kernel.shape[-1])
        return height * width * channels > LARGE_VALUES

    def paint_large(
        self,
        content: Pixels,
        style: PreparedStyle,
        on_step: OnStep,
        run: Run = lambda step: step(),
        *,
        smaller: bool = False,
    ) -> Pixels:
        """Repaint a picture of 8-bit pixels in bounded memory, step by step; see `LargePainter.paint`.

        The result is that of `stylize` except for rounding. `on_step` may raise to end it. In the `smaller`
        form strips have a quarter of the rows; OutOfMemory where the network's layers are not known.
        """
        if self._transformer is None:
            raise OutOfMemory(f"there was no memory, and {self.card.name} cannot paint in strips")
        assert style.vector is not None, "networks whose layers are known take vectors"
        self._check_sides(*content.shape[:2])
        with memory_errors(f"to paint a picture of shape {content.shape}"):
            painter = self._smaller_painter if smaller else self._large_painter
            return painter.paint(content, style.vector, on_step, run)

    @cached_property
    def _large_painter(self) -> LargePainter:
        return self._painter(1)

    @cached_property
    def _smaller_painter(self) -> LargePainter:
        return self._painter(_SMALLER)

    def _painter(self, part: int) -> LargePainter:
        from worker.models.style_network.large_pictures import STRIP_VALUES, LargePainter

        assert self._transformer is not None, "is_large() is false without"
        return LargePainter(self._transformer, STRIP_VALUES // part)

    def _check_sides(self, height: int, width: int) -> None:
        least = self.card.min_side
        if min(height, width) < least:
            raise ImageTooSmall(f"{width} x {height} pixels; {self.card.name} takes {least} or more")

    def _call(self, contents: Picture, styles: Sequence[PreparedStyle]) -> Any:
        vectors = [style.vector for style in styles if style.vector is not None]
        if vectors:
            return _run(self._transform, contents, _in_one(vectors))
        image = styles[0].image
        assert image is not None, "a style has a vector or a picture"
        return _first(_run(self._module, contents, image[None]))

    def _to_style_side(self, image: Picture) -> Picture:
        side = self.card.style_side
        return image if side is None else _to_size(image, side, side)


def _run(function: Any, *arrays: Picture) -> Any:
    import tensorflow as tf

    with memory_errors(f"to paint a picture of shape {arrays[0].shape}"):
        return function(*(tf.constant(array) for array in arrays))


def _in_one(arrays: Sequence[Picture]) -> Picture:
    """Return arrays of one shape as one; a single one is not copied."""
    return arrays[0][None] if len(arrays) == 1 else np.stack(arrays)


def _first(outputs: Any) -> Any:
    """Return the picture from the output of a hub module: a list or a dict of one tensor."""
    if isinstance(outputs, dict):
        return next(iter(outputs.values()))
    return outputs[0] if isinstance(outputs, (list, tuple)) else outputs


def _reflect_to_grid(picture: Picture) -> Picture:
    """Pad the lower and right edge, so that a network which rounds sides to the grid changes none."""
    missing = [(0, -side % _GRID) for side in picture.shape[:2]]
    return np.pad(picture, [*missing, (0, 0)], mode="reflect") if any(m for _, m in missing) else picture


def _to_size(picture: Any, height: int, width: int) -> Picture:
    import tensorflow as tf

    if tuple(picture.shape[:2]) == (height, width):
        return np.asarray(picture, np.float32)
    resized = tf.image.resize(tf.convert_to_tensor(picture), (height, width), antialias=True)
    return np.asarray(resized, np.float32)
