"""Reads the records of many jobs for one page, and no more than a page may have."""

from collections.abc import Collection, Sequence

from shared.jobs.job import Job
from shared.jobs.part_fields import record_fields, without_spec
from shared.jobs.record import Record, job_from_record, unpacked
from shared.jobs.spec_parts import whole_records
from shared.redis.client import record_of
from shared.redis.scripts import Scripts

PAGE_BYTES = 2 * 1024 * 1024  # of the records of a page; as objects and as JSON they take ten times as much
AT_ONCE = 50  # records that one script reads; this blocks the server for about 1 ms


class PageReader:
    """Reads jobs for one page, until their records have `PAGE_BYTES` together."""

    def __init__(
        self, scripts: Scripts, fields: Collection[str] | None = None, filters: Collection[str] = ()
    ) -> None:
        """With `fields`, it reads what these fields of a job's view need, and what filters of these names do.

        Then a job whose specification is not needed has one with type and model alone.
        """
        self._scripts = scripts
        self._names = record_fields(fields, filters)
        self.bytes_left = PAGE_BYTES  # that the page may still have

    @property
    def is_full(self) -> bool:
        """Whether the page has all that it may have."""
        return self.bytes_left <= 0

    def read(self, ids: Sequence[str]) -> list[Job | None]:
        """Return the jobs in order, None for one that is gone; fewer of them where the page gets full."""
        found: list[Job | None] = []
        while len(found) < len(ids) and not self.is_full:
            some = ids[len(found) : len(found) + AT_ONCE]
            size, *records = self._scripts.run("jobs/read", self.bytes_left, " ".join(self._names), *some)
            self.bytes_left -= size
            needed = [self._needed(unpacked(record_of(flat))) for flat in records]
            whole = whole_records(self._scripts.client, self._scripts.keys, needed)
            found += [job_from_record(raw) if raw else None for raw in whole]
        return found

    def _needed(self, raw: Record) -> Record:
        return raw if not self._names or "spec" in self._names else without_spec(raw)
