"""Takes the pictures of a source into its batch, some at a time. Any process may go on, and each may die."""

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice, takewhile

from shared.batches.batch import Batch, BatchStatus, ItemDraft
from shared.batches.store import BatchStore
from shared.batches.transfers import Reading
from shared.cards.card import Catalog
from shared.errors import AtelierError, BatchNotFound, FileNotFound, IllegalMove, InvalidRequest, JobGone
from shared.files.file_store import FileStore
from shared.places.catalog import Places, matching
from shared.places.objects import PlaceObjects
from shared.redis.memory_guard import MemoryGuard
from shared.setting_groups import BatchRules, Limits
from shared.storage.base import StoredObject
from shared.transfers.errors import SourceEnded, SourceTooLarge, at_place, is_given_up
from shared.transfers.pictures import Pictures, Taken, Template, drafts_of
from shared.transfers.store import LISTED_AT_ONCE, Transfer, Transfers, told_of

log = logging.getLogger("atelier.transfers")

AT_ONCE = 16  # pictures that one step takes
TRIES = 4  # that failed in a row, before a picture that the place alone of many does not give is refused
ASKED_FOR = 16  # pictures, to know that
MOST_AHEAD = 1000  # items that wait: what is taken earlier takes room earlier
AHEAD_SECONDS = 1.0
RENEW_SECONDS = 10.0
_OVER = (IllegalMove, BatchNotFound, JobGone)  # the batch takes no more items

Notify = Callable[[Batch], None]


