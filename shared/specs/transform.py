"""What a job may ask for of any other network from picture to picture."""

from collections.abc import Iterator
from typing import Literal

from shared.cards.card import ModelCard
from shared.specs.base import WRITTEN
from shared.specs.parts import PictureName, PictureSize, Size
from shared.specs.working_size import ContentSpec, result_size


class TransformSpec(ContentSpec):
    """The content picture, through a network from picture to picture."""

    type: Literal["transform"]
    content: PictureName
    size: Size = Size()

    def file_fields(self) -> Iterator[tuple[str, str]]:
        """Yield the pointer and the id of every file that the job reads."""
        yield "/content", self.content

    def work_units(self, card: ModelCard, content: PictureSize | None) -> float:
        """Return how much work a job is, in pixels that the network makes; 0.0 where not known."""
        if content is None:
            return 0.0
        width, height = result_size(self, content[:2])
        written = WRITTEN * width * height
        return width * height + written * card.scale**2

    def made(self, card: ModelCard, content: PictureSize | None) -> tuple[int, int]:
        """Return how many files a job makes, and their pixels together, 0 where not known."""
        if content is None:
            return 1, 0
        width, height = result_size(self, content[:2])
        return 1, width * height * card.scale**2

    def picture_size(self, card: ModelCard, content: PictureSize | None) -> PictureSize | None:
        """Return the size of the picture that a job makes; None where not known."""
        if content is None:
            return None
        width, height = result_size(self, content[:2])
        return PictureSize(width * card.scale, height * card.scale)
