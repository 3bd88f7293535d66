"""Files that the service does not read are named, and their sender learns what to do."""

import pytest

from shared.errors import UnsupportedImage
from shared.images.formats import sniff
from shared.images.limits import FORMATS, ImageLimits
from shared.images.probe import probe
from tests.support.images import camera_raws, pictures

RAWS = camera_raws.raws()
OTHERS = {
    "JPEG XL": [b"\xff\x0a\xfa\x1f" + bytes(99), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(99)],
    "JPEG 2000": [b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99), b"\xff\x4f\xff\x51" + bytes(99)],
    "Photoshop document (PSD)": [b"8BPS\0\1" + bytes(99)],
    "icon file (ICO)": [b"\0\0\1\0\1\0\x10\x10" + bytes(99)],
    "HEIF picture of a kind that is not read": [b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf" + bytes(99)],
    "video": [
        b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(99),
        b"\0\0\0\x18ftypmp42\0\0\0\0heicmp42" + bytes(99),
    ],
}


def refused(data: bytes) -> str:
    with pytest.raises(UnsupportedImage) as caught:
        probe(data, ImageLimits(), field="/content")
    assert caught.value.errors[0].pointer == "/content"
    return caught.value.detail


@pytest.mark.parametrize(("kind", "data"), RAWS.items(), ids=RAWS)
def test_a_camera_raw_is_named_and_its_thumbnail_never_taken(kind, data):
    detail = refused(data)
    assert detail.startswith(
        f"This is a camera raw file ({kind}): develop it first, and send the JPEG, PNG or"
    )
    assert detail.endswith("accepted formats are avif, bmp, gif, heic, jpeg, png, tiff, webp.")


@pytest.mark.parametrize(("kind", "data"), [(kind, data) for kind, files in OTHERS.items() for data in files])
def test_other_formats_are_named(kind, data):
    assert kind in refused(data)


@pytest.mark.parametrize("kind", ["HEIF picture of a kind that is not read", "JPEG XL", "JPEG 2000"])
def test_the_refusal_says_what_to_do(kind):
    assert "convert it to JPEG or PNG first" in refused(OTHERS[kind][0])


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x14ftyphevc\0\0\0\0hevc", "heic"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "avif"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "avif"),
        (b"\0\0\0\x18ftypavis\0\0\0\0avismsf1", "avif"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", ""),
    ],
)
def test_phones_formats_are_known_by_their_brands(head, found):
    assert sniff(head + bytes(99)) == found


def test_scans_and_photos_in_tiff_are_no_camera_raws():
    scan = camera_raws.tiff_with(camera_raws.text(271, "Canon"), camera_raws.number(254, 0, 4))
    for data in (scan, pictures.animated("tiff"), pictures.tiff(compression="tiff_lzw")):
        assert probe(data, ImageLimits()).format == "tiff"


def test_a_format_that_is_not_accepted_is_still_named_as_a_camera_raw():
    assert "camera raw" in refused(RAWS["NEF"])
    with pytest.raises(UnsupportedImage, match="camera raw"):
        probe(RAWS["NEF"], ImageLimits(formats=FORMATS - {"tiff"}))