@dataclass(frozen=True, slots=True)
class Importer:
    """Makes the steps of batches that have a source."""

    transfers: Transfers
    batches: BatchStore
    files: FileStore
    places: Places
    catalog: Catalog
    limits: Limits
    rules: BatchRules
    memory: MemoryGuard
    pool: Executor  # in which pictures are read
    notify: Notify  # tells workers of new items

    def step(self, batch_id: str) -> bool:
        """Make the next step of a batch; return whether another may follow at once.

        Raises what keeps it back: PlaceUnavailable, PlaceUnknown, or what storing a picture raises.
        """
        found = self.transfers.read("source", batch_id)
        if found is None or found.batch.reading is None:
            self.transfers.finish("source", batch_id)
            return False
        batch, reading = found.batch, found.batch.reading
        if batch.finalized_at is not None:
            self._close(found)
            return False
        try:
            return self._go_on(found, reading)
        except (SourceTooLarge, FileNotFound) as error:
            self._give_up(batch, error)
        except Exception as error:
            is_over = found.since_ms >= self.rules.open_seconds * 1000
            if not is_over or not is_given_up("source", error):
                raise
            self._give_up(batch, error if isinstance(error, AtelierError) else AtelierError())
        return True

    def _go_on(self, found: Transfer, reading: Reading) -> bool:
        batch = found.batch
        with at_place(reading.source.place):
            objects = self.places.open(reading.source.place, batch.owner, "read")
        templates = [Template.of(raw, self.catalog) for raw in self.transfers.templates(batch.id)]
        if reading.found is None:
            return self._list(batch, reading, objects, templates)
        return self._read(found, reading, objects, templates)

    def _close(self, found: Transfer) -> None:
        """Note how the source ended of a batch that takes no more items."""
        error = ""
        if found.has_final_error:
            error = self.transfers.final_error(found.batch.id)
        elif found.batch.status is BatchStatus.CANCELED:
            obstacle = found.batch.reading.obstacle if found.batch.reading else None
            why = f"{SourceEnded.title}: {obstacle.detail}" if obstacle else ""
            error = told_of(SourceEnded(why))
        self.transfers.finish("source", found.batch.id, error)

    def _give_up(self, batch: Batch, error: AtelierError) -> None:
        """Take no more of a source. Nothing starts where nothing was taken; what was taken goes on."""
        self.transfers.note_final(batch.id, error)
        with suppress(*_OVER):
            if batch.counts["total"]:
                self.batches.finalize(batch.id, batch.owner)
            else:
                self.batches.cancel(batch.id, batch.owner)
        log.warning("source not taken whole", extra={"batch_id": batch.id, "detail": error.whole})

    def _list(
        self, batch: Batch, reading: Reading, objects: PlaceObjects, templates: Sequence[Template]
    ) -> bool:
        """Note all that the source has, in the order of names; a listing that broke off begins again."""
        token = secrets.token_hex(8)
        if not self.transfers.begin_listing(batch.id, token):
            return False
        entries = self._matching(batch, reading, objects, most=self._most(templates))
        lines = iter(sorted(entries))
        count = 0
        while some := list(islice(lines, LISTED_AT_ONCE)):
            self.memory.check(sum(map(len, some)))
            texts = [f"{size} {name}" for name, size in some]
            if not self.transfers.add_listed(batch.id, token, texts):
                return False
            count += len(some)
        return self.transfers.end_listing(batch.id, token, count)

    def _most(self, templates: Sequence[Template]) -> int:
        items = len(templates)
        pictures = sum(template.pictures for template in templates)
        return min(self.rules.max_items // items, self.rules.max_pictures // max(1, pictures))

    def _matching(
        self, batch: Batch, reading: Reading, objects: PlaceObjects, *, most: int
    ) -> list[tuple[str, int]]:
        """Return names below the prefix, with sizes in bytes; raise SourceTooLarge."""
        found: list[tuple[str, int]] = []
        left = self.rules.max_record_bytes
        prefix = len(reading.source.prefix)
        with at_place(reading.source.place):
            for entry in self._renewing(batch, matching(objects, reading.source)):
                name = entry.key[prefix:]
                found.append((name, entry.bytes))
                left -= len(name.encode())
                if len(found) > most:
                    text = f"more than {most} pictures match; a batch may have {self.rules.max_items} items"
                    raise SourceTooLarge(f"{text} (max_items)")
                if left < 0:
                    raise SourceTooLarge("the names alone take more than max_record_mebibytes")
        return found

    def _renewing(self, batch: Batch, entries: Iterable[StoredObject]) -> Iterator[StoredObject]:
        due = time.monotonic() + RENEW_SECONDS
        for entry in entries:
            if time.monotonic() >= due:
                self.transfers.renew("source", batch.id)
                due = time.monotonic() + RENEW_SECONDS
            yield entry

    def _read(
        self, found: Transfer, reading: Reading, objects: PlaceObjects, templates: Sequence[Template]
    ) -> bool:
        """Store the next pictures, and add their items; those of no use fail, each by itself."""
        batch = found.batch
        total = batch.counts["total"]
        if batch.counts["queued"] >= MOST_AHEAD:
            self.transfers.postpone("source", batch.id, AHEAD_SECONDS)
            return False
        first, begun = divmod(total, len(templates))
        lines = self.transfers.listed(batch.id, first, AT_ONCE)
        if not lines:
            self.batches.finalize(batch.id, batch.owner)
            return True
        pictures = Pictures(self.files, self.limits, objects, reading.source, batch.owner)
        taken = self._taken(found, pictures, lines)
        whole = list(takewhile(lambda picture: picture.held is None, taken))
        drafts = drafts_of(whole, templates, first=first * len(templates), limits=self.limits)
        if some := list(islice(drafts, begun, None)):
            self._append(found, some)
        if held := next((picture.held for picture in taken if picture.held), None):
            raise held
        return True

    def _taken(self, found: Transfer, pictures: Pictures, lines: Sequence[str]) -> Sequence[Taken]:
        """Return pictures, those refused that a place which answers does not give after some tries."""
        taken = list(self.pool.map(pictures.take, lines))
        if found.tries < TRIES or all(picture.held is None for picture in taken):
            return taken
        if not any(picture.file for picture in taken) and not self._answers(found, pictures):
            return taken
        return [picture.refused() for picture in taken]

    def _answers(self, found: Transfer, pictures: Pictures) -> bool:
        """Whether the place gives any of some pictures, from its first to its last."""
        count = (found.batch.reading.found if found.batch.reading else None) or 0
        apart = max(1, count // ASKED_FOR)
        lines = chain.from_iterable(
            self.transfers.listed(found.batch.id, number, 1) for number in range(0, count, apart)
        )
        return any(self.pool.map(pictures.is_readable, lines))

    def _append(self, found: Transfer, drafts: Sequence[ItemDraft]) -> None:
        """Add items to their batch; where another process did, or it takes no more, nothing is to do."""
        batch = found.batch
        total = batch.counts["total"]
        self._check_amount(found, drafts)
        self.memory.check()
        try:
            self.batches.append(batch.id, batch.owner, drafts, first=total)
        except _OVER:
            return
        except InvalidRequest as error:
            if self._total(batch) == total:
                raise SourceTooLarge(error.detail) from error
        self.transfers.note_progress(found, "source")
        self.notify(self.batches.get(batch.id, batch.owner))

    def _total(self, batch: Batch) -> int:
        return self.batches.get(batch.id, batch.owner).counts["total"]

    def _check_amount(self, found: Transfer, drafts: Sequence[ItemDraft]) -> None:
        """Raise SourceTooLarge where the items from the source ask for more than one request may."""
        pixels = found.asked_pixels + sum(draft.results.pixels for draft in drafts)
        stored = found.asked_bytes + sum(draft.results.bytes for draft in drafts)
        asked = (
            ("gigapixels", pixels / 10**9, "max_gigapixels"),
            ("GiB of results", stored / 1024**3, "max_result_gibibytes"),
        )
        for what, amount, limit in asked:
            most = getattr(self.rules, limit)
            if amount > most:
                text = f"its pictures ask for more than {most:,g} {what} ({limit})"
                raise SourceTooLarge(
                    f"{text}; those after the first {found.batch.counts['total']} items are left"
                )
