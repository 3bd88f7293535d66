"""Animated files: GIF, WebP and PNG to frames, and frames to GIF and WebP."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.images.limits import ImageLimits, check_frames
from shared.images.probe import ImageInfo, open_image, refusing
from worker.codec.decode import InputFile, bytes_of, current_frame
from worker.codec.encode import WEBP, EncodedImage, check_side
from worker.codec.gif import write_gif
from worker.codec.metadata import gif_block, xmp_packet

AnimationFormat = Literal["gif", "webp"]

_TOO_FAST_MILLISECONDS = 10  # browsers take so short a time for a mistake
_USUAL_MILLISECONDS = 100  # for which browsers show such a frame


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of an animation as a viewer shows it, with the frames before it where they show through."""

    rgb: NDArray[np.uint8]  # (height, width, 3); may be read-only
    alpha: NDArray[np.uint8] | None  # (height, width); None where every pixel is opaque
    milliseconds: int  # for which it is shown; 0 for a picture that is no animation


def decode_frames(file: InputFile, limits: ImageLimits, *, field: str = "") -> tuple[Frame, ...]:
    """Decode every frame of an animated GIF, WebP or PNG, all of one size; a still picture is one frame.

    Frames are turned, converted to sRGB and timed as browsers do. Raises what `decode` raises, TooManyFrames,
    and ImageTooLarge where all frames together have more pixels than `limits.max_pixels`.
    """
    image, info = open_image(bytes_of(file), limits, field=field)
    check_frames((info.width, info.height), info.frames, limits, field=field)
    with refusing(info.format, field):
        return tuple(_read(image, info))


def _read(image: Image.Image, info: ImageInfo) -> Iterator[Frame]:
    # A PNG may show another picture where animations are not understood; Pillow puts it before the frames.
    first = 1 if getattr(image, "default_image", False) else 0
    for number in range(first, first + info.frames):
        image.seek(number)
        decoded = current_frame(image, info)
        shape = (slice(info.height), slice(info.width))  # a GIF's later frames may reach beyond its canvas
        alpha = None if decoded.alpha is None else decoded.alpha[shape]
        yield Frame(decoded.rgb[shape], alpha, _milliseconds(image) if info.frames > 1 else 0)


def _milliseconds(image: Image.Image) -> int:
    stated = round(image.info.get("duration", 0))
    return stated if stated > _TOO_FAST_MILLISECONDS else _USUAL_MILLISECONDS


def encode_animation(
    frames: Sequence[Frame],
    *,
    format: AnimationFormat,
    quality: int,
    loop: bool,
    properties: Mapping[str, str] | None = None,
) -> EncodedImage:
    """Encode frames of one size, shown forever or once; equal frames and settings give equal bytes.

    `quality`, 1 to 100, counts for WebP. A GIF has one palette for all frames, so that still parts stay
    still, shows alpha as all or nothing, and times its frames in steps of 10 ms without drifting.
    `properties` are written as XMP, as `encode` does.
    """
    if len({frame.rgb.shape for frame in frames}) != 1:
        raise ValueError("an animation needs frames of one size")
    height, width = frames[0].rgb.shape[:2]
    check_side((width, height), format)
    xmp = xmp_packet(properties or {})
    if format == "gif":
        colors, alphas = [frame.rgb for frame in frames], [frame.alpha for frame in frames]
        times = [frame.milliseconds for frame in frames]
        data = write_gif(colors, alphas, times, loop=loop, extra=gif_block(xmp))
    else:
        data = _write_webp(frames, quality, loop, xmp)
    return EncodedImage(data, f"image/{format}", width, height)


def _write_webp(frames: Sequence[Frame], quality: int, loop: bool, xmp: bytes) -> bytes:
    first, *others = [_to_image(frame) for frame in frames]
    buffer = BytesIO()
    first.save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=others,
        duration=[frame.milliseconds for frame in frames],
        loop=0 if loop else 1,
        quality=quality,
        xmp=xmp,
        **WEBP,
    )
    return buffer.getvalue()


def _to_image(frame: Frame) -> Image.Image:
    image = Image.fromarray(frame.rgb)
    if frame.alpha is not None:
        image.putalpha(Image.fromarray(frame.alpha))
    return image
