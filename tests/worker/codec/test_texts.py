"""What is said of files that cannot be read is true, the service's own, and quotes nothing of the file."""

import logging
import re
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, TiffImagePlugin

from shared.errors import AtelierError, CorruptImage, OutOfMemory, UnsupportedImage
from shared.images.limits import ImageLimits
from shared.images.pillow_readers import in_plain_words
from shared.images.probe import probe
from tests.support.images import camera_raws, pictures
from worker.codec.decode import decode

LIMITS = ImageLimits(max_pixels=1_000_000)
COMPRESSED = {name: pictures.tiff(compression=name) for name in ("tiff_lzw", "tiff_adobe_deflate", "jpeg")}
FILES = [*pictures.ordinary().values(), *COMPRESSED.values()]
SAID = [
    ("decoder error -2", CorruptImage, "its data is damaged"),
    ("broken data stream when reading image file", CorruptImage, "its data is damaged"),
    ("unrecognized data stream contents when reading image file", CorruptImage, "its data is damaged"),
    ("failed to read next frame", CorruptImage, "its data is damaged"),
    ("image not found in GIF frame", CorruptImage, "its data is damaged"),
    ("image file is truncated (0 bytes not processed)", CorruptImage, "it ends too early"),
    ("Truncated File Read", CorruptImage, "it ends too early"),
    ("no more images in GIF file", CorruptImage, "it ends too early"),
    ("not a TIFF file (header b'II*\\x00' not valid)", CorruptImage, "its header is damaged"),
    ("Missing dimensions", CorruptImage, "its header is damaged"),
    ("bad quantization table marker", CorruptImage, "its header is damaged"),
    ("codec configuration error when reading image file", CorruptImage, "its header is damaged"),
    ("Requiring 768 items for Colormap", CorruptImage, "its palette is damaged"),
    ("could not create decoder object", CorruptImage, "it is damaged or ends too early"),
    ("not identified by this driver", CorruptImage, "it is damaged or ends too early"),
    ("words that nobody has heard before \x1b[31m", CorruptImage, "it is damaged or ends too early"),
    ("unknown pixel mode", UnsupportedImage, "its pixels are of a kind that is not read"),
    ("unknown data organization", UnsupportedImage, "its pixels are of a kind that is not read"),
    ("Invalid value for samples per pixel", UnsupportedImage, "its pixels are of a kind that is not read"),
    ("cannot handle 12-bit layers", UnsupportedImage, "a JPEG is read with 8 bits a sample"),
    ("Unsupported BMP compression (4)", UnsupportedImage, "a BMP of this kind is not read"),
    ("out of memory when reading image file", OutOfMemory, "there was not enough memory"),
]
OURS = re.compile(
    r"The (jpeg|png|webp|gif|bmp|tiff) image cannot be read: (its (data|header|palette) is damaged"
    r"|it (ends too early|is damaged|ends before|is made of|is compressed|has more)|its pixels are of a kind"
    r"|a (JPEG|BMP) |tag \d+ )[\w ,:;%().-]*\.|The image('s pixels are of a kind| is \d+ x \d+ pixels).*"
    r"|This is .*accepted formats are .*"
)


@pytest.mark.parametrize(("said", "kind", "text"), SAID)
def test_what_a_decoder_says_becomes_a_text_of_our_own(said, kind, text):
    for error in (OSError(said), SyntaxError(said), ValueError(said)):
        fault = in_plain_words(error)
        assert fault.kind is kind
        assert fault.text.startswith(text)


@settings(max_examples=400)
@given(pictures.damage(st.sampled_from(FILES)))
def test_no_text_of_a_decoder_reaches_a_client(data):
    try:
        decode(data, LIMITS, field="/content")
    except AtelierError as error:
        assert OURS.fullmatch(error.detail), error.detail  # noqa: PT017


@pytest.mark.parametrize("photometric", [1, 2])
def test_a_good_tiff_of_floats_is_called_unsupported_and_not_corrupt(photometric):
    pixels = Image.fromarray(np.zeros((8, 8), np.float32))
    floats = (camera_raws.number(339, 3), camera_raws.number(258, 32), camera_raws.number(262, photometric))
    for data in (pictures.save(pixels, "tiff"), camera_raws.tiff_with(*floats)):
        with pytest.raises(UnsupportedImage, match="pixels are of a kind that"):
            probe(data, ImageLimits())


def test_a_tiff_that_is_compressed_in_an_unknown_way_is_unsupported():
    data = camera_raws.tiff_with(camera_raws.number(259, 34712))
    with pytest.raises(UnsupportedImage, match=r"compressed in a way that is not read \(34712\)"):
        probe(data, ImageLimits())


def test_a_webp_above_pillows_pixel_limit_is_measured_by_ours():
    data = bytearray(pictures.with_alpha("webp"))
    data[12:30] = b"VP8X" + struct.pack("<II", 10, 0) + b"\x83\x3e\0\x83\x3e\0"  # 16,004 pixels a side
    with pytest.raises(AtelierError) as caught:
        probe(bytes(data), ImageLimits(max_pixels=10**9))
    assert "178956970" not in caught.value.detail


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_strangers_file_writes_nothing_past_the_log_and_no_error_into_it(name, capfd, caplog):
    whole = COMPRESSED[name]
    with caplog.at_level(logging.DEBUG):
        for start in range(8, len(whole) - 40, 97):
            data = whole[:start] + b"\x91" * 40 + whole[start + 40 :]
            try:
                decode(data, LIMITS)
            except AtelierError:
                continue
    assert capfd.readouterr().err == ""
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_what_pillow_logs_of_a_file_is_no_error_of_ours(caplog):
    data = camera_raws.tiff_with(camera_raws.number(277, TiffImagePlugin.MAX_SAMPLESPERPIXEL + 1))
    with pytest.raises(UnsupportedImage):
        probe(data, ImageLimits())
    assert not caplog.records


def test_an_ignored_profile_is_logged_without_a_word_of_its_own(caplog):
    space = pictures.exchanged_profile().replace(b"RGB ", b"\x1b[2J")
    assert decode(pictures.profiled((9, 9, 9), "png", space), ImageLimits()).rgb.size
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.reason in ("it is damaged", "it is for other pixels")


def test_pillow_is_not_told_to_pass_over_damage():
    """That setting of Pillow holds for a whole process, and hides what is missing."""
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
