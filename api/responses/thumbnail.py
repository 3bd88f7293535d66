"""A small picture of a result, for lists of many: WebP, which keeps what is transparent."""

import io

from PIL import Image

from api.errors import PreviewUnavailable
from shared.jobs.job import StoredOutput
from shared.storage.base import ObjectStore, read_checked

MEDIA_TYPE = "image/webp"
MAX_PIXELS = 100_000_000  # of a result that is decoded for it: 400 MB
MAX_BYTES = 64 * 1024 * 1024
QUALITY = 80
_SCALED = ("L", "RGB", "RGBA")  # modes that can be scaled as they are


def thumbnail(output: StoredOutput, side: int, objects: ObjectStore) -> bytes:
    """Return a WebP file of a result whose longest side has `side` pixels, or fewer where the result has.

    Raises PreviewUnavailable for a result that is too large to be decoded here, or cannot be decoded, and
    ObjectNotFound.
    """
    if output.width * output.height > MAX_PIXELS or output.bytes > MAX_BYTES:
        raise PreviewUnavailable("the picture is too large to be shown small")
    data = io.BytesIO()
    try:
        scaled_down(read_checked(objects, output.key, output.sha256), side).save(
            data, "WEBP", quality=QUALITY, method=2
        )
    except OSError as error:
        raise PreviewUnavailable("the picture cannot be shown small") from error
    return data.getvalue()


def scaled_down(data: bytes, side: int) -> Image.Image:
    """Return a picture's first frame, in L, RGB or RGBA, with no side longer than `side`; raise OSError."""
    with Image.open(io.BytesIO(data)) as picture:
        picture.draft("RGB", (side, side))  # JPEG: decodes at a fraction of the size
        small = picture if picture.mode in _SCALED else picture.convert(_mode(picture))
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        return small.copy()


def _mode(picture: Image.Image) -> str:
    return "RGBA" if picture.has_transparency_data else "RGB"
