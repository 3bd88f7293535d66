"""HEIC and AVIF: the primary picture is found, all else stays behind, hostile boxes are refused."""

import struct
import time

import pytest
from PIL import Image

from shared.errors import AtelierError, CorruptImage, ImageTooLarge, UnsupportedImage
from shared.images.container import walk
from shared.images.formats import sniff
from shared.images.heif.boxes import box, full_box
from shared.images.heif.rebuilt import rebuilt
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from tests.support.images import grids, phones, pictures

LIMITS = ImageLimits()
FORMATS = ("heic", "avif")
PROPERTIES = (b"meta", b"iprp", b"ipco")
NESTED = struct.pack(">I4s", 80_000, b"iprp")
ONES = b"\1" * 255
SECONDS = 5  # of the processor, for what takes milliseconds


def refusal(data: bytes) -> AtelierError:
    began = time.process_time()
    with pytest.raises(AtelierError) as caught:
        probe(data, LIMITS, field="/content")
    assert time.process_time() - began < SECONDS
    assert caught.value.errors[0].pointer == "/content"
    return caught.value


def stating(data: bytes, width: int, height: int) -> bytes:
    """Return a file that claims another size of its picture."""
    body = struct.pack(">II", width, height)
    return phones.edited(data, (*PROPERTIES, b"ispe"), lambda _: full_box(b"ispe", 0, 0, body))


def with_box(data: bytes, kind: bytes, *parts: bytes) -> bytes:
    """Return a file in which a box of `meta` is another one; none of the pixels moves."""
    return phones.edited(data, (b"meta", kind), lambda _: full_box(kind, 0, 0, *parts))


