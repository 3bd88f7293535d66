"""HEIC and AVIF come out upright, whole and in the right colors, as other readers show them."""

import struct
from io import BytesIO

import numpy as np
import pi_heif
import pytest
from PIL import Image

from shared.errors import CorruptImage
from shared.images.heif.color import Coding, profile_of
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from tests.support.images import grids, phones, pictures
from worker.codec.decode import decode

LIMITS = ImageLimits()
FORMATS = ("heic", "avif")
GRADIENT = pictures.gradient(160, 120)
LOSSY = 7  # levels, of a gradient at quality 95


def difference(data: bytes, expected: np.ndarray) -> int:
    rgb = decode(data, LIMITS).rgb
    assert rgb.shape == expected.shape
    return int(np.abs(rgb.astype(int) - expected).max())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", FORMATS)
def test_the_picture_is_turned_once(format, orientation):
    assert difference(phones.oriented(orientation, format), GRADIENT) <= LOSSY


@pytest.mark.parametrize("format", FORMATS)
def test_exif_turns_nothing_where_boxes_do(format):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = phones.photo(format, exif=exif.tobytes())  # the encoder makes a box of it, and keeps EXIF
    turned = decode(data, LIMITS).rgb
    assert turned.shape == (160, 120, 3)
    assert np.abs(turned.astype(int) - np.rot90(GRADIENT, -1)).max() <= LOSSY


@pytest.mark.parametrize("format", FORMATS)
def test_alpha_is_kept_apart(format):
    image = decode(phones.with_alpha(format), LIMITS)
    assert image.alpha is not None
    assert np.abs(image.alpha.astype(int) - GRADIENT[:, :, 1]).max() <= LOSSY


@pytest.mark.parametrize("format", FORMATS)
def test_tiles_make_one_picture_as_another_reader_shows_it(format):
    data = grids.tiled(format, Image.fromarray(GRADIENT), 64)
    assert difference(data, GRADIENT) <= LOSSY
    other = np.asarray(Image.open(BytesIO(data)).convert("RGB"))
    assert difference(data, other) == 0


def test_a_cut_comes_before_a_turn():
    cut = struct.pack(">IIIIiIiI", 100, 1, 60, 1, 10, 1, -5, 1)
    data = grids.tiled("heic", Image.fromarray(GRADIENT), 64, (b"clap", cut), (b"irot", b"\3"))
    expected = np.rot90(GRADIENT[25:85, 40:140], -1)
    assert (probe(data, LIMITS).width, probe(data, LIMITS).height) == (60, 100)
    assert difference(data, expected) <= LOSSY
    assert Image.open(BytesIO(data)).size == (60, 100)


@pytest.mark.parametrize("format", FORMATS)
def test_grey_is_grey(format):
    grey = Image.fromarray(GRADIENT).convert("L")
    assert difference(phones.still(grey, format), np.asarray(grey.convert("RGB"))) <= LOSSY


def film() -> bytes:
    """Return an AVIF file that has a film and, as some programs leave it out, no still picture."""
    pages = [Image.fromarray(np.roll(GRADIENT, 20 * number, axis=1)) for number in range(3)]
    data = phones.still(pages[0], "avif", save_all=True, append_images=pages[1:])
    assert {b"meta", b"moov"} <= {kind for kind, _ in phones.pieces(data)}
    return b"".join(
        whole[:4] + b"free" + whole[8:] if kind == b"meta" else whole for kind, whole in phones.pieces(data)
    )


def test_a_film_gives_its_first_frame():
    assert difference(film(), GRADIENT) <= LOSSY


def test_a_sequence_with_a_still_picture_gives_that():
    pages = [Image.fromarray(np.roll(GRADIENT, 20 * number, axis=1)) for number in range(3)]
    assert (
        difference(phones.still(pages[0], "avif", save_all=True, append_images=pages[1:]), GRADIENT) <= LOSSY
    )


@pytest.mark.parametrize("format", FORMATS)
def test_a_profile_is_applied(format):
    data = phones.still(
        Image.new("RGB", (64, 48), (200, 60, 60)), format, icc_profile=pictures.exchanged_profile()
    )
    red, green, _ = decode(data, LIMITS).rgb[20, 20].tolist()
    assert abs(red - 60) <= 4
    assert abs(green - 200) <= 4


def numbered(primaries: int, transfer: int, color: tuple[int, int, int]) -> list[int]:
    """Return what a plain color becomes that is stated in numbers."""
    image = Image.new("RGB", (64, 64), color)
    data = phones.still(image, "heic", color_primaries=primaries, transfer_characteristics=transfer)
    return decode(data, LIMITS).rgb[20, 20].tolist()


def test_colors_stated_by_numbers_are_converted():
    assert np.abs(np.array(numbered(1, 13, (180, 90, 40))) - (180, 90, 40)).max() <= 3
    # By the published matrices: linear P3 (0.457, 0.102, 0.021) is linear sRGB (0.5368, 0.0872, 0.0080).
    assert np.abs(np.array(numbered(12, 13, (180, 90, 40))) - (194, 84, 23)).max() <= 4


@pytest.mark.parametrize("transfer", [16, 18])
def test_white_of_a_picture_for_hdr_screens_is_white(transfer):
    """203 nits (ITU-R BT.2408): 58 % of the signal by PQ, 75 % by HLG; what is brighter is white as well."""
    level = round(255 * {16: 0.58, 18: 0.75}[transfer])
    assert min(numbered(9, transfer, (level,) * 3)) >= 250
    assert min(numbered(9, transfer, (255,) * 3)) >= 254
    assert max(numbered(9, transfer, (level // 2,) * 3)) < 190


def test_numbers_that_nobody_knows_mean_srgb():
    assert profile_of(Coding(2, 2)) is None
    assert profile_of(Coding(77, 99)) is None


def test_damaged_pixels_are_refused_without_the_decoders_words():
    data = bytearray(phones.photo("avif"))
    start = data.index(b"mdat") + 40
    data[start:-8] = b"\x55" * (len(data) - 8 - start)
    assert probe(bytes(data), LIMITS).format == "avif"
    with pytest.raises(CorruptImage, match=r"cannot be read: its data is damaged\.$"):
        decode(bytes(data), LIMITS)


def test_pixels_of_another_size_than_their_file_says_are_refused(monkeypatch):
    monkeypatch.setattr(
        "worker.codec.stills.open_heif", lambda *_, **__: pi_heif.open_heif(phones.photo(width=64))
    )
    with pytest.raises(CorruptImage, match="its header is damaged"):
        decode(phones.photo(), LIMITS)
