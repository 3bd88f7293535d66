"""Accepts a batch request: check every item, then create, fill and finalize the batch."""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any

from api.batches.amount import Amount, check_least, refuse
from api.batches.body import SentBatch
from api.batches.faults import Faults
from api.batches.inputs import Inputs
from api.batches.items import Cards, Item, resolved, sound_items
from api.batches.placed import (
    PLACEHOLDER,
    PlacedTemplate,
    audit_places,
    check_places,
    count_pictures,
    inputs_of,
    refuse_from_place,
)
from api.batches.sources import Source
from api.jobs.bounds import delay_faults, size_faults, ttl_faults
from api.jobs.estimates import Estimate, Trial
from api.jobs.recipes import Recipes
from api.jobs.submission import HEADER, mismatch, terms_of
from api.jobs.versions import Versions
from api.jobs.workers import AvailableModels, notify_for
from api.server.request_trace import about_subject
from api.server.threads import ThreadYielder
from api.services import Services, check_room, key_id, request_id, request_trace
from shared.batches.batch import Batch, BatchDraft, BatchStatus, ItemDraft
from shared.batches.request import BatchSettings
from shared.batches.sharing import PackedItems, Pieces, in_pieces
from shared.cards.card import ModelCard
from shared.errors import AtelierError, FieldError, IdempotencyMismatch, InvalidRequest
from shared.identifiers import new_batch_id
from shared.settings import Settings
from shared.specs.parts import Lane
from shared.specs.results import Results
from shared.specs.spec import JobSpec, work_of
from shared.workers import slots_of

CHUNK = 200  # items that are in memory and looked up at once
CHUNK_BYTES = 1024 * 1024  # of their texts: as objects they take up to twenty times as much
PAGE = 50  # items that one script stores; this blocks the server for 2 to 3 ms
KEPT_BYTES = 8 * 1024 * 1024  # of the first items' texts as they are stored: about 15,000 small ones


