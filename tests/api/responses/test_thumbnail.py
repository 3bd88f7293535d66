"""Small pictures of results."""

import io

import pytest
from PIL import Image

from api.errors import PreviewUnavailable
from api.responses.thumbnail import MAX_PIXELS, thumbnail
from shared.identifiers import sha256
from shared.jobs.job import StoredOutput
from shared.storage.base import ObjectStore


def stored(objects: ObjectStore, data: bytes, *, width: int = 100, height: int = 100) -> StoredOutput:
    objects.put("a", data)
    return StoredOutput("a", "image/png", width, height, len(data), sha256(data))


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    data = io.BytesIO()
    picture.save(data, kind)
    return data.getvalue()


@pytest.mark.parametrize(("size", "small"), [((640, 320), (256, 128)), ((28, 28), (28, 28))])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_the_shape_stays_and_nothing_is_enlarged(
    objects: ObjectStore, kind: str, size: tuple[int, int], small: tuple[int, int]
) -> None:
    output = stored(objects, encoded(Image.new("RGB", size, (255, 0, 0)), kind))
    with Image.open(io.BytesIO(thumbnail(output, 256, objects))) as made:
        assert (made.format, made.size) == ("WEBP", small)
        red, green, blue = made.convert("RGB").getpixel((10, 10))  # type: ignore[misc]
    assert red > 240 > 15 > max(green, blue)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_stays_so(objects: ObjectStore, mode: str) -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0)).convert(mode)
    output = stored(objects, encoded(clear))
    with Image.open(io.BytesIO(thumbnail(output, 32, objects))) as made:
        assert made.getchannel("A").getextrema() == (0, 0)


def test_a_picture_that_is_too_large_or_broken_has_none(objects: ObjectStore) -> None:
    broken = stored(objects, b"no picture")
    with pytest.raises(PreviewUnavailable, match="cannot be shown"):
        thumbnail(broken, 64, objects)
    large = stored(objects, encoded(Image.new("L", (1, 1))), width=MAX_PIXELS, height=2)
    with pytest.raises(PreviewUnavailable, match="too large"):
        thumbnail(large, 64, objects)
