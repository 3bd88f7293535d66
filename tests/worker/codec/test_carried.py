"""What results keep of their content's metadata: what was asked for, never the orientation, never more."""

import struct
from io import BytesIO

import pytest
from PIL import ExifTags, Image

from shared.images.limits import ImageLimits
from tests.support.images import phones, pictures
from worker.codec.carried import Carried, carried_from
from worker.codec.decode import decode
from worker.codec.encode import encode

LIMITS = ImageLimits()
BASE, EXIF, GPS = ExifTags.Base, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo
SAFE = {
    BASE.Make: "Maker", BASE.Model: "Camera 5", BASE.DateTime: "2026:01:02 03:04:05", BASE.Artist: "A. B",
    BASE.Copyright: "(c) A. Person", BASE.ImageDescription: "A sea",
}  # fmt: skip
SAFE_INSIDE = {
    BASE.DateTimeOriginal: "2026:01:02 03:04:05", BASE.OffsetTimeOriginal: "+09:00",
    BASE.ISOSpeedRatings: 200, BASE.FNumber: 1.8, BASE.LensModel: "Lens 24 mm",
}  # fmt: skip
PRIVATE_INSIDE = {
    BASE.BodySerialNumber: "SERIAL-77",
    BASE.CameraOwnerName: "OWNER",
    BASE.UserComment: b"COMMENT",
}
PLACE = {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (37.0, 33.0, 58.5)}
XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    b'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    b'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    b'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture" '
    b'tiff:Orientation="6" exif:GPSLatitude="37,33.5N" xmp:CreateDate="2026-01-02T03:04:05">'
    b'<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) &lt;A&gt; &amp; B</rdf:li></rdf:Alt></dc:rights>'
    b"<dc:creator><rdf:Seq><rdf:li>A. Person</rdf:li></rdf:Seq></dc:creator>"
    b'</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
SOURCES = ("jpeg", "png", "webp", "tiff", "heic", "avif")


def exif(order: str = "<") -> Image.Exif:
    block = Image.Exif()
    block.endian = order
    block.update(SAFE)
    block[BASE.Orientation] = 6
    block.get_ifd(EXIF).update({**SAFE_INSIDE, **PRIVATE_INSIDE, BASE.MakerNote: b"NOTES OF THE MAKER"})
    block.get_ifd(GPS).update(PLACE)
    return block


def source(format: str, xmp: bytes = XMP) -> bytes:
    image = Image.fromarray(pictures.gradient(64, 48))
    if format in phones._FINE:
        return phones.still(image, format, exif=exif().tobytes(), xmp=xmp)
    if format == "tiff":
        return pictures.save(image, "tiff", exif=exif())
    if format == "png":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        return pictures.save(image, "png", exif=exif().tobytes(), pnginfo=info)
    return pictures.save(image, format, exif=exif().tobytes(), xmp=xmp)


def written(carried: Carried, format: str) -> Image.Image:
    data = encode(pictures.gradient(64, 48), format=format, quality=90, carried=carried).data
    image = Image.open(BytesIO(data))
    image.load()
    return image


def xmp_of(image: Image.Image) -> str:
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or ""
    return found.decode() if isinstance(found, bytes) else found


