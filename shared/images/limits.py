"""How large pictures may be: what an operator lets clients send, and the checks of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shared.errors import ImageTooLarge, ImageTooSmall, TooManyFrames
from shared.images.structure import Unreadable

if TYPE_CHECKING:
    from shared.setting_groups import Limits

FORMATS = frozenset({"avif", "bmp", "gif", "heic", "jpeg", "png", "tiff", "webp"})
_LAST_BLOCKS = 2 * 16 * 16  # pixels, which a JPEG loses with its last few bytes
_MOST_OF_SMALL = 50  # percent


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What an operator lets clients send."""

    max_bytes: int = 32 * 1024 * 1024
    max_pixels: int = 64_000_000
    max_side: int = 16_384  # pixels
    min_side: int = 8  # pixels
    max_frames: int = 1  # of an animation, where they are used
    max_missing_percent: float = 10  # of the pixels of a file that ends too early
    formats: frozenset[str] = FORMATS

    @classmethod
    def of(cls, limits: "Limits") -> Self:
        """Return what the settings allow of one picture: API and worker keep the same limits."""
        return cls(
            max_bytes=limits.max_body_bytes,
            max_pixels=limits.max_pixels,
            max_side=limits.max_side,
            min_side=limits.min_side,
            max_frames=limits.max_frames,
            max_missing_percent=limits.max_missing_percent,
        )


def check_size(size: tuple[int, int], limits: ImageLimits, field: str) -> None:
    """Raise ImageTooLarge or ImageTooSmall where a picture of a size, in pixels, is not allowed."""
    shown = f"The image is {size[0]} x {size[1]} pixels"
    if max(size) > limits.max_side:
        raise ImageTooLarge.of_field(field, f"{shown}; a side may have at most {limits.max_side} (max_side).")
    if size[0] * size[1] > limits.max_pixels:
        detail = f"{shown}, {size[0] * size[1]} in all; at most {limits.max_pixels} are allowed (max_pixels)."
        raise ImageTooLarge.of_field(field, detail)
    if min(size) < limits.min_side:
        raise ImageTooSmall.of_field(field, f"{shown}; a side needs at least {limits.min_side} (min_side).")


def check_frames(size: tuple[int, int], frames: int, limits: ImageLimits, *, field: str = "") -> None:
    """Raise TooManyFrames, or ImageTooLarge, where not all frames of an animation can be used."""
    if frames > limits.max_frames:
        detail = (
            f"The animation has more than {limits.max_frames} frames, the most allowed (max_frames) where "
            "the result is animated too; ask for a png or jpeg result to use its first frame."
        )
        raise TooManyFrames.of_field(field, detail)
    pixels = size[0] * size[1] * frames
    if pixels > limits.max_pixels:
        detail = (
            f"The animation has {frames} frames of {size[0]} x {size[1]} pixels, "
            f"{pixels} in all; at most {limits.max_pixels} are allowed (max_pixels)."
        )
        raise ImageTooLarge.of_field(field, detail)


def check_missing(share: float, size: tuple[int, int], limits: ImageLimits) -> None:
    """Raise Unreadable where too large a share of the pixels, 0 to 1, is missing.

    Of a small picture the last bytes are a large share.
    """
    most = limits.max_missing_percent
    last_bytes = min(_MOST_OF_SMALL, _LAST_BLOCKS * 100 / (size[0] * size[1])) if most else 0
    if share * 100 > max(most, last_bytes):
        raise Unreadable(
            f"it ends too early: about {max(1, round(share * 100))} % of its pixels are missing, and at most "
            f"{most:g} % may be (max_missing_percent)"
        )
