"""Reads the records of many jobs for a page: no more than it may have, and what its fields need alone."""

import sys
from collections.abc import Collection, Mapping, Sequence

from pydantic_core import from_json

from shared.jobs.job import Job
from shared.jobs.record import Record, job_from_record, unpacked
from shared.jobs.spec_parts import whole_records
from shared.redis.client import record_of
from shared.redis.scripts import Scripts

PAGE_BYTES = 2 * 1024 * 1024  # of the records of a page; as objects and as JSON they take ten times as much
AT_ONCE = 50  # records that one script reads; this blocks the server for about 1 ms

# Small ones, which are always read: whose record it is, which, and what most filters ask for.
_ALWAYS = (
    "id", "owner", "status", "lane", "schema", "type", "model", "version", "attempt", "released", "failures",
    "crashes", "sequence", "created_at", "batch", "packed",
)  # fmt: skip
_SPEC = ("spec", "parts")
_RUNS = ("history", "started_at", "completed_at", "worker", "cached_from")
# What fields of the view need besides. One that is not named here needs the whole record.
_NEEDED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("id", "object", "type", "status", "done", "attempt", "max_attempts", "crashes"), ()),
    **dict.fromkeys(("batch_id", "created_at", "urls"), ()),
    **dict.fromkeys(("input", "metadata"), _SPEC),
    **dict.fromkeys(("attempts", "timings"), ("timings", *_RUNS)),
    "progress": ("progress", "preview"),
    "model": ("model_version", "model_digest", "numerics", "precision"),
    **{name: (name,) for name in ("retried_from", "retried_as", "cached_from", "index", "custom_id")},
    **{name: (name,) for name in ("request_id", "outputs", "warnings", "error", "worker")},
    **{name: (name,) for name in ("started_at", "completed_at", "deadline_at", "expires_at", "not_before")},
    "pinned_at": ("pinned_at",),
}
_FILTERED: Mapping[str, tuple[str, ...]] = {  # what filters need besides
    "code": ("error",),
    "worker": ("worker",),
    "model_version": ("model_version",),
    "custom_id": ("custom_id",),
    "metadata": _SPEC,
    "style": _SPEC,
}


def record_fields(fields: Collection[str] | None, filters: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names of a record's fields that fields of the view, and filters, need; () for all."""
    if fields is None or not _NEEDED.keys() >= set(fields):
        return ()
    needed = [_NEEDED[name] for name in fields] + [_FILTERED.get(name, ()) for name in filters]
    return tuple(dict.fromkeys([*_ALWAYS, *(name for names in needed for name in names)]))


def without_spec(raw: Record) -> Record:
    """Return an unpacked record without its specification, which an ended item has among all the rest."""
    if not raw:
        return raw
    kind = raw.get("type") or from_json(raw["spec"])["type"]
    return {**{name: text for name, text in raw.items() if name not in _SPEC}, "type": kind}


class PageReader:
    """Reads jobs for one page, until their records have `PAGE_BYTES` together, or are `most`."""

    def __init__(
        self,
        scripts: Scripts,
        fields: Collection[str] | None = None,
        filters: Collection[str] = (),
        *,
        most: int = sys.maxsize,
    ) -> None:
        """With `fields`, it reads what these fields of a job's view need, and what filters of these names do.

        Then a job whose specification is not needed has one with type and model alone.
        """
        self._scripts = scripts
        self._names = record_fields(fields, filters)
        self.bytes_left = PAGE_BYTES  # that the page may still have
        self.records_left = most

    @property
    def is_full(self) -> bool:
        """Whether the page has all that it may have."""
        return min(self.bytes_left, self.records_left) <= 0

    def read(self, ids: Sequence[str]) -> list[Job | None]:
        """Return the jobs in order, None for one that is gone; fewer of them where the page gets full."""
        found: list[Job | None] = []
        while len(found) < len(ids) and not self.is_full:
            some = ids[len(found) : len(found) + min(AT_ONCE, self.records_left)]
            size, *records = self._scripts.run("jobs/read", self.bytes_left, " ".join(self._names), *some)
            self.bytes_left -= size
            self.records_left -= len(records)
            needed = [self._needed(unpacked(record_of(flat))) for flat in records]
            whole = whole_records(self._scripts.client, self._scripts.keys, needed)
            found += [job_from_record(raw) if raw else None for raw in whole]
        return found

    def _needed(self, raw: Record) -> Record:
        return raw if not self._names or "spec" in self._names else without_spec(raw)
