"""What jobs are expected to make: files, pixels, bytes. It is known before a job is accepted."""

from dataclasses import dataclass
from typing import Self

from shared.cards.card import ModelCard
from shared.setting_groups import BLOCK
from shared.specs.base import JobSpec
from shared.specs.parts import PictureSize

_MILLI_BYTES_A_PIXEL = {"png": 1500, "jpeg": 300, "webp": 250, "gif": 600}  # of a painted photo, about


@dataclass(frozen=True, slots=True)
class Results:
    """What some jobs make, about."""

    pictures: int = 0  # files
    pixels: int = 0
    bytes: int = 0

    def __add__(self, other: "Results") -> "Results":
        return Results(self.pictures + other.pictures, self.pixels + other.pixels, self.bytes + other.bytes)

    @classmethod
    def of(cls, spec: JobSpec, card: ModelCard, content: PictureSize | None) -> Self:
        """Return what a resolved job makes; `content` is the size of its content picture."""
        pictures, finished = spec.made(card, content)
        pixels = finished * spec.output.factor**2
        written = pixels * _MILLI_BYTES_A_PIXEL[spec.output.format] // 1000
        return cls(pictures, pixels, written + pictures * BLOCK)
