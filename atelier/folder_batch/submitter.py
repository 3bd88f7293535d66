"""Submits pictures: opens a batch, adds items page by page, and finalizes it when it has all of them."""

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from atelier.client.batch_run import BatchRun
from atelier.client.client import Client
from atelier.client.errors import ApiError, Fault
from atelier.folder_batch.output_names import DIGEST_LENGTH, say_fault
from atelier.folder_batch.photo_check import WantedPicture
from atelier.folder_batch.results import OF_THE_PHOTO
from atelier.folder_batch.state_file import FILE, StateFile

MOST_ITEMS = 50_000  # that a batch takes
CUSTOM_ID_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a page of items."""

    run: BatchRun | None
    refused: tuple[tuple[WantedPicture, str], ...] = ()  # and why


@dataclass(slots=True)
class _Open:
    """The batch that takes items now."""

    run: BatchRun
    total: int = 0
    custom_ids: set[str] = field(default_factory=set)
    is_prepared: bool = False  # this run has uploaded what all items need


class Submitter:
    """Fills one batch after the other. For one thread at a time."""

    def __init__(
        self,
        client: Client,
        state_file: StateFile,
        settings: Mapping[str, Any],
        prepare: Callable[[], object],
    ) -> None:
        self._client = client
        self._state_file = state_file
        self._settings = dict(settings)
        self._prepare = prepare  # uploads what all items need, before the first of a batch
        self._open: _Open | None = None

    @property
    def is_open(self) -> bool:
        """Whether a batch takes further items, and is not finalized."""
        return self._open is not None

    def adopt(self, run: BatchRun, custom_ids: Sequence[str]) -> None:
        """Go on with a batch that an earlier run left open; it has these items."""
        self._open = _Open(run, len(custom_ids), set(custom_ids))

    def reopen(self) -> None:
        """Find the batch that an earlier run may have opened before it was interrupted."""
        opening = self._state_file.state.opening
        if opening is not None:
            run = self._client.batches.open(idempotency_key=opening["key"], **opening["settings"])
            self._state_file.note("batch", id=run.id)

    def send(self, pictures: Sequence[WantedPicture]) -> Sent:
        """Add items; the service may refuse some of them.

        Nothing is sent that cannot be written down before: a later run would send it again. Raises ApiError
        where the service refuses what all items have in common.
        """
        items = named(pictures)
        try:
            batch = self._batch_for(items)
            names = {name: wanted.key for name, wanted in items.items()}
            self._state_file.note("sent", batch=batch.run.id, items=names)
            self._state_file.write_down()
        except OSError as error:
            reason = f"{self._state_file.folder / FILE} cannot be written: {say_fault(error)}"
            return Sent(None, tuple((wanted, reason) for wanted in pictures))
        refused = []
        while items:
            faults = self._append(batch, items)
            if not faults:
                break
            refused += [(items.pop(name), reason) for name, reason in faults.items()]
        batch.total += len(items)
        batch.custom_ids |= items.keys()
        return Sent(batch.run, tuple(refused))

    def finish(self) -> None:
        """Finalize the open batch: it has all of its items."""
        if self._open is not None:
            self._open.run.finalize()
            self._open = None

    def _batch_for(self, items: Mapping[str, WantedPicture]) -> _Open:
        """Return a batch that has room for the items and none of their names."""
        known = self._open
        if known is not None:
            fits = known.total + len(items) <= MOST_ITEMS and not (items.keys() & known.custom_ids)
            if fits:
                return self._prepared(known)
            self.finish()
        key = uuid.uuid4().hex
        self._state_file.note("opening", key=key, settings=self._settings)
        self._state_file.write_down()
        run = self._client.batches.open(idempotency_key=key, **self._settings)
        self._state_file.note("batch", id=run.id)
        self._open = _Open(run)
        return self._prepared(self._open)

    def _prepared(self, batch: _Open) -> _Open:
        if not batch.is_prepared:
            self._prepare()
            batch.is_prepared = True
        return batch

    def _append(self, batch: _Open, items: Mapping[str, WantedPicture]) -> dict[str, str]:
        """Add the items, or return why the service takes none: faults by custom id."""
        lines = (json.dumps({**wanted.body, "custom_id": name}) for name, wanted in items.items())
        try:
            batch.run.append("".join(f"{line}\n" for line in lines).encode(), first=batch.total)
        except ApiError as error:
            faults = _by_item(error.errors, list(items))
            if faults:
                return faults
            self._withdraw(batch)
            raise _of_all(error) from error
        return {}

    def _withdraw(self, batch: _Open) -> None:
        """Cancel a batch that never got an item."""
        if not batch.total:
            with suppress(ApiError):
                batch.run.cancel()
            self._state_file.note("gone", batch=batch.run.id)


def _of_all(error: ApiError) -> ApiError:
    """Return an error that has a fault of all items once, without the numbers of items and lines."""
    faults: dict[str, Mapping[str, str]] = {}
    for fault in error.errors:
        pointer = re.sub(r"^/items/\d+", "", fault.pointer)
        detail = re.sub(r"^line \d+: ", "", fault.detail)
        faults.setdefault(f"{pointer} {detail}", {"pointer": pointer, "detail": detail, "code": fault.code})
    return ApiError({**error.problem, "errors": list(faults.values())}, status=error.status)


def _by_item(faults: Sequence[Fault], names: Sequence[str]) -> dict[str, str]:
    """Return the faults of items by their custom ids; none where a fault is one of all items' options."""
    found: dict[str, str] = {}
    for fault in faults:
        place, _, rest = fault.pointer.removeprefix("/").partition("/")
        number, _, field = rest.partition("/")
        if place != "items" or not number.isdigit() or int(number) >= len(names):
            continue
        if field.partition("/")[0] not in OF_THE_PHOTO:
            return {}
        found.setdefault(names[int(number)], fault.detail.split(": ", 1)[-1])
    return found


def named(pictures: Sequence[WantedPicture]) -> dict[str, WantedPicture]:
    """Return the pictures by the custom ids of their items, no two alike."""
    items: dict[str, WantedPicture] = {}
    for wanted in pictures:
        name = custom_id_of(wanted)
        items[_distinct(name, wanted) if name in items else name] = wanted
    return items


def custom_id_of(wanted: WantedPicture) -> str:
    """Return the custom id of an item: its target without the suffix, cut where that is too long or odd."""
    plain = wanted.target.rpartition(".")[0]
    clean = "".join(c if c.isprintable() else "_" for c in plain)
    if clean == plain and len(clean) <= CUSTOM_ID_LENGTH - DIGEST_LENGTH - 1:
        return clean
    return _distinct(clean, wanted)


def _distinct(name: str, wanted: WantedPicture) -> str:
    digest = hashlib.sha256(json.dumps(wanted.key).encode()).hexdigest()
    return f"{name[: CUSTOM_ID_LENGTH - DIGEST_LENGTH - 1]}~{digest[:DIGEST_LENGTH]}"
