"""Reads the records of many jobs for one page, and no more than a page may have."""

from collections.abc import Sequence

from shared.jobs.job import Job
from shared.jobs.record import job_from_record
from shared.jobs.spec_parts import whole_records
from shared.redis.client import record_of
from shared.redis.scripts import Scripts

PAGE_BYTES = 2 * 1024 * 1024  # of the records of a page; as objects and as JSON they take ten times as much
AT_ONCE = 50  # records that one script reads; this blocks the server for about 1 ms


class PageReader:
    """Reads jobs for one page, until their records have `PAGE_BYTES` together."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._left = PAGE_BYTES

    @property
    def is_full(self) -> bool:
        """Whether the page has all that it may have."""
        return self._left <= 0

    def read(self, ids: Sequence[str]) -> list[Job | None]:
        """Return the jobs in order, None for one that is gone; fewer of them where the page gets full."""
        found: list[Job | None] = []
        while len(found) < len(ids) and not self.is_full:
            some = ids[len(found) : len(found) + AT_ONCE]
            size, *records = self._scripts.run("jobs/read", self._left, *some)
            self._left -= size
            whole = whole_records(self._scripts.client, self._scripts.keys, map(record_of, records))
            found += [job_from_record(raw) if raw else None for raw in whole]
        return found
