"""Lists an owner's jobs: newest first, with the items of a batch at its place if requested; or next first."""

from collections.abc import Collection
from dataclasses import asdict, dataclass

from shared.cards.parts import name_of
from shared.jobs.job import Job
from shared.jobs.reading import PageReader
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.redis.client import Page, store_errors
from shared.specs.parts import Lane

# Limits for one step of a page.
RECORDS = 200  # jobs, or items whose status is looked at
BATCHES = 50  # counts of batches
# Limits for one page. A narrow filter may find fewer jobs than requested; then the cursor continues.
MAX_STEPS = 25
PAGE_RECORDS = 200  # complete records, 60 microseconds each, unless as many are requested


@dataclass(frozen=True, slots=True)
class JobFilter:
    """The jobs that a list shows; None means no restriction."""

    status: Status | None = None
    kind: str | None = None  # generate, stylize or transform
    model: str | None = None
    lane: str | None = None  # in which it is now
    code: str | None = None  # error code
    worker: str | None = None  # the latest worker
    model_version: str | None = None  # known of jobs that succeeded
    batch: str | None = None
    custom_id: str | None = None
    since: int | None = None  # accepted at this time or later, milliseconds since the epoch
    until: int | None = None  # accepted before this time
    metadata: tuple[str, str] | None = None  # a pair that it has among others
    style: str | None = None  # one of its styles: a stored style's name, a number, or the id of a file

    @property
    def given(self) -> list[str]:
        """The names of the restrictions."""
        return [name for name, wanted in asdict(self).items() if wanted is not None]

    def admits(self, job: Job) -> bool:
        """Whether the list shows a job."""
        code = job.error["code"] if job.error else None
        pairs = (
            (self.status, job.status),
            (self.kind, job.spec.type),
            (self.lane, job.lane),
            (self.code, code),
            (self.worker, job.worker),
            (self.model_version, job.model_version),
            (self.batch, job.batch_id),
            (self.custom_id, job.custom_id),
        )
        if not all(wanted in (None, has) for wanted, has in pairs):
            return False
        return self._admits_model(job.spec.model or "") and self._admits_the_rest(job)

    def _admits_model(self, reference: str) -> bool:
        """Whether a model is what the list shows: a name stands for all of its versions."""
        return self.model in (None, reference, name_of(reference))

    def _admits_the_rest(self, job: Job) -> bool:
        """Whether time, style and metadata are what the list shows."""
        if not (self.since or 0) <= job.created_at < (self.until or job.created_at + 1):
            return False
        if self.style is not None and self.style not in _styles(job):
            return False
        name, text = self.metadata or ("", "")
        return self.metadata is None or (job.spec.metadata or {}).get(name) == text


ALL = JobFilter()


def _styles(job: Job) -> set[str]:
    """Return every text by which one of a job's styles may be named."""
    styles = getattr(job.spec, "styles", ())
    return {str(part) for each in styles for part in (each.name, each.number, each.image) if part is not None}


@dataclass(frozen=True, slots=True)
class ListPlace:
    """A position between list entries: below a job or batch, or among a batch's items."""

    sequence: int | None  # of the job or batch; None is above all
    index: int | None = None  # the items below this one follow; None: no more items of that batch

    @classmethod
    def parse(cls, cursor: str | None) -> "ListPlace":
        """Parse a cursor."""
        sequence, _, index = (cursor or "").partition(".")
        return cls(int(sequence) if sequence else None, int(index) if index else None)

    def __str__(self) -> str:
        return f"{self.sequence}" if self.index is None else f"{self.sequence}.{self.index}"

    @property
    def top(self) -> str:
        """The highest score that lies below this place."""
        return "+inf" if self.sequence is None else f"({self.sequence}"


Entry = tuple[ListPlace, Job]  # a job, and the place below it


