"""How much work a job is, as far as its specification and its pictures tell: what its time is learned by."""

import math
from typing import NamedTuple

from shared.cards.card import ModelCard
from shared.specs.generate import GenerateSpec
from shared.specs.result_size import count_of, picture_size
from shared.specs.spec import JobSpec
from shared.specs.stylize import StylizeSpec, TransformSpec
from shared.specs.working_size import result_size, working_size

WRITTEN = 0.1  # what a pixel of the result costs beside one that the network makes: decoded, resized, encoded
STEPS_AN_OCTAVE = 2  # kinds of work differ by a factor of 1.4


class PictureSize(NamedTuple):
    """The size of a content picture."""

    width: int  # pixels
    height: int  # pixels
    frames: int = 1


def work_of(spec: JobSpec, card: ModelCard, content: PictureSize | None = None) -> str:
    """Return the kind of a resolved job's work: its model's name and how large it is, in half octaves.

    `content` is the size of its content picture. Where that is not known, neither is the size of the work.
    """
    units = _units(spec, card, content)
    return f"{card.name}:{round(STEPS_AN_OCTAVE * math.log2(units)) if units else ''}"


def parted(work: str) -> tuple[str, int | None]:
    """Return the model of a kind of work, and its size in half octaves; None where that is not known."""
    model, _, size = work.partition(":")
    return model, int(size) if size else None


def units_of(size: int) -> float:
    """Return how many pixels the network makes in work of a size in half octaves, or what costs as much."""
    return float(2 ** (size / STEPS_AN_OCTAVE))


def _units(spec: JobSpec, card: ModelCard, content: PictureSize | None) -> float:
    if isinstance(spec, GenerateSpec):
        return _generated(spec, card)
    if content is None:
        return 0.0
    width, height = result_size(spec, content[:2])
    written = WRITTEN * width * height
    if isinstance(spec, TransformSpec):
        return width * height + written * card.scale**2
    frames = content.frames if spec.takes_frames else 1
    return frames * (_painted(spec, card, content) + written)


def _generated(spec: GenerateSpec, card: ModelCard) -> float:
    if card.picture is None:
        return float(count_of(spec, card))
    width, height = picture_size(spec, card.picture)
    written = width * height
    return count_of(spec, card) * (written / spec.upscale.factor**2 + WRITTEN * written)


def _painted(spec: StylizeSpec, card: ModelCard, content: PictureSize) -> float:
    """Return the pixels of one frame that the network paints, again with every step."""
    if spec.strength == 0:
        return 0.0
    width, height = working_size(spec, card, content[:2])
    return width * height * (spec.optimize.steps if spec.optimize is not None else 1)