class Intake:
    """The items of one request, read to check them all before the first is stored.

    The first are kept as they will be stored; the others are read again then, so never all are in memory.
    """

    def __init__(
        self,
        services: Services,
        source: Source,
        settings: BatchSettings,
        *,
        owner: str,
        batch_id: str,
        first: int = 0,
        batch: Batch | None = None,
        is_trial: bool = False,
        unknown: Collection[str] = (),
    ) -> None:
        """Take the items of `source`, from index `first` on; `unknown` are files that come later.

        `batch` is the one that they are added to, or None if the one with `batch_id` is not there yet. Of a
        trial nothing is stored.
        """
        self._services = services
        self._batch = batch
        self._batch_id = batch_id
        self._kept: list[PackedItems] = []
        self._parts: set[str] = set()  # digests of those that the batch has with the kept pages
        self._most_kept = 0 if is_trial else KEPT_BYTES
        self._room = self._most_kept
        self._source = source
        self._settings = settings
        self._owner = owner
        self._first = first  # index of the first item in the batch
        # Whether none of them is there already.
        self._is_new = batch is None or first >= batch.counts["total"]
        fault_of = partial(AvailableModels(services).fault_of, lane=settings.lane)
        self._cards = Cards(services.catalog, fault_of, self._version)
        self._versions = Versions(services)
        self._recipes = Recipes(services, owner)
        self._inputs = Inputs(services, owner, keep=not is_trial, unknown=unknown)

    def _version(self, spec: JobSpec, card: ModelCard, index: str) -> ModelCard:
        return self._versions.card_of(spec, card, f"{self._batch_id}:{index}", self._settings.lane)

    def check(self) -> None:
        """Raise one error with the faults of all items; or OutOfDisk, StoreFull or QuotaExceeded."""
        self._check_count()
        self._check_quota(queued=self._source.count)  # before any is looked at
        faults = Faults(self._source)
        amount = self._measured(faults)
        faults.raise_any()
        if self._inputs.has_addresses:  # only now: nothing is fetched for a request that has other faults
            check_room(self._services)
            self._inputs.fetch()
            amount = self._measured(faults)
            faults.raise_any()
        self._check_amount(amount)
        check_room(self._services, amount.record_bytes, amount.files)
        self._check_quota(**amount.asked)

    def specs(self) -> list[JobSpec]:
        """Return the resolved specifications of the checked items; nothing is stored of them."""
        faults = Faults(self._source)
        specs = []
        for chunk in self._chunks(faults):
            faults.raise_any()  # a style was deleted since the check
            specs += [pieces.draft.spec for _, page in self._pages(chunk) for pieces in page]
        return specs

    def estimate(self, trial: Trial) -> tuple[Amount, int]:
        """Return what the items that are not at fault ask for, and how many are; note what refuses them."""
        faults = Faults(self._source)
        if not trial.passes(self._check_count):
            return Amount(), 0
        amount = self._measured(faults)
        if self._inputs.has_addresses and not faults.count:
            trial.passes(self._inputs.fetch)
            amount = self._measured(faults)
        sent = self._inputs.unstored
        asked = {**amount.asked, "stored_bytes": amount.asked["stored_bytes"] + sum(sent.values())}
        files = amount.files + len(sent)
        trial.passes(faults.raise_any)
        trial.passes(lambda: self._check_amount(amount))
        trial.passes(lambda: check_room(self._services, amount.record_bytes, files, is_trial=True))
        trial.passes(lambda: self._check_quota(**asked))
        return amount, faults.count

    def _check_count(self) -> None:
        limit = self._services.settings.batches.max_items
        total = self._first + self._source.count
        if total > limit:
            raise InvalidRequest(f"a batch may have {limit} items; with these it had {total}")
        check_least(self._source, self._services.settings.batches)

    def _measured(self, faults: Faults) -> Amount:
        """Return what the sound items ask for whose pictures are there; note the faults of the others."""
        amount = Amount()
        self._keep_none()
        for chunk in self._chunks(faults):
            self._measure(chunk, amount, faults)
        return amount

    def _keep_none(self) -> None:
        self._kept, self._parts, self._room = [], set(), self._most_kept

    def _check_amount(self, amount: Amount) -> None:
        rules = self._services.settings.batches
        slots = slots_of(self._services.roster.recent(), self._settings.lane)
        seconds = self._services.queries.learned_seconds(amount.works, slots)
        refuse(list(amount.faults(self._source.place, rules, seconds, self._batch)))

    def _check_quota(self, **asked: int) -> None:
        if self._is_new:
            self._services.quotas.check(self._owner, **asked)

    def _measure(self, chunk: list[Item], amount: Amount, faults: Faults) -> None:
        """Add what sound items ask for; record those whose record would be too large."""
        settings, give_way = self._services.settings, ThreadYielder()
        sound = [item for item in chunk if item.position not in faults and not item.spec.addresses]
        for items, page in self._pages(sound):
            for item, pieces in zip(items, page, strict=True):
                if pieces.bytes > settings.limits.max_spec_bytes:
                    found = size_faults(pieces.draft.spec, pieces.bytes, settings)
                    faults.add(item.position, list(found), InvalidRequest)
                amount.add(pieces.draft)
            amount.add_records(page[sum(map(self._is_stored, items)) :])
            if self._room > 0:
                self._keep(page)
            give_way()

    def _keep(self, items: list[Pieces]) -> None:
        page = self._services.batches.pack(self._batch_id, items, self._parts)
        self._kept.append(page)
        self._room -= page.bytes

    def _pages(self, chunk: list[Item]) -> Iterator[tuple[list[Item], list[Pieces]]]:
        """Yield the items that one script stores."""
        ready = resolved(
            chunk,
            self._settings,
            batch_id=self._batch_id,
            first=self._first,
            output=self._services.settings.output,
        )
        while page := list(islice(ready, PAGE)):
            yield [item for item, _ in page], in_pieces([self._draft(item, spec) for item, spec in page])

    def _is_stored(self, item: Item) -> bool:
        """Whether an item was added before, and is sent again."""
        return self._batch is not None and self._first + item.position < self._batch.counts["total"]

    def fill(self, batch: Batch) -> int:
        """Store the checked items in their batch; return its new total."""
        total, at = batch.counts["total"], self._first
        if batch.id != self._batch_id:  # another request with the same key was faster
            self._batch_id = batch.id
            self._keep_none()
        for page in self._checked_pages():
            total = self._services.batches.add(batch.id, batch.owner, page, first=at)
            at += page.count
        return total

    def _checked_pages(self) -> Iterator[PackedItems]:
        yield from self._kept
        kept = sum(page.count for page in self._kept)
        if kept == self._source.count:
            return
        faults = Faults(self._source)
        self._cards.are_allowed = True
        for chunk in self._chunks(faults, after=kept):
            faults.raise_any()  # a file or a style was deleted since the check
            for _, items in self._pages(chunk):
                yield self._services.batches.pack(self._batch_id, items, self._parts)

    def _draft(self, item: Item, spec: JobSpec) -> ItemDraft:
        card, size = item.card, self._inputs.size_of(spec)
        return ItemDraft(item.custom_id, spec, work_of(spec, card, size), Results.of(spec, card, size))

    def _chunks(self, faults: Faults, *, after: int = 0) -> Iterator[list[Item]]:
        every = sound_items(
            self._source,
            self._settings,
            self._cards,
            first=self._first,
            faults=faults,
            recipes=self._recipes,
        )
        items = (item for item in every if item.position >= after)
        while chunk := list(self._some(items)):
            yield self._inputs.checked(chunk, faults)

    def _some(self, items: Iterator[Item]) -> Iterator[Item]:
        """Yield the next items, as many as may be in memory at once."""
        size = 0
        for item in islice(items, CHUNK):
            yield item
            size += self._source.bytes_of(item.position)
            if size >= CHUNK_BYTES:
                return