class JobList:
    """Reads lists page by page. Jobs that are added or deleted during the reading do not appear."""

    def __init__(self, store: JobStore) -> None:
        self._client = store.client
        self._key = store.scripts.keys
        self._scripts = store.scripts

    def page(
        self,
        owner: str,
        only: JobFilter,
        *,
        limit: int,
        cursor: str | None,
        items: bool,
        fields: Collection[str] | None = None,
    ) -> Page[Job]:
        """Return the owner's jobs that a filter admits, with items of batches or without them.

        A page of large records has fewer than `limit`. `fields` is as that of PageReader.
        """
        found: list[Entry] = []
        place: ListPlace | None = ListPlace.parse(cursor)
        reader = PageReader(self._scripts, fields, only.given, most=max(PAGE_RECORDS, limit + 1))
        for number in range(MAX_STEPS):
            if place is None or len(found) > limit or reader.is_full:
                break
            most = min(RECORDS, (limit + 1) << number)  # a filter that admits all needs no more than it shows
            entries, place = self._step(owner, only.status, place, reader, most, items=items)
            found += [entry for entry in entries if only.admits(entry[1])]
        if len(found) > limit:
            place = found[limit - 1][0]
        return Page(tuple(job for _, job in found[:limit]), None if place is None else str(place))

    def upcoming(
        self,
        owner: str,
        only: JobFilter,
        *,
        limit: int,
        cursor: str | None,
        fields: Collection[str] | None = None,
    ) -> Page[Job]:
        """Return the owner's jobs that wait and may start, next first, one lane after the other.

        Only those that a filter admits; items of batches, and what waits for a time or for an equal job, are
        not in it. `fields` is as above.
        """
        found: list[tuple[str, Job]] = []  # each with the place after it
        place: str | None = cursor or "0:"
        reader = PageReader(self._scripts, fields, only.given, most=max(PAGE_RECORDS, limit + 1))
        for number in range(MAX_STEPS):
            if place is None or len(found) > limit or reader.is_full:
                break
            entries, place = self._line(owner, place, reader, min(RECORDS, (limit + 1) << number))
            found += [entry for entry in entries if only.admits(entry[1])]
        if len(found) > limit:
            place = found[limit - 1][0]
        return Page(tuple(job for _, job in found[:limit]), place)

    def _line(
        self, owner: str, place: str, reader: PageReader, most: int
    ) -> tuple[list[tuple[str, Job]], str | None]:
        """Return the next jobs of a lane, `most` entries on, and the place after them; None after the last.

        A place is the number of a lane and, after a colon, the number in the owner's line that is behind.
        """
        lane, _, after = place.partition(":")
        key = self._key("queue", tuple(Lane)[int(lane)], owner)
        with store_errors():
            rows = self._client.zrangebyscore(
                key, f"({after}" if after else "-inf", "+inf", start=0, num=most, withscores=True
            )
        places = {entry: f"{lane}:{score!r}" for entry, score in rows}
        waits = [entry for entry in places if entry.startswith("job_")]  # others are batches
        jobs = reader.read(waits)
        found = [(places[job.id], job) for job in jobs if job and _waits_alone(job)]
        if len(jobs) < len(waits):  # the page is full
            return found, places[waits[len(jobs) - 1]]
        if len(rows) == most:
            return found, places[rows[-1][0]]
        return found, f"{int(lane) + 1}:" if int(lane) + 1 < len(Lane) else None

    def unlisted(self, owner: str, status: Status | None) -> int:
        """Return the number of batch items with a status: a list without items leaves them out."""
        place: ListPlace | None = ListPlace(None)
        count = 0
        while place is not None:
            rows, place = self._batches(owner, place, status)
            count += sum(number for _, _, number in rows)
        return count

    def _step(
        self,
        owner: str,
        status: Status | None,
        place: ListPlace,
        reader: PageReader,
        most: int,
        *,
        items: bool,
    ) -> tuple[list[Entry], ListPlace | None]:
        """Return the next entries below a place, of `most`, and the place below; None after the last."""
        if place.index is not None and items:
            return self._items(owner, status, place, reader, most)
        batch = self._next_batch(owner, place, status) if items else None
        floor = "-inf" if batch is None else f"({batch.sequence}"
        entries, below = self._jobs(owner, place.top, floor, reader, most)
        return entries, below or batch

    def _jobs(
        self, owner: str, top: str, floor: str, reader: PageReader, most: int
    ) -> tuple[list[Entry], ListPlace | None]:
        """Return the next jobs without a batch, and the place below them if more may be above `floor`."""
        key = self._key("owned_jobs", owner)
        with store_errors():
            rows = self._client.zrevrangebyscore(key, top, floor, start=0, num=most, withscores=True)
        jobs = reader.read([job_id for job_id, _ in rows])
        places = [ListPlace(int(score)) for _, score in rows[: len(jobs)]]
        is_whole = len(jobs) == len(rows) < most
        return _entries(places, jobs), None if is_whole else places[-1]

    def _next_batch(self, owner: str, place: ListPlace, status: Status | None) -> ListPlace | None:
        """Return the place above the items of the next batch that has items of a status; None after the last.

        If no batch of a chunk has such items, return the place below that chunk.
        """
        rows, below = self._batches(owner, place, status)
        return next((ListPlace(sequence, total) for sequence, total, count in rows if count), below)

    def _batches(
        self, owner: str, place: ListPlace, status: Status | None
    ) -> tuple[list[tuple[int, int, int]], ListPlace | None]:
        """Return (sequence, item count, count of a status) of the next batches, and the place below them."""
        key = self._key("owned_batches", owner)
        with store_errors():
            rows = self._client.zrevrangebyscore(
                key, place.top, "-inf", start=0, num=BATCHES, withscores=True
            )
            pipeline = self._client.pipeline(transaction=False)
            for batch_id, _ in rows:
                pipeline.hmget(self._key("batch", batch_id), "total", status or "total")
            counts = pipeline.execute()
        known = [
            (int(score), int(total or 0), int(count or 0))
            for (_, score), (total, count) in zip(rows, counts, strict=True)
        ]
        return known, ListPlace(known[-1][0]) if len(known) == BATCHES else None

    def _items(
        self, owner: str, status: Status | None, place: ListPlace, reader: PageReader, most: int
    ) -> tuple[list[Entry], ListPlace | None]:
        assert place.index is not None, "a place among items"
        below = ListPlace(place.sequence)
        key = self._key("owned_batches", owner)
        with store_errors():
            batch = self._client.zrangebyscore(key, place.sequence, place.sequence)
        if not batch:  # deleted in the meantime
            return [], below
        down = (place.index, "down", most, status or "")
        on, *flat = self._scripts.run("batches/find_items", batch[0], *down)
        jobs = reader.read(flat[1::2])
        places = [ListPlace(place.sequence, index) for index in flat[: 2 * len(jobs) : 2]]
        if len(jobs) < len(flat) // 2:
            return _entries(places, jobs), places[-1]
        return _entries(places, jobs), below if on < 0 else ListPlace(place.sequence, on)


def _waits_alone(job: Job) -> bool:
    return job.status is Status.QUEUED and job.batch_id is None


def _entries(places: list[ListPlace], jobs: list[Job | None]) -> list[Entry]:
    """Return the jobs that are there, each with the place below it."""
    return [(below, job) for below, job in zip(places, jobs, strict=True) if job]
