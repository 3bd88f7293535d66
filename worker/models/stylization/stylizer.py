"""Runs a stylization network of TensorFlow Hub's call convention on one picture at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from worker.models.style_network.weights import TransformerWeights
from worker.models.style_network.weights_file import read_transformer

if TYPE_CHECKING:
    from worker.models.style_network.large_pictures import LargePainter, OnStep, Run

Picture = npt.NDArray[np.float32]  # (h, w, 3), 0..1
Vector = npt.NDArray[np.float32]  # (k,)
Pixels = npt.NDArray[np.uint8]  # (h, w, 3)

# Where the first layer has more numbers than this, memory counts for more than time: the whole network would
# take over 700 MB. It is fixed, and not a setting, because the two ways differ in the last bit of some bytes,
# and a job's bytes are promised to be the same everywhere.
LARGE_VALUES = 36_000_000

_WARM_SIDE = 64  # pixels; the graph is the same for all sizes
_GRID = 4  # the hub's networks give sides that are multiples of this


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """What a network knows of a style; made by `prepare_style` or `prepare_builtin`, for many contents."""

    vector: Vector | None  # where the network has `transform`; of a built-in style: the weights of all
    image: Picture | None  # else the style picture itself, at the network's size


class Stylizer:
    """A loaded stylization network; safe to call from several threads."""

    def __init__(
        self, card: ModelCard, digest: str, module: Any, transformer: TransformerWeights | None = None
    ) -> None:
        """The transformer's layers, where they are known, are what `paint_large` works with."""
        if not callable(module):
            raise ModelCorrupt(f"the SavedModel of {card.name} cannot be called as module(content, style)")
        self.card = card
        self.digest = digest  # of the stored files; names the exact weights
        self._module = module
        self._transformer = transformer
        self._looks = not card.builtin_styles  # else it takes weights of its styles, and no pictures of any
        self.has_vectors = hasattr(module, "transform") and (
            hasattr(module, "predict_style") or not self._looks
        )
        if not (self._looks or self.has_vectors):
            raise ModelCorrupt(f"the SavedModel of {card.name} has no transform(content, style_weights)")

    @classmethod
    def load(cls, card: ModelCard, folder: Path) -> Stylizer:
        """Load the network from its folder in the model store, which has checked it."""
        return cls(card, read_manifest(folder).digest, load_module(folder), read_transformer(folder))

    def warm_up(self) -> None:
        """Run each function once, so that the first job does not pay for TensorFlow's first call."""
        blank = np.full((_WARM_SIDE, _WARM_SIDE, 3), 0.5, np.float32)
        self.stylize(blank, self.prepare_style(blank) if self._looks else self.prepare_builtin(0))

    def prepare_style(self, style_image: Picture) -> Style:
        """Look at a style picture of any size: it is resized, not cropped, to the card's square.

        InvalidRequest where the network has built-in styles only.
        """
        if not self._looks:
            count = len(self.card.builtin_styles)
            text = f"model {self.card.name} has {count} styles of its own; give a number instead of a picture"
            raise InvalidRequest.of_field("/styles", text)
        square = self._to_style_side(style_image)
        if not self.has_vectors:
            return Style(None, square)
        vector = _run(self._module.predict_style, square[None])
        return Style(np.asarray(vector[0]), None)

    def prepare_builtin(self, number: int) -> Style:
        """Return one of the styles that `card.builtin_styles` names; InvalidRequest where there is none."""
        count = len(self.card.builtin_styles)
        if not 0 <= number < count:
            text = f"model {self.card.name} has {count} built-in styles, numbered from 0; {number} is none"
            raise InvalidRequest.of_field("/styles", text)
        return Style(np.eye(count, dtype=np.float32)[number], None)

    def blend(self, styles: Sequence[tuple[Style, float]]) -> Style:
        """Mix styles by weight (any positive scale); InvalidRequest where this network cannot mix."""
        if len(styles) == 1:
            return styles[0][0]
        vectors = [style.vector for style, _ in styles if style.vector is not None]
        if len(vectors) < len(styles):
            raise InvalidRequest.of_field("/styles", f"model {self.card.name} cannot mix styles; give one")
        weights = np.asarray([weight for _, weight in styles], np.float64)
        if not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
            raise InvalidRequest.of_field("/styles", "weights must not be negative, nor all be 0")
        return Style(np.average(vectors, axis=0, weights=weights).astype(np.float32), None)

    def stylize(self, content: Picture, style: Style) -> Picture:
        """Repaint a picture of at least `card.min_side`; the result has exactly its height and width."""
        height, width = content.shape[:2]
        self._check_sides(height, width)
        padded = _reflect_to_grid(content)[None]
        output = self._call(padded, style)
        picture = _to_size(output[0], *padded.shape[1:3])[:height, :width]
        return np.clip(picture, 0.0, 1.0)

    def is_large(self, height: int, width: int) -> bool:
        """Whether a content of this size is one for `paint_large`; never, where the layers are not known."""
        if self._transformer is None:
            return False
        channels = int(self._transformer.contract[0].kernel.shape[-1])
        return height * width * channels > LARGE_VALUES

    def paint_large(
        self, content: Pixels, style: Style, on_step: OnStep, run: Run = lambda step: step()
    ) -> Pixels:
        """Repaint a picture of 8-bit pixels in bounded memory, step by step; see `LargePainter.paint`.

        It gives what `stylize` does but for rounding. `on_step` may raise to end it.
        """
        assert style.vector is not None, "networks whose layers are known take vectors"
        self._check_sides(*content.shape[:2])
        with _memory_errors(content.shape):
            return self._large_painter.paint(content, style.vector, on_step, run)

    @cached_property
    def _large_painter(self) -> LargePainter:
        from worker.models.style_network.large_pictures import LargePainter

        assert self._transformer is not None, "is_large() said so"
        return LargePainter(self._transformer)

    def _check_sides(self, height: int, width: int) -> None:
        least = self.card.min_side
        if min(height, width) < least:
            raise ImageTooSmall(f"{width} x {height} pixels; {self.card.name} takes {least} or more")

    def _call(self, contents: Picture, style: Style) -> Any:
        if style.vector is not None:
            return _run(self._module.transform, contents, style.vector[None])
        assert style.image is not None, "a style has a vector or a picture"
        return _first(_run(self._module, contents, style.image[None]))

    def _to_style_side(self, image: Picture) -> Picture:
        side = self.card.style_side
        return image if side is None else _to_size(image, side, side)


def _run(function: Any, *arrays: Picture) -> Any:
    import tensorflow as tf

    with _memory_errors(arrays[0].shape):
        return function(*(tf.constant(array) for array in arrays))


@contextmanager
def _memory_errors(shape: tuple[int, ...]) -> Iterator[None]:
    import tensorflow as tf

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise OutOfMemory(f"there was no memory to paint a picture of shape {shape}") from error


def _first(outputs: Any) -> Any:
    """Return the picture out of what the hub's modules give: a list of one tensor, or a dict of one."""
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
