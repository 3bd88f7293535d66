"""Find the one picture that a HEIC or AVIF file shows, check its sizes, and copy it into a file of its own.

Of all items only the primary one counts, with its tiles and its alpha. Thumbnails, depth, gain maps, films,
EXIF and XMP stay behind: no decoder sees a byte of them.
"""

from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from shared.images.heif.bitstreams import Size, av1_sizes, hevc_sizes
from shared.images.heif.boxes import Fields, boxes
from shared.images.heif.color import Coding, profile_of
from shared.images.heif.items import Item, Items, check_essential, read_items
from shared.images.heif.placing import KNOWN_PLACING, Placing, placing_of
from shared.images.heif.rebuilt import Part, rebuilt
from shared.images.heif.sequence import first_sample
from shared.images.structure import MAX_PROFILE, Container, Unreadable, Unsupported, parts_of

_CODED = {b"hvc1": (b"hvcC", hevc_sizes), b"av01": (b"av1C", av1_sizes)}
_OF_FORMAT = {"heic": b"hvc1", "avif": b"av01"}
_GRID = b"grid"
_KNOWN = KNOWN_PLACING | {b"ispe", b"pixi", b"colr", b"pasp", b"auxC", b"hvcC", b"av1C"}
_ALPHA = (
    b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
    b"urn:mpeg:hevc:2015:auxid:1",
    b"urn:mpeg:avc:2015:auxid:1",
)
_METADATA = (b"Exif", b"mime")
_FEW = 8
_LARGE_TILE = 1024  # pixels a side, of a picture that may be smaller than its only tile


def walk_heic(data: bytes, max_frames: int) -> Container:
    """Return the primary picture of a HEIC file; of a file that has only a film, its first frame."""
    return _walk("heic", data)


def walk_avif(data: bytes, max_frames: int) -> Container:
    """Return the primary picture of an AVIF file; of a file that has only a film, its first frame."""
    return _walk("avif", data)


def _walk(image_format: str, data: bytes) -> Container:
    budget, view = parts_of(data), memoryview(data)
    top: dict[bytes, memoryview] = {}
    for kind, body in boxes(view, budget):
        top.setdefault(kind, body)
    if b"meta" in top:
        items = read_items(view, top[b"meta"], budget)
    elif b"moov" in top:
        items = first_sample(view, top[b"moov"], budget)
    else:
        raise Unreadable("it ends before its picture")
    return _Still(items, image_format).container()


