import itertools
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from worker.codec import png
from worker.codec.png import write_png

SIZES = [(1, 1), (1, 9), (9, 1), (28, 28), (203, 331)]


def picture(height: int, width: int, samples: int) -> np.ndarray:
    """Return smooth ground with noise on it, so that each of the filter's three choices is taken."""
    random = np.random.default_rng(height * width * samples)
    ramp = np.add.outer(np.arange(height), np.arange(width))[..., None] * np.arange(1, samples + 1)
    return (ramp + random.integers(0, 40, (height, width, samples))).astype(np.uint8)


def read(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        image.load()
        pixels = np.asarray(image)
    return pixels.reshape(*pixels.shape[:2], -1)


@pytest.mark.parametrize(("size", "samples"), list(itertools.product(SIZES, [1, 2, 3, 4])))
def test_every_pixel_comes_back(size: tuple[int, int], samples: int) -> None:
    pixels = picture(*size, samples)
    np.testing.assert_array_equal(read(write_png(pixels, {})), pixels)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = picture(50, 40, 3)
    whole = write_png(pixels, {})
    monkeypatch.setattr(png, "_BLOCK_BYTES", 40 * 3 * 7)  # the last block is shorter than the others
    assert write_png(pixels, {}) == whole


def test_pixels_may_lie_anyhow_in_memory() -> None:
    pixels = picture(40, 60, 3)
    np.testing.assert_array_equal(read(write_png(pixels[::2, ::-3], {})), pixels[::2, ::-3])


def test_texts_come_back_and_stand_in_the_order_of_their_keys() -> None:
    texts = {"b": "zwei", "a": "größer 日"}
    data = write_png(picture(3, 3, 1), texts)
    with Image.open(BytesIO(data)) as image:
        assert dict(image.info) == texts
        assert list(image.info) == ["a", "b"]


def test_the_filter_is_what_the_standard_says() -> None:
    """Every row says that it went through Paeth's filter, and holds what differs from that guess."""
    pixels = picture(20, 10, 3).astype(int)
    data = write_png(pixels.astype(np.uint8), {})
    start = data.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", data[start - 8 : start - 4])
    rows = np.frombuffer(zlib.decompress(data[start : start + length]), np.uint8).reshape(20, 31)
    assert set(rows[:, 0]) == {4}
    padded = np.pad(pixels, [(1, 0), (1, 0), (0, 0)])
    for y, x, c in itertools.product(range(20), range(10), range(3)):
        left, up, corner = padded[y + 1, x, c], padded[y, x + 1, c], padded[y, x, c]
        guess = min([left, up, corner], key=lambda value: abs(left + up - corner - value))
        assert rows[y, 1 + x * 3 + c] == (pixels[y, x, c] - guess) % 256


def test_run_lengths_keep_flat_pictures_small() -> None:
    assert len(write_png(np.full((500, 500, 3), 7, np.uint8), {})) < 5_000


@pytest.mark.parametrize(("size", "samples"), [((1, 1), 1), ((28, 28), 1), ((400, 500), 3), ((700, 900), 4)])
def test_the_compressed_rows_are_zlibs_own_run_lengths(size: tuple[int, int], samples: int) -> None:
    """Files are the same as those of earlier versions, which compressed by zlib."""
    data = write_png(picture(*size, samples), {})
    start = data.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", data[start - 8 : start - 4])
    written = data[start : start + length]
    packer = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    assert written == packer.compress(zlib.decompress(written)) + packer.flush()
