"""The items of a HEIF file (ISO/IEC 23008-12): what its box `meta` says of them, in one bounded pass."""

from dataclasses import dataclass, field

from shared.images.heif.boxes import Fields, boxes
from shared.images.structure import Budget, Unreadable, Unsupported

_IN_FILE, _IN_META = 0, 1  # where an item's bytes lie
_REFERENCES = (b"dimg", b"auxl", b"prem")  # made of, belongs to, multiplied by


@dataclass(frozen=True, slots=True)
class Property:
    """A box that describes an item."""

    kind: bytes
    body: memoryview


@dataclass(slots=True)
class Item:
    """One item: a coded picture, a picture made of others, or metadata."""

    kind: bytes = b""
    properties: list[Property] = field(default_factory=list)  # in the order in which they apply
    essential: set[bytes] = field(default_factory=set)  # kinds that a reader must understand
    where: int = _IN_FILE
    extents: list[tuple[int, int]] = field(default_factory=list)  # offset and length, bytes

    def body_of(self, kind: bytes) -> memoryview | None:
        """Return the first property of a kind."""
        return next((each.body for each in self.properties if each.kind == kind), None)


@dataclass(slots=True)
class Items:
    """All items of a file."""

    data: memoryview
    budget: Budget
    primary: int = 0
    by_id: dict[int, Item] = field(default_factory=dict)
    references: list[tuple[bytes, int, tuple[int, ...]]] = field(default_factory=list)  # kind, from, to
    inside: memoryview = field(default_factory=lambda: memoryview(b""))  # what the items keep in `meta`
    left: Budget = field(init=False)  # bytes that items may have together

    def __post_init__(self) -> None:
        self.left = Budget(len(self.data))

    def item(self, number: int) -> Item:
        """Return an item that must be there."""
        if number not in self.by_id:
            raise Unreadable("a part of its picture is missing")
        return self.by_id[number]

    def referred(self, kind: bytes, number: int) -> tuple[int, ...]:
        """Return the items to which the first reference of a kind leads from an item."""
        found = (to for each, origin, to in self.references if (each, origin) == (kind, number))
        return next(found, ())

    def referring(self, kind: bytes, number: int) -> list[int]:
        """Return the items from which references of a kind lead to an item."""
        return [origin for each, origin, to in self.references if each == kind and number in to]

    def bytes_of(self, item: Item) -> bytes:
        """Return an item's bytes; Unreadable where they are not all there, or several share the same ones."""
        source = self.data if item.where == _IN_FILE else self.inside
        parts = []
        for offset, length in item.extents:
            part = source[offset : offset + length] if length else source[offset:]
            if len(part) < max(1, length):
                raise Unreadable("it ends too early")
            self.left.spend(len(part))
            parts.append(part)
        return b"".join(parts)


def read_items(data: memoryview, meta: memoryview, budget: Budget) -> Items:
    """Return what `meta` says of the items."""
    items = Items(data, budget)
    fields = Fields(meta)
    fields.version()
    found: dict[bytes, memoryview] = {}
    for kind, body in boxes(fields.rest(), budget):
        found.setdefault(kind, body)
    for kind, read in _READERS.items():
        if kind in found:
            read(items, found[kind])
    items.inside = found.get(b"idat", items.inside)
    return items


def _read_primary(items: Items, body: memoryview) -> None:
    fields = Fields(body)
    version, _ = fields.version()
    items.primary = fields.number(4 if version else 2)


def _read_infos(items: Items, body: memoryview) -> None:
    fields = Fields(body)
    version, _ = fields.version()
    fields.number(4 if version else 2)
    for kind, info in boxes(fields.rest(), items.budget):
        entry = Fields(info)
        version, _ = entry.version()
        if kind == b"infe" and version >= 2:  # older ones name no kind, and are not pictures
            number = entry.number(2 if version == 2 else 4)
            entry.number(2)
            items.by_id.setdefault(number, Item()).kind = bytes(entry.take(4))


def _read_places(items: Items, body: memoryview) -> None:
    fields = Fields(body)
    version, _ = fields.version()
    sizes = fields.number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    for _ in range(fields.number(4 if version >= 2 else 2)):
        items.budget.spend()
        item = items.by_id.get(fields.number(4 if version >= 2 else 2), Item())
        item.where = fields.number(2) & 15 if version else _IN_FILE
        if fields.number(2) or item.where > _IN_META:
            item.where, item.extents = _IN_META, [(1 << 62, 1)]  # elsewhere: as if it were missing
        base = fields.number(base_size)
        for _ in range(fields.number(2)):
            items.budget.spend()
            fields.number(index_size)
            offset, length = base + fields.number(offset_size), fields.number(length_size)
            item.extents.append((offset, length))


def _read_properties(items: Items, body: memoryview) -> None:
    listed: list[Property] = []
    for kind, content in boxes(body, items.budget):
        if kind == b"ipco":
            listed += [Property(*each) for each in boxes(content, items.budget)]
        elif kind == b"ipma":
            _associate(items, content, listed)


def _associate(items: Items, body: memoryview, listed: list[Property]) -> None:
    fields = Fields(body)
    version, flags = fields.version()
    size = 2 if flags & 1 else 1
    for _ in range(fields.number(4)):
        items.budget.spend()
        item = items.by_id.get(fields.number(4 if version else 2), Item())
        for _ in range(fields.number(1)):
            items.budget.spend()
            value = fields.number(size)
            index = value & (1 << 8 * size - 1) - 1
            if 0 < index <= len(listed):
                item.properties.append(listed[index - 1])
                item.essential |= {listed[index - 1].kind} if value >> 8 * size - 1 else set()


def _read_references(items: Items, body: memoryview) -> None:
    fields = Fields(body)
    version, _ = fields.version()
    size = 4 if version else 2
    for kind, content in boxes(fields.rest(), items.budget):
        entry = Fields(content)
        origin, count = entry.number(size), entry.number(2)
        items.budget.spend(count)
        if kind in _REFERENCES:
            to = tuple(entry.number(size) for _ in range(count))
            items.references.append((kind, origin, to))


_READERS = {  # infos first: the others speak of items that are known
    b"pitm": _read_primary,
    b"iinf": _read_infos,
    b"iloc": _read_places,
    b"iprp": _read_properties,
    b"iref": _read_references,
}


def check_essential(item: Item, known: frozenset[bytes]) -> None:
    """Raise Unsupported where a picture must not be shown without something that is not known here."""
    unknown = item.essential - known
    if unknown:
        name = min(unknown).decode("ascii", "replace").strip()
        shown = f" ({name})" if name.isalnum() else ""
        raise Unsupported(f"its picture is stored in a way that is not read{shown}")