@dataclass(slots=True)
class _Still:
    """The picture of a file on its way into a copy."""

    items: Items
    image_format: str

    def container(self) -> Container:
        """Return the copy, with what the file says of the whole picture."""
        items, number = self.items, self.items.primary
        item = items.item(number)
        parts, size = self._picture(number)
        parts[-1].reference(b"pitm")
        alphas = [each for each in items.referring(b"auxl", number) if _is_alpha(items.item(each))]
        if alphas:
            parts += self._alpha(alphas[0], number, size, len(parts))
        placing, coding = placing_of(item, size), Coding.of(item)
        exif, xmp = self._metadata()
        return Container(
            data=rebuilt(self.image_format, parts),
            size=size,
            mode="RGBA" if alphas else "RGB",
            crop=placing.crop,
            orientation=placing.orientation,
            profile=_icc(item) or profile_of(coding),
            exif=exif,
            xmp=xmp,
        )

    def _metadata(self) -> tuple[bytes, bytes]:
        """Return EXIF and XMP of a few items at most; nothing of those that cannot be read."""
        exif = xmp = b""
        for item in islice((each for each in self.items.by_id.values() if each.kind in _METADATA), _FEW):
            with suppress(Unreadable):
                body = self.items.bytes_of(item)
                if item.kind == b"Exif":
                    exif = exif or body[4 + int.from_bytes(body[:4], "big") :]
                elif b"<rdf:RDF" in body:
                    xmp = xmp or body
        return exif, xmp

    def _alpha(self, number: int, of: int, size: Size, before: int) -> list[Part]:
        """Return the parts of the alpha of a picture, whose last part is the one before."""
        parts, found = self._picture(number, before)
        if found != size or placing_of(self.items.item(number), found) != Placing():
            raise Unreadable("its transparency is of another size")
        parts[-1].properties.append((b"auxC", b"\0\0\0\0" + _ALPHA[0] + b"\0"))
        parts[-1].reference(b"auxl", before)
        if number in self.items.referred(b"prem", of):
            parts[-1].reference(b"prem")
        return parts

    def _picture(self, number: int, before: int = 0) -> tuple[list[Part], Size]:
        """Return the parts of a picture, the whole one last, and its size as it is stored."""
        item = self.items.item(number)
        check_essential(item, _KNOWN)
        size = _stated_size(item)
        if item.kind != _GRID:
            return [self._coded(item, size)], size
        header = self.items.bytes_of(item)
        tiles = self.items.referred(b"dimg", number)
        if len(set(tiles)) < len(tiles):
            raise Unreadable("its tiles do not make its picture")
        parts = [self._coded(self.items.item(tile), None) for tile in tiles]
        _check_grid(header, [part.size for part in parts], size)
        whole = Part(_GRID, size, header, _described(item))
        whole.reference(b"dimg", *range(before + 1, before + 1 + len(parts)))
        return [*parts, whole], size

    def _coded(self, item: Item, size: Size | None) -> Part:
        """Return a coded picture whose own size is that which the file states."""
        if item.kind != _OF_FORMAT[self.image_format]:
            raise _not_read(item.kind)
        check_essential(item, _KNOWN)
        size = size or _stated_size(item)
        name, sizes_of = _CODED[item.kind]
        config, data = item.body_of(name), self.items.bytes_of(item)
        if config is None:
            raise Unreadable("its header is damaged")
        if set(sizes_of(config, data)) != {size}:
            raise Unreadable("its pixels have another size than its header says")
        return Part(item.kind, size, data, [(name, bytes(config)), *_described(item)])


def _not_read(kind: bytes) -> Unsupported:
    name = kind.decode("ascii", "replace").strip()
    return Unsupported(
        "its picture is made in a way that is not read" + (f" ({name})" if name.isalnum() else "")
    )


def _stated_size(item: Item) -> Size:
    body = item.body_of(b"ispe")
    if body is None:
        raise _not_read(item.kind)
    fields = Fields(body)
    fields.version()
    width, height = fields.number(4), fields.number(4)
    if not (width and height):
        raise Unreadable("its header is damaged")
    return width, height


def _described(item: Item) -> list[tuple[bytes, bytes]]:
    """Return what a decoder needs to know of the samples: their depths, and how colors become samples."""
    return [
        (each.kind, bytes(each.body))
        for each in item.properties
        if each.kind == b"pixi" or (each.kind == b"colr" and bytes(each.body[:4]) == b"nclx")
    ]


def _check_grid(header: bytes, tiles: list[Size], size: Size) -> None:
    """Raise Unreadable where tiles, all of one size, do not just cover the picture."""
    fields = Fields(memoryview(header))
    _, flags = fields.number(1), fields.number(1)
    rows, columns = fields.number(1) + 1, fields.number(1) + 1
    stated = fields.number(4 if flags & 1 else 2), fields.number(4 if flags & 1 else 2)
    if stated != size or rows * columns != len(tiles) or len(set(tiles)) != 1:
        raise Unreadable("its tiles do not make its picture")
    for side, tile, number in zip(size, tiles[0], (columns, rows), strict=True):
        if not (number - 1) * tile < side <= number * tile or tile > max(side, _LARGE_TILE):
            raise Unreadable("its tiles do not make its picture")


def _is_alpha(item: Item) -> bool:
    body = item.body_of(b"auxC")
    return body is not None and bytes(body[4:80]).partition(b"\0")[0] in _ALPHA


def _icc(item: Item) -> bytes | None:
    """Return the color profile; None where there is none, or it is far too large."""
    for each in item.properties:
        if (
            each.kind == b"colr"
            and bytes(each.body[:4]) in (b"prof", b"rICC")
            and len(each.body) <= MAX_PROFILE
        ):
            return bytes(each.body[4:])
    return None