def submit_batch(services: Services, sent: SentBatch, owner: str, key: str) -> tuple[Batch, bool]:
    """Accept a batch with its items; return it and whether it is new.

    A repeated request with the same key finds the batch, and completes it if the first request broke off.
    """
    known = _known(services, sent, owner, key)
    if known is not None and not _broke_off(known, sent):
        return known, False
    refuse(list(_time_faults(sent.settings, services.settings)))
    check_places(services, sent, owner)
    if sent.place is not None:
        return _submit_placed(services, sent, owner, key)
    batch_id = new_batch_id() if known is None else known.id
    intake = Intake(services, sent.source, sent.settings, owner=owner, batch_id=batch_id, batch=known)
    intake.check()
    batch, created = _opened(services, sent, owner, key, batch_id)
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


def _submit_placed(services: Services, sent: SentBatch, owner: str, key: str) -> tuple[Batch, bool]:
    """Accept a batch whose items come of a place: what is made of each picture there is checked here."""
    assert isinstance(sent.source, PlacedTemplate)
    batch_id = new_batch_id()
    intake = Intake(
        services, sent.source, sent.settings, owner=owner, batch_id=batch_id, unknown={PLACEHOLDER}
    )
    intake.check()
    specs = intake.specs()
    templates = {"templates": sent.source.kept(specs), "inputs": inputs_of(specs), "source": sent.place}
    return _opened(services, sent, owner, key, batch_id, **templates)