@pytest.mark.parametrize("target", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("format", SOURCES)
def test_safe_keeps_camera_dates_and_rights_and_no_more(format, target):
    image = written(carried_from(source(format), "safe"), target)
    block = image.getexif()
    assert {tag: block.get(tag) for tag in SAFE} == SAFE
    inside = block.get_ifd(EXIF)
    assert format == "tiff" or {tag: inside.get(tag) for tag in SAFE_INSIDE} == SAFE_INSIDE
    assert not inside.keys() & (PRIVATE_INSIDE.keys() | {BASE.MakerNote})
    assert block.get(BASE.Orientation, 1) == 1
    assert not block.get_ifd(GPS)
    assert "GPS" not in xmp_of(image)
    assert "Orientation" not in xmp_of(image)
    assert format == "tiff" or "(c) &lt;A&gt; &amp; B" in xmp_of(image)
    for secret in (b"SERIAL-77", b"OWNER", b"COMMENT", b"NOTES OF"):
        assert secret not in carried_from(source(format), "safe").exif


@pytest.mark.parametrize("target", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("format", SOURCES)
def test_all_keeps_the_place_too_and_never_the_orientation(format, target):
    image = written(carried_from(source(format), "all"), target)
    block = image.getexif()
    assert block.get(BASE.Orientation, 1) == 1
    assert BASE.MakerNote not in block.get_ifd(EXIF)
    if format != "tiff":  # of which Pillow writes the first directory alone
        assert block.get_ifd(GPS) == PLACE
        assert block.get_ifd(EXIF)[BASE.BodySerialNumber] == "SERIAL-77"
        assert "37,33.5N" in xmp_of(image)
        assert "Orientation" not in xmp_of(image)
        assert "digitalCapture" not in xmp_of(image)


@pytest.mark.parametrize("format", SOURCES)
def test_nothing_is_kept_where_nothing_is_asked_for(format):
    assert carried_from(source(format), "none") == Carried()


@pytest.mark.parametrize("choice", ["safe", "all"])
def test_a_result_is_upright_though_its_content_was_turned(choice):
    turned = decode(source("jpeg"), LIMITS).rgb
    data = encode(turned, format="png", quality=90, carried=carried_from(source("jpeg"), choice)).data
    again = decode(data, LIMITS)
    assert (again.rgb == turned).all()


def test_either_byte_order_is_kept():
    for order in "<>":
        image = pictures.save(Image.fromarray(pictures.gradient()), "png", exif=exif(order).tobytes())
        carried = carried_from(image, "all")
        assert carried.exif[:2] == (b"II" if order == "<" else b"MM")
        assert written(carried, "jpeg").getexif().get_ifd(GPS) == PLACE


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + XMP.replace(
    b"A. P", b"&b;"
)
HOSTILE_XMP = {
    "entities": BOMB,
    "no xml": b"<rdf:RDF" * 50,
    "deep": b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description>'
    + b"<a>" * 9000 + b"</a>" * 9000 + b"</rdf:Description></rdf:RDF>",
    "large": XMP.replace(b"A. Person", b"A" * 60_000),
    "latin": XMP.replace(b"A. Person", b"\xe4\xff"),
}  # fmt: skip


@pytest.mark.parametrize("choice", ["safe", "all"])
@pytest.mark.parametrize("packet", HOSTILE_XMP.values(), ids=HOSTILE_XMP)
def test_hostile_xmp_is_left_out(packet, choice):
    carried = carried_from(pictures.save(Image.new("RGB", (9, 9)), "webp", xmp=packet), choice)
    assert len(carried.descriptions) <= 40_000
    assert sum(map(len, carried.properties.values())) <= 40_000
    assert "aaaa" not in str(carried)
    assert written(carried, "jpeg").size == (64, 48)


def block_of(*tags: bytes) -> bytes:
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + b"".join(tags) + bytes(4)


def tag(number: int, kind: int, count: int, place: int) -> bytes:
    return struct.pack("<HHII", number, kind, count, place)


HOSTILE_EXIF = {
    "itself": block_of(tag(0x8769, 4, 1, 8), tag(0x8825, 4, 1, 8)),
    "endless text": block_of(tag(271, 2, 2**32 - 1, 8)),
    "behind the end": block_of(tag(271, 2, 50, 10_000)),
    "many tags": block_of(*[tag(271, 2, 60, 8)] * 5000),
    "all tags at the same bytes": block_of(*[tag(40_000 + n, 1, 30_000, 8) for n in range(3000)]),
    "no tag": block_of(),
    "big": b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + struct.pack("<Q", 0),
}


@pytest.mark.parametrize("block", HOSTILE_EXIF.values(), ids=HOSTILE_EXIF)
def test_hostile_exif_is_read_as_far_as_it_can_be(block):
    data = pictures.raw_png(pictures.gradient(), 2, bits=8, extra=pictures.chunk(b"eXIf", block))
    carried = carried_from(data, "all")
    assert len(carried.exif) <= 64_000
    image = written(carried, "jpeg")
    image.getexif().get_ifd(EXIF)
    assert image.size == (64, 48)


def test_equal_content_gives_equal_bytes():
    one, other = (
        encode(
            pictures.gradient(), format="webp", quality=80, carried=carried_from(source("jpeg"), "all")
        ).data
        for _ in range(2)
    )
    assert one == other
