"""Reads records of jobs with all parts of their specifications, which items of a batch may share.

What is shared is stored once, with the batch, as parts by digest (`shared/batches/sharing.py` makes them).
"""

from collections.abc import Iterable, Sequence

from shared.jobs.record import PART, Record, unpacked
from shared.redis.client import Client, store_errors
from shared.redis.keys import Keys

Place = tuple[str, str]  # of a part: its batch and its digest


def whole_records(client: Client, keys: Keys, read: Iterable[Record]) -> list[Record]:
    """Return records, as they were read, with the texts of their parts, in the same order.

    An empty one stays empty; so is one whose batch was deleted meanwhile. Raises StoreUnavailable.
    """
    records = [unpacked(raw) for raw in read]
    with store_errors():
        parts = _read_parts(client, keys, sorted({place for raw in records for place in _places(raw)}))
    return [_with_parts(raw, parts) for raw in records]


def _places(raw: Record) -> list[Place]:
    return [(raw["batch"], digest) for digest in raw.get("parts", "").split()]


def _read_parts(client: Client, keys: Keys, places: Sequence[Place]) -> dict[Place, str | None]:
    if not places:
        return {}
    pipeline = client.pipeline(transaction=False)
    for batch, digest in places:
        pipeline.hget(keys("batch_parts", batch), digest)
    return dict(zip(places, pipeline.execute(), strict=True))


def _with_parts(raw: Record, parts: dict[Place, str | None]) -> Record:
    """Return a record with the texts of its parts; an empty one if its batch was deleted meanwhile."""
    texts = {PART + place[1]: parts[place] for place in _places(raw)}
    found = {name: text for name, text in texts.items() if text is not None}
    return {**raw, **found} if len(found) == len(texts) else {}
