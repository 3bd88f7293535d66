"""How much the items of one request ask for together: bounded after multiplying, before any is accepted."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from api.batches.sources import Source
from shared.batches.batch import ITEM_BYTES, Batch, ItemDraft
from shared.batches.sharing import LARGE_BYTES, Pieces, shared_parts, split
from shared.batches.store import too_many_bytes
from shared.errors import FieldError, InvalidRequest
from shared.setting_groups import MEBIBYTE, BatchRules
from shared.specs.results import Results

ITEM_FOLDERS = 2  # of a job and of its attempt
_GIGA, _GIBIBYTE = 10**9, 1024 * MEBIBYTE


class Amount:
    """Adds up what items ask for."""

    def __init__(self) -> None:
        self.record_bytes = 0  # of the job store's memory
        self._parts: set[str] = set()  # digests of what items share, which counts once
        self.works: Counter[str] = Counter()  # items by kind of work
        self._pictures = self._pixels = self._bytes = 0  # of the results

    def add(self, draft: ItemDraft) -> None:
        """Add a resolved item."""
        self.works[draft.work] += 1
        made = draft.results
        self._pictures += made.pictures
        self._pixels += made.pixels
        self._bytes += made.bytes

    def add_records(self, items: Sequence[Pieces]) -> None:
        """Add what the records of items take that are stored together.

        What they share counts once where it is worth taking them apart.
        """
        sizes = [pieces.bytes for pieces in items]
        if max(sizes, default=0) <= LARGE_BYTES:
            self.record_bytes += sum(sizes) + ITEM_BYTES * len(sizes)
            return
        stored = split(items, self._parts)
        new = {digest: text for digest, text in shared_parts(stored).items() if digest not in self._parts}
        self.record_bytes += sum(item.record_bytes for item in stored)
        self.record_bytes += sum(len(digest) + len(text) for digest, text in new.items())
        self._parts |= new.keys()

    @property
    def results(self) -> Results:
        """What they make."""
        return Results(self._pictures, self._pixels, self._bytes)

    @property
    def files(self) -> int:
        """Files and folders that the results will be, at least."""
        return self._pictures + ITEM_FOLDERS * self.works.total()

    @property
    def asked(self) -> dict[str, int]:
        """What they ask of their owner's quota."""
        return {"queued": self.works.total(), "stored_bytes": self._bytes, "daily_pixels": self._pixels}

    def faults(
        self, place: str, rules: BatchRules, seconds: float, batch: Batch | None = None
    ) -> Iterator[FieldError]:
        """Yield a fault for every limit that is passed; `seconds` of a worker's slot are all items' time.

        `batch` is the one that the items are added to, if it has others already.
        """
        used = batch.record_bytes if batch is not None else 0
        if used + self.record_bytes > rules.max_record_bytes:
            yield from too_many_bytes(place, used, self.record_bytes, rules).errors
        asked = (
            ("pictures", self._pictures, "max_pictures"),
            ("gigapixels", self._pixels / _GIGA, "max_gigapixels"),
            ("GiB of results", self._bytes / _GIBIBYTE, "max_result_gibibytes"),
            ("hours of a worker's slot", seconds / 3600, "max_hours"),
        )
        for what, amount, limit in asked:
            yield from _fault(place, what, amount, limit, getattr(rules, limit))


def check_least(source: Source, rules: BatchRules) -> None:
    """Raise InvalidRequest if even the shared part of the items is too large: nothing is multiplied then.

    The store has that part once, but here each item is read with it.
    """
    least = source.shared_bytes * source.count / MEBIBYTE
    what, limit = "MiB of items as JSON", "max_record_mebibytes"
    refuse(list(_fault(source.place, what, least, limit, rules.max_record_mebibytes)))


def refuse(faults: list[FieldError]) -> None:
    """Raise InvalidRequest with the faults, if there are any."""
    if faults:
        raise InvalidRequest("; ".join(fault.detail for fault in faults), errors=faults)


def _fault(place: str, what: str, amount: float, limit: str, most: float) -> Iterator[FieldError]:
    if amount <= most or math.isnan(amount):
        return
    name = place.rpartition("/")[2]
    shown = f"{amount:,.1f}" if isinstance(amount, float) else f"{amount:,}"
    text = f"{name} asks for about {shown} {what}; one request may ask for {most:,g} ({limit})"
    yield FieldError(place, text, "out_of_range")
