"""A picture of HEIC or AVIF before it is decoded: only workers have decoders, all others know its header."""

from PIL import Image

from shared.images.structure import Container


class CodedStill(Image.Image):
    """Says mode and size, and has no pixels: `container` is what a decoder needs."""

    def __init__(self, container: Container) -> None:
        """Take the walk's result, which states the size."""
        super().__init__()
        left, top, right, bottom = container.crop or (0, 0, *(container.size or (0, 0)))
        self._mode, self._size = container.mode, (right - left, bottom - top)
        self.container = container
