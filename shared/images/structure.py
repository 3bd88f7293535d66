"""What the walks over image files have in common."""

from collections.abc import Callable
from dataclasses import dataclass

MAX_SKIPPED = 1_000_000  # segments or chunks of no use to the pixels; to skip them takes about half a second
MAX_PROFILE = 16 * 1024 * 1024  # bytes of a color profile; a JPEG can hold no larger one


def _nothing(thorough: bool) -> float:
    return 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """What the structure of an image file says before its header is parsed."""

    data: bytes  # the file without what its pixels do not need
    frames: int = 1  # counted no further than one more than allowed
    orientation: int = 1  # EXIF, 1 to 8
    size: tuple[int, int] | None = None  # the canvas, where Pillow would allocate it on opening
    mode: str = "RGB"  # Pillow's name of the pixel layout, where Pillow does not open the file
    crop: tuple[int, int, int, int] | None = None  # what is shown of the stored pixels; None for all of them
    profile: bytes | None = None  # the color profile, where it is not in `data`
    exif: bytes = b""  # where it is one block; of a TIFF the whole file
    xmp: bytes = b""
    is_truncated: bool = False  # whether the file ends before its end marker
    # Returns the share of the pixels, 0 to 1, that a truncated file lacks; call it once the size is known to
    # be allowed. Only where it may be thorough does it take as much memory as the whole picture.
    missing: Callable[[bool], float] = _nothing


class Unreadable(ValueError):
    """Raised where a file is damaged or built to waste time; the text is written for the client."""


class Unsupported(Unreadable):
    """Raised where a file is good, and of a kind that the service does not read."""


def parts_of(data: bytes) -> "Budget":
    """Return how many segments or chunks of a file may be looked at; honest ones are far larger."""
    return Budget(65_536 + len(data) // 256)


class Budget:
    """Counts down what a walk may still visit."""

    __slots__ = ("left",)

    def __init__(self, parts: int) -> None:
        self.left = parts

    def spend(self, parts: int = 1) -> None:
        """Take parts; raise Unreadable where none are left."""
        self.left -= parts
        if self.left < 0:
            raise Unreadable("it is made of too many parts: no program writes so many")