@pytest.mark.parametrize("format", FORMATS)
def test_a_phones_photo_is_described_from_its_boxes(format):
    info = probe(phones.photo(format), LIMITS)
    assert (info.format, info.media_type, info.mode) == (format, f"image/{format}", "RGB")
    assert (info.width, info.height, info.frames, info.orientation) == (160, 120, 1, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", FORMATS)
def test_boxes_turn_as_exif_does_elsewhere(format, orientation):
    info = probe(phones.oriented(orientation, format), LIMITS)
    assert (info.width, info.height, info.orientation) == (160, 120, orientation)


@pytest.mark.parametrize("format", FORMATS)
def test_the_copy_holds_the_picture_and_no_metadata(format):
    exif = Image.Exif()
    exif[0x010F] = "A maker of cameras"
    data = phones.photo(format, exif=exif.tobytes(), xmp=b"<x:xmpmeta>secret</x:xmpmeta>")
    assert b"A maker" in data
    assert b"secret" in data
    copy = walk(format, data, 1).data
    assert b"A maker" not in copy
    assert b"secret" not in copy
    assert sniff(copy) == format
    assert probe(copy, LIMITS) == probe(data, LIMITS)


def test_a_thumbnail_is_not_mistaken_for_the_picture():
    data = phones.photo(thumbnails=[64])
    assert data.count(b"hvc1") >= 2
    assert probe(data, LIMITS).width == 160
    assert len(walk("heic", data, 1).data) < len(data) - 400


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("size", [(80, 60), (320, 240), (8000, 8000), (40_000, 40_000), (161, 120)])
def test_a_header_of_another_size_than_the_pixels_is_refused(format, size):
    error = refusal(stating(phones.photo(format), *size))
    assert isinstance(error, CorruptImage)
    assert "another size than its header says" in error.detail


@pytest.mark.parametrize("format", FORMATS)
def test_limits_hold_before_anything_is_decoded(format):
    small = ImageLimits(max_pixels=160 * 120 - 1)
    with pytest.raises(ImageTooLarge):
        probe(phones.photo(format), small)
    with pytest.raises(ImageTooLarge):
        probe(grids.repeated(format, 80, 2, 2), small)


@pytest.mark.parametrize("format", FORMATS)
def test_more_pixels_than_allowed_of_tiles_are_refused(format):
    assert isinstance(refusal(grids.repeated(format, 640, 13, 13)), ImageTooLarge)


def tiles_of(rows: int, order: list[int], size: tuple[int, int], tile: int = 64) -> bytes:
    parts = [grids.coded(phones.still(Image.new("RGB", (tile, tile))), "heic") for _ in range(2)]
    return grids.of_parts("heic", parts, order, rows, size)


@pytest.mark.parametrize(
    ("rows", "order", "size"),
    [
        (1, [1, 2], (200, 64)),  # too few
        (1, [1, 2], (60, 64)),  # one too many
        (1, [1, 1], (128, 64)),  # the same one again
        (1, [1, 7], (128, 64)),  # one that is not there
        (1, [1, 3], (128, 64)),  # itself
    ],
)
def test_tiles_that_do_not_make_the_picture_are_refused(rows, order, size):
    assert refusal(tiles_of(rows, order, size)).code in ("corrupt_image", "unsupported_image_format")


def test_one_large_tile_of_a_small_picture_is_refused():
    assert isinstance(refusal(tiles_of(1, [1], (16, 16), tile=1032)), CorruptImage)


def test_tiles_of_different_sizes_are_refused():
    parts = [grids.coded(phones.photo("heic", side, 64), "heic") for side in (64, 128)]
    assert isinstance(refusal(grids.of_parts("heic", parts, [1, 2], 1, (128, 64))), CorruptImage)


@pytest.mark.parametrize("kind", [b"iovl", b"iden", b"jpeg", b"Exif", b"\xff\0\0\1"])
def test_pictures_of_other_makings_are_refused_by_name(kind):
    info = full_box(b"infe", 2, 0, struct.pack(">HH4sx", 1, 0, kind))
    error = refusal(with_box(phones.photo(), b"iinf", struct.pack(">H", 1), info))
    assert isinstance(error, UnsupportedImage)
    assert (f"({kind.decode('latin-1')})" in error.detail) == kind.isalnum()


def test_what_must_be_understood_and_is_not_is_refused_by_name():
    data = grids.tiled("avif", Image.fromarray(pictures.gradient(100, 80)), 64, (b"lsel", b"\0\0"))
    assert probe(data, LIMITS).width == 100
    at = data.index(b"ipma") + 12
    (tiles,) = struct.unpack_from(">I", data, at - 4)
    marked = bytearray(data)
    marked[data.index(b"mdat") - 4 - 2] |= 0x80  # the last property of the last item
    assert tiles == 5
    error = refusal(bytes(marked))
    assert isinstance(error, UnsupportedImage)
    assert "(lsel)" in error.detail


HOSTILE = {
    "no picture": lambda data: with_box(data, b"pitm", struct.pack(">H", 9)),
    "picture 0": lambda data: with_box(data, b"pitm", b"\0\0"),
    "no primary": lambda data: phones.edited(data, (b"meta", b"pitm"), lambda old: box(b"free", old[8:])),
    "four thousand million places": lambda data: with_box(data, b"iloc", b"\x44\0\xff\xff"),
    "all places at once": lambda data: with_box(
        data, b"iloc", struct.pack(">HHHHH", 0x4400, 1, 1, 0, 60_000), struct.pack(">II", 0, 0) * 60_000
    ),
    "a place behind the end": lambda data: with_box(
        data, b"iloc", struct.pack(">HHHHHII", 0x4400, 1, 1, 0, 1, 2**32 - 1, 100)
    ),
    "another file": lambda data: with_box(data, b"iloc", struct.pack(">HHHHHII", 0x4400, 1, 1, 1, 1, 0, 100)),
    "numbers of three bytes": lambda data: with_box(data, b"iloc", b"\x33\0\0\1" + bytes(40)),
    "many associations": lambda data: phones.edited(
        data, (*PROPERTIES[:2], b"ipma"), lambda _: full_box(b"ipma", 0, 0, b"\xff" * 4 + b"\0\1\xff", ONES)
    ),
    "no properties": lambda data: phones.edited(data, (b"meta", b"iprp"), lambda _: box(b"free")),
    "a box of no size": lambda data: data + struct.pack(">I4s", 4, b"free"),
    "an endless box first": lambda data: struct.pack(">I4s", 0, b"free") + data,
    "a size of 2^64": lambda data: struct.pack(">I4sQ", 1, b"free", 2**64 - 1) + data,
    "a million boxes": lambda data: data[:28] + struct.pack(">I4s", 8, b"free") * 1_000_000 + data[28:],
    "boxes within boxes": lambda data: data[:28] + box(b"meta", NESTED * 10_000),
    "a film within itself": lambda data: data[:28] + box(b"moov", box(b"trak", box(b"mdia", box(b"minf")))),
    "cut in its boxes": lambda data: data[:200],
    "cut in its pixels": lambda data: data[:-500],
}  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_hostile_boxes_are_refused_in_little_time(change):
    data = change(phones.photo())
    if sniff(data[:128]):
        assert refusal(data).code in ("corrupt_image", "unsupported_image_format")
    else:
        assert isinstance(refusal(data), UnsupportedImage)


def test_no_number_of_turns_costs_much():
    turns = [(b"irot", b"\1")] * 200 + [(b"imir", b"\0")] * 50
    data = grids.tiled("heic", Image.fromarray(pictures.gradient(100, 80)), 64, *turns)
    assert probe(data, LIMITS).orientation == 1


@pytest.mark.parametrize("aperture", [(0, 1, 60, 1), (101, 1, 60, 1), (60, 0, 60, 1)])
def test_a_cut_outside_the_picture_is_refused(aperture):
    data = grids.tiled(
        "heic",
        Image.fromarray(pictures.gradient(100, 80)),
        64,
        (b"clap", struct.pack(">IIIIiIiI", *aperture, 0, 1, 0, 1)),
    )
    assert isinstance(refusal(data), CorruptImage)


def test_a_picture_in_two_frames_is_refused():
    part = grids.coded(phones.photo(), "heic")
    part.data += part.data
    part.reference(b"pitm")
    assert isinstance(refusal(rebuilt("heic", [part])), CorruptImage)
