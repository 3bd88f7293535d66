"""Tell formats by their bytes: those that are read, those that clients send by mistake, camera raw files.

Most camera raw files look like TIFF files whose first picture is a thumbnail: their directories show it.
"""

import re
from collections.abc import Iterator
from itertools import islice

from shared.images.exif import Layout, directories, entries, layout_of, numbers, values

_CONVERT = "convert it to JPEG or PNG first"
_PAINTING = "export it as PNG first"
_BRANDS = {  # of the family of MP4
    "avif": (b"avif", b"avis"),
    "heic": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
}
_PICTURE_INSIDE = (b"mif1", b"msf1")  # brands that do not say how it is coded
_FOREIGN_BRANDS = {
    f"a JPEG 2000 picture: {_CONVERT}": (b"jp2 ", b"jpx ", b"jpm "),
    f"a HEIF picture of a kind that is not read: {_CONVERT}": _PICTURE_INSIDE,
}
SNIFFED = 128  # bytes of a file that tell its format
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
_MAX_DIRECTORIES = 64
_MAX_TAGS = 4096  # of one; those that tell a camera's file come early
_NEW_SUBFILE, _COMPRESSION, _PHOTOMETRIC, _MAKE, _SUB_DIRECTORIES = 254, 259, 262, 271, 330
_DNG_VERSION, _DNG_PRIVATE, _LEAF = 50706, 50740, 34310
_OF_SENSORS = {32803, 34892}  # color filter array, linear raw: photometric interpretations
# Vendors' ways to compress what a sensor saw.
_VENDOR_COMPRESSIONS = {32767, 32769, 32770, 34713, 34892, 65000, 65024, 65535}
_OF_VENDORS = {
    "canon": "CR2", "epson": "ERF", "hasselblad": "3FR", "kodak": "DCR", "eastman kodak": "DCR",
    "leaf": "MOS", "leica": "RWL", "mamiya": "MEF", "nikon": "NEF", "olympus": "ORF", "om digital": "ORF",
    "panasonic": "RW2", "pentax": "PEF", "ricoh": "PEF", "phase one": "IIQ", "samsung": "SRW", "sony": "ARW",
}  # fmt: skip
_RAW_MAGIC = {
    b"FUJIFILMCCD-RAW": "RAF", b"FOVb": "X3F", b"\0MRM": "MRW", b"IIRO": "ORF", b"IIRS": "ORF",
    b"MMOR": "ORF", b"IIU\0": "RW2", b"II\x1a\0\0\0HEAPCCDR": "CRW", b"\0\0\0\x18ftypcrx ": "CR3",
}  # fmt: skip
_BEHIND_TIFF_HEADER = {b"CR\2": "CR2", b"\xba\xb0\xac\xbb": "CR2", b"IIII": "IIQ", b"MMMM": "IIQ"}
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_UNKNOWN = "or another TIFF file that begins with a thumbnail"
_ADVICE = "develop it first, and send the JPEG, PNG or TIFF file that you get"


def sniff(head: bytes) -> str:
    """Return the format by its magic number, or ""."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
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


def _sniff_brands(head: bytes) -> str:
    """Return "avif" or "heic" by a file's own brand or, where that says too little, by those it also fits.

    A film that merely also fits one is none.
    """
    own = head[8:12]
    brands = _brands(head) if own in _PICTURE_INSIDE else {own}
    return next((name for name, known in _BRANDS.items() if brands.intersection(known)), "")


def _brands(data: bytes) -> set[bytes]:
    length = min(int.from_bytes(data[:4], "big"), SNIFFED)
    return {data[8:12], *(data[at : at + 4] for at in range(16, length, 4))}


def _name_by_brand(data: bytes) -> str:
    """Name a file of the family of MP4 by its brand and those that it says it also fits."""
    brands = _brands(data)
    return next(
        (name for name, known in _FOREIGN_BRANDS.items() if brands.intersection(known)), "a video file"
    )


def camera_raw(data: bytes) -> str:
    """Return words that name a camera raw file and say what to do; "" where this is none."""
    kind = next((kind for magic, kind in _RAW_MAGIC.items() if data.startswith(magic)), "")
    if data[:4] in _TIFF:
        kind = _kind_of_tiff(data)
    return f"a camera raw file ({kind}): {_ADVICE}" if kind else ""


def _kind_of_tiff(data: bytes) -> str:
    kind = next((kind for magic, kind in _BEHIND_TIFF_HEADER.items() if data.startswith(magic, 8)), "")
    layout = layout_of(data)
    first = next(iter(directories(data, layout, 1)), None) if layout else None
    if kind or layout is None or first is None:
        return kind
    tags = _tags(data, first, layout)
    if _DNG_VERSION in tags:
        return "DNG"
    offsets = islice(_all_directories(data, layout), _MAX_DIRECTORIES)
    others = [_tags(data, offset, layout) for offset in offsets]
    return _kind_by_maker(data, first, layout) if _is_raw(tags, others) else ""


def _all_directories(data: bytes, layout: Layout) -> Iterator[int]:
    """Yield the directories of the chain, and those that each of them names as its own."""
    for offset in directories(data, layout, _MAX_DIRECTORIES):
        yield offset
        for entry in islice(entries(data, offset, layout), _MAX_TAGS):
            if entry.tag == _SUB_DIRECTORIES:
                yield from numbers(data, entry, layout, _MAX_DIRECTORIES)


def _tags(data: bytes, offset: int, layout: Layout) -> dict[int, int]:
    """Return the first number of each tag; 0 where it has none."""
    first = islice(entries(data, offset, layout), _MAX_TAGS)
    return {entry.tag: next(iter(numbers(data, entry, layout, 1)), 0) for entry in first}


def _is_raw(first: dict[int, int], others: list[dict[int, int]]) -> bool:
    """Whether a directory holds what a sensor saw, or the first one the thumbnail of a photo."""
    if _DNG_PRIVATE in first or (_LEAF in first and _MAKE in first):
        return True
    is_thumbnail = first.get(_NEW_SUBFILE, 0) & 1 == 1
    return is_thumbnail or any(
        tags.get(_PHOTOMETRIC) in _OF_SENSORS or tags.get(_COMPRESSION) in _VENDOR_COMPRESSIONS
        for tags in others
    )


def _kind_by_maker(data: bytes, first: int, layout: Layout) -> str:
    for entry in entries(data, first, layout):
        if entry.tag == _MAKE:
            maker = bytes(values(data, entry, layout)[:64]).decode("latin-1").lower()
            return next((kind for name, kind in _OF_VENDORS.items() if maker.startswith(name)), _UNKNOWN)
    return _UNKNOWN