def _estimate_placed(services: Services, sent: SentBatch, owner: str, trial: Trial) -> Estimate:
    """Return what is known before a picture is looked at: how many there are, and the faults of the rest."""
    options: dict[str, Any] = {"owner": owner, "batch_id": new_batch_id(), "is_trial": True}
    intake = Intake(services, sent.source, sent.settings, **options, unknown={PLACEHOLDER})
    amount, refused = intake.estimate(trial)
    found = trial.value(lambda: count_pictures(services, sent, owner)) if not trial.problems else 0
    items, pictures = (found or 0) * sent.source.count, (found or 0) * amount.results.pictures
    refused = items if refused else 0
    results = Results(pictures=pictures, pixels=0, bytes=0)
    return Estimate(items, refused, sent.settings.lane, results, problems=tuple(trial.problems))


def estimate_batch(services: Services, read: Callable[[], SentBatch], owner: str, key: str) -> Estimate:
    """Return what the batch that `read` reads would come to; nothing is stored."""
    try:
        sent = read()
    except InvalidRequest as error:  # nothing is known of its items
        return Estimate(0, 0, Lane.BULK, problems=(error,))
    trial, count, lane = Trial(), sent.source.count, sent.settings.lane
    known = trial.value(lambda: _known(services, sent, owner, key))
    if known is not None and not _broke_off(known, sent):
        return Estimate(count, 0, lane, repeats=known.id)
    trial.passes(lambda: refuse(list(_time_faults(sent.settings, services.settings))))
    trial.passes(lambda: terms_of(sent.settings.webhook, services.settings))
    if not trial.passes(lambda: check_places(services, sent, owner, is_trial=True)):
        return Estimate(count, count, lane, problems=tuple(trial.problems))
    if sent.place is not None:
        return _estimate_placed(services, sent, owner, trial)
    batch_id = known.id if known else new_batch_id()
    options: dict[str, Any] = {"owner": owner, "batch_id": batch_id, "batch": known, "is_trial": True}
    amount, refused = Intake(services, sent.source, sent.settings, **options).estimate(trial)
    return Estimate(count, refused, lane, amount.results, amount.works, tuple(trial.problems))


def _time_faults(asked: BatchSettings, settings: Settings) -> Iterator[FieldError]:
    yield from ttl_faults(asked.ttl_seconds, settings)
    yield from delay_faults(asked.not_before, asked.deadline_seconds, settings)


def append_items(services: Services, batch: Batch, source: Source, *, first: int) -> int:
    """Add items to an open batch, starting at the index `first`; return the batch's new total.

    The same items at the same index change nothing. If other requests take what the quota has left meanwhile,
    it raises QuotaExceeded; the batch then has the first of the items, and its total says how many.
    """
    refuse_from_place(batch)
    intake = Intake(
        services, source, batch.settings, owner=batch.owner, batch_id=batch.id, first=first, batch=batch
    )
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


def _opened(
    services: Services, sent: SentBatch, owner: str, key: str, batch_id: str, **of_source: Any
) -> tuple[Batch, bool]:
    terms = terms_of(sent.settings.webhook, services.settings)
    draft = BatchDraft(
        id=batch_id,
        owner=owner,
        settings=sent.settings,
        idempotency_key=key,
        fingerprint=sent.fingerprint,
        webhook=terms,
        request_id=request_id(),
        trace=request_trace(),
        key=key_id(),
        **of_source,
    )
    try:
        batch, is_new = services.batches.open(draft)
        if is_new:
            audit_places(batch)
    except IdempotencyMismatch as error:
        raise mismatch(HEADER) from error
    about_subject(batch_id=batch.id)
    return batch, is_new


def _broke_off(batch: Batch, sent: SentBatch) -> bool:
    """Whether an earlier request with the same key was not completed, such as when its process died."""
    if sent.place is not None:
        return False  # it was accepted in one step; its items come by themselves
    filled = batch.counts["total"] >= sent.source.count
    return batch.status is BatchStatus.OPEN and not (sent.open and filled)


def _cancel(services: Services, batch: Batch) -> None:
    with suppress(AtelierError):
        services.batches.cancel(batch.id, batch.owner)
