"""Splits the items of a batch into what each has alone and what they have in common, which is stored once.

A part is a JSON object of some fields of a specification. An item's record has its own part as `spec` and the
digests of the others as `parts`; the batch has these by digest. `shared/jobs/spec_parts.py` joins them again.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from shared.batches.batch import ITEM_BYTES, ItemDraft
from shared.identifiers import sha256

LARGE_BYTES = 512  # of a field's JSON; a larger one is a part of its own
DIGEST_CHARACTERS = 20
# These stay in the record: scripts look there for files.
_KEPT = frozenset({"type", "model", "content", "styles", "mask"})
# So do these, unless they are large: items differ in them.
_VARYING = _KEPT | {"seed", "seeds", "digit", "digits", "strength"}


@dataclass(frozen=True, slots=True)
class Pieces:
    """An item in pieces, each of which it may have in common with others."""

    draft: ItemDraft
    own: Mapping[str, Any]  # fields that it shares with no other
    parts: Mapping[str, bytes]  # JSON objects of the other fields, by digest
    fingerprint: str
    bytes: int  # of its specification as JSON


@dataclass(frozen=True, slots=True)
class PackedItems:
    """Items as one script stores them."""

    count: int
    models: frozenset[str]  # of items that may reuse a result
    parts: tuple[tuple[str, bytes], ...]  # those that the batch does not have, with their digests
    texts: tuple[bytes | str, ...]  # of each item its record, the ids of its inputs, its fingerprint

    @property
    def bytes(self) -> int:
        """How many bytes it takes in memory, about."""
        return sum(map(len, self.texts)) + sum(len(text) for _, text in self.parts)


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item as it is stored."""

    pieces: Pieces
    shared: tuple[str, ...]  # digests of the parts that the batch has

    @property
    def own(self) -> str:
        """The JSON object of the other fields."""
        fields = dict(self.pieces.own)
        for digest in self.pieces.parts.keys() - set(self.shared):
            fields |= from_json(self.pieces.parts[digest])
        return to_json(fields).decode()

    def record(self) -> dict[str, str]:
        """Return the initial fields of its record."""
        shared = {"parts": " ".join(self.shared)} if self.shared else {}
        return self.pieces.draft.record() | {"spec": self.own} | shared

    @property
    def record_bytes(self) -> int:
        """Bytes of the store's memory that it takes beside its shared parts, about."""
        return ITEM_BYTES + len(self.own.encode())


def in_pieces(drafts: Sequence[ItemDraft]) -> list[Pieces]:
    """Take items apart. Equal parts are one object."""
    texts: dict[str, bytes] = {}
    return [_pieces(draft, texts) for draft in drafts]


def split(items: Sequence[Pieces], known: Collection[str]) -> list[StoredItem]:
    """Return items as they are stored together: they share what several have, or the batch has: `known`."""
    times = Counter(digest for pieces in items for digest in pieces.parts)
    return [
        StoredItem(pieces, tuple(digest for digest in pieces.parts if times[digest] > 1 or digest in known))
        for pieces in items
    ]


def shared_parts(items: Sequence[StoredItem]) -> dict[str, bytes]:
    """Return the parts that the batch must have, by digest."""
    return {digest: item.pieces.parts[digest] for item in items for digest in item.shared}


def packed(items: Sequence[Pieces], known: Collection[str]) -> PackedItems:
    """Return items as one script stores them in a batch that has the parts with `known` digests."""
    stored = split(items, known)
    specs = [pieces.draft.spec for pieces in items]
    return PackedItems(
        count=len(items),
        models=frozenset(spec.model for spec in specs if spec.cache and spec.model),
        parts=tuple(part for part in shared_parts(stored).items() if part[0] not in known),
        texts=tuple(text for item in stored for text in _texts(item)),
    )


def _texts(item: StoredItem) -> tuple[bytes, bytes, str]:
    draft = item.pieces.draft
    inputs = [] if draft.refused else draft.spec.inputs
    return to_json(item.record()), to_json(inputs) if inputs else b"[]", item.pieces.fingerprint


def _pieces(draft: ItemDraft, texts: dict[str, bytes]) -> Pieces:
    whole = draft.spec.model_dump_json(exclude_none=True).encode()
    fields: dict[str, Any] = from_json(whole)
    parts = {}
    for text in map(to_json, _parts(fields, is_large=len(whole) > LARGE_BYTES)):
        digest = sha256(text)[:DIGEST_CHARACTERS]
        parts[digest] = texts.setdefault(digest, text)
    fingerprint = sha256(b"%s %s" % (draft.custom_id.encode(), whole))[:32]
    return Pieces(draft, fields, parts, fingerprint, len(whole))


def _parts(fields: dict[str, Any], *, is_large: bool) -> Iterator[dict[str, Any]]:
    """Remove the fields that items may share, and yield them: large ones and metadata each alone."""
    for name in sorted(fields.keys() - _KEPT) if is_large else ():
        if len(to_json({name: fields[name]})) > LARGE_BYTES:
            yield {name: fields.pop(name)}
    if fields.get("metadata"):
        yield {"metadata": fields.pop("metadata")}
    if rest := {name: fields.pop(name) for name in sorted(fields.keys() - _VARYING)}:
        yield rest
