"""Accepts a batch request: check every item, then create, fill and finalize the batch."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from api.batches.amount import Amount, check_least, refuse
from api.batches.body import SentBatch
from api.batches.inputs import Inputs
from api.batches.items import Cards, Item, resolved, sound_items
from api.batches.sources import Faults, Source
from api.jobs.bounds import record_bytes, size_faults, ttl_faults
from api.jobs.submission import HEADER, mismatch, terms_of
from api.jobs.workers import AvailableModels, notify_for
from api.services import Services, check_room, key_id, request_id
from shared.batches.batch import Batch, BatchDraft, BatchStatus, ItemDraft
from shared.batches.request import BatchSettings
from shared.errors import AtelierError, IdempotencyMismatch, InvalidRequest
from shared.identifiers import new_batch_id
from shared.specs.results import Results
from shared.specs.spec import JobSpec, work_of

CHUNK = 200  # items that are in memory and looked up at once
PAGE = 50  # items that one script stores; this blocks the server for 2 to 3 ms


class Intake:
    """The items of one request. They are read twice, to check and to store; never all are in memory."""

    def __init__(
        self,
        services: Services,
        source: Source,
        settings: BatchSettings,
        *,
        owner: str,
        first: int,
        known: int = 0,
    ) -> None:
        """`known` is how many items the batch has."""
        self._services = services
        self._source = source
        self._settings = settings
        self._owner = owner
        self._first = first  # index of the first item in the batch
        self._is_new = first >= known  # whether none of them is there already
        self._cards = Cards(services.catalog, AvailableModels(services).fault)
        self._inputs = Inputs(services, owner)

    def check(self) -> None:
        """Raise one error with the faults of all items; or OutOfDisk, StoreFull or QuotaExceeded."""
        limit = self._services.settings.batches.max_items
        total = self._first + self._source.count
        if total > limit:
            raise InvalidRequest(f"a batch may have {limit} items; with these it had {total}")
        check_least(self._source, self._services.settings.batches)
        self._check_quota(queued=self._source.count)  # before any is looked at
        amount = self._check_all()
        if self._inputs.has_addresses:  # only now: nothing is fetched for a request that has other faults
            check_room(self._services)
            self._inputs.fetch()
            amount = self._check_all()
        self._check_amount(amount)

    def _check_all(self) -> Amount:
        """Return what all items ask for, if all pictures are there; raise one error with their faults."""
        faults, amount = Faults(self._source), Amount()
        for chunk in self._chunks(faults):
            if not self._inputs.has_addresses:
                self._measure(chunk, amount, faults)
        faults.raise_any()
        return amount

    def _check_amount(self, amount: Amount) -> None:
        rules, slots = self._services.settings.batches, self._slots()
        seconds = self._services.queries.learned_seconds(amount.works, slots)
        refuse(list(amount.faults(self._source.place, rules, seconds)))
        check_room(self._services, amount.record_bytes, amount.files)
        self._check_quota(**amount.asked)

    def _check_quota(self, **asked: int) -> None:
        if self._is_new:
            self._services.quotas.check(self._owner, **asked)

    def _slots(self) -> int:
        """Return how many jobs all live workers run at once."""
        return sum(worker.at_full_speed for worker in self._services.roster.live())

    def _measure(self, chunk: list[Item], amount: Amount, faults: Faults) -> None:
        """Add what sound items ask for; record those whose record would be too large."""
        settings = self._services.settings
        sound = [item for item in chunk if item.position not in faults]
        for item, spec in resolved(sound, self._settings, batch_id="", first=self._first):
            size = record_bytes(spec)
            if size > settings.limits.max_spec_bytes:
                faults.add(item.position, list(size_faults(spec, size, settings)), InvalidRequest)
            amount.add(spec, item.card, self._inputs.size_of(spec), size)

    def fill(self, batch: Batch) -> int:
        """Store the checked items in their batch; return its new total."""
        total, at = batch.counts["total"], self._first
        faults = Faults(self._source)
        for chunk in self._chunks(faults):
            faults.raise_any()  # a file or a style was deleted since the check
            ready = resolved(chunk, self._settings, batch_id=batch.id, first=self._first)
            drafts = [self._draft(item, spec) for item, spec in ready]
            for page in (drafts[start : start + PAGE] for start in range(0, len(drafts), PAGE)):
                total = self._services.batches.append(batch.id, batch.owner, page, first=at)
                at += len(page)
        return total

    def _draft(self, item: Item, spec: JobSpec) -> ItemDraft:
        card, size = item.card, self._inputs.size_of(spec)
        return ItemDraft(item.custom_id, spec, work_of(spec, card, size), Results.of(spec, card, size))

    def _chunks(self, faults: Faults) -> Iterator[list[Item]]:
        items = sound_items(self._source, self._settings, self._cards, first=self._first, faults=faults)
        while chunk := list(islice(items, CHUNK)):
            yield self._inputs.checked(chunk, faults)


def submit_batch(services: Services, sent: SentBatch, owner: str, key: str) -> tuple[Batch, bool]:
    """Accept a batch with its items; return it and whether it is new.

    A repeated request with the same key finds the batch, and completes it if the first request broke off.
    """
    known = _known(services, sent, owner, key)
    if known is not None and not _broke_off(known, sent):
        return known, False
    refuse(list(ttl_faults(sent.settings.ttl_seconds, services.settings)))
    known_items = known.counts["total"] if known else 0
    intake = Intake(services, sent.source, sent.settings, owner=owner, first=0, known=known_items)
    intake.check()
    batch, created = _opened(services, sent, owner, key)
    try:
        intake.fill(batch)
    except AtelierError as error:
        if not (key and error.retryable):  # no request can complete this batch
            _cancel(services, batch)
        raise
    if not sent.open:
        services.batches.finalize(batch.id, owner)
    batch = services.batches.get(batch.id, owner)
    notify_for(services, batch)
    return batch, created


def append_items(services: Services, batch: Batch, source: Source, *, first: int) -> int:
    """Add items to an open batch, starting at the index `first`; return the batch's new total.

    The same items at the same index change nothing. If other requests take what the quota has left meanwhile,
    it raises QuotaExceeded; the batch then has the first of the items, and its total says how many.
    """
    known = batch.counts["total"]
    intake = Intake(services, source, batch.settings, owner=batch.owner, first=first, known=known)
    intake.check()
    total = intake.fill(batch)
    notify_for(services, services.batches.get(batch.id, batch.owner))
    return total


def _known(services: Services, sent: SentBatch, owner: str, key: str) -> Batch | None:
    """Return the batch that this key created; raise IdempotencyMismatch if another request used the key."""
    known = services.batches.keyed(owner, key) if key else None
    if known is None:
        return None
    if known[1] != sent.fingerprint:
        raise mismatch(HEADER)
    return services.batches.get(known[0], owner)


def _opened(services: Services, sent: SentBatch, owner: str, key: str) -> tuple[Batch, bool]:
    terms = terms_of(sent.settings.webhook, services.settings)
    draft = BatchDraft(
        id=new_batch_id(),
        owner=owner,
        settings=sent.settings,
        idempotency_key=key,
        fingerprint=sent.fingerprint,
        webhook=terms,
        request_id=request_id(),
        key=key_id(),
    )
    try:
        return services.batches.open(draft)
    except IdempotencyMismatch as error:
        raise mismatch(HEADER) from error


def _broke_off(batch: Batch, sent: SentBatch) -> bool:
    """Whether an earlier request with the same key was not completed, such as when its process died."""
    filled = batch.counts["total"] >= sent.source.count
    return batch.status is BatchStatus.OPEN and not (sent.open and filled)


def _cancel(services: Services, batch: Batch) -> None:
    with suppress(AtelierError):
        services.batches.cancel(batch.id, batch.owner)
