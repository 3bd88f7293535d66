"""Tell formats by their first bytes: those that are read, and those that clients send by mistake."""

import re

_CONVERT = "convert it to JPEG or PNG first"
_PHONE = f"{_CONVERT}, or set the phone's camera to save JPEG"
_PAINTING = "export it as PNG first"
_BRANDS = {  # of the family of MP4; the last ones of HEIC say only that a picture is inside
    f"an AVIF picture: {_CONVERT}": (b"avif", b"avis"),
    f"a JPEG 2000 picture: {_CONVERT}": (b"jp2 ", b"jpx ", b"jpm "),
    f"a HEIC picture: {_PHONE}": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
}
_FOREIGN = {
    b"\0\0\0\x0cJXL \r\n\x87\n": f"a JPEG XL picture: {_CONVERT}",
    b"\xff\x0a": f"a JPEG XL picture: {_CONVERT}",
    b"\0\0\0\x0cjP  \r\n\x87\n": f"a JPEG 2000 picture: {_CONVERT}",
    b"\xff\x4f\xff\x51": f"a JPEG 2000 picture: {_CONVERT}",
    b"II\xbc": f"a JPEG XR picture: {_CONVERT}",
    b"8BPS": f"a Photoshop document (PSD): {_PAINTING}",
    b"8BPB": f"a Photoshop document (PSB): {_PAINTING}",
    b"gimp xcf": f"a GIMP document (XCF): {_PAINTING}",
    b"\0\0\1\0": f"an icon file (ICO): {_PAINTING}",
    b"\0\0\2\0": f"a mouse pointer file (CUR): {_PAINTING}",
    b"icns": f"an icon file (ICNS): {_PAINTING}",
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document",
    b"v/1\x01": f"an OpenEXR picture: {_CONVERT}",
    b"#?RADIANCE": f"a Radiance HDR picture: {_CONVERT}",
    b"DDS ": f"a DDS texture: {_CONVERT}",
    b"PK\3\4": "a ZIP archive: send the pictures in it one by one",
    b"\x1f\x8b": "a gzip archive: unpack it first",
}


_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
}
_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}  # sizes, the only ones in use


def sniff(head: bytes) -> str:
    """Return the format by its magic number, or ""."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")


def name_foreign(data: bytes) -> str:
    """Return words that name a file of a format that is not read, and say what to do where that is known."""
    if not data:
        return "an empty file"
    if data[4:8] == b"ftyp":
        return _name_by_brand(data)
    named = next((name for magic, name in _FOREIGN.items() if data.startswith(magic)), "")
    if named:
        return named
    if re.search(rb"<svg[\s>]", data[:1024]):
        return "an SVG drawing"
    return "text" if data[:512].isascii() and b"\0" not in data[:512] else "unknown data"


def _name_by_brand(data: bytes) -> str:
    """Name a file of the family of MP4 by its brand and those that it says it also fits."""
    length = min(int.from_bytes(data[:4], "big"), 128)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, length, 4))}
    return next((name for name, known in _BRANDS.items() if brands.intersection(known)), "a video file")
