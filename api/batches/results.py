"""Streams a batch's results: JSON lines, an archive, the entries of a contact sheet."""

import logging
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import astuple
from itertools import chain

from api.responses.content import Member, Text, archive
from api.responses.sheets.contact_sheet import SheetEntry, SheetLayout
from api.server.threads import ThreadYielder
from api.services import Services
from shared.batches.rendering import alike, named_outputs, result_view
from shared.errors import AtelierError
from shared.identifiers import sha256
from shared.jobs.job import Job, StoredOutput
from shared.jobs.rendering import Links
from shared.jobs.status import Status

PAGE = 200  # records that are read at once
MANIFEST = "results.jsonl"

log = logging.getLogger("atelier.api")


class Results:
    """The results of a batch after a given number, in the order of their end, read page by page."""

    def __init__(self, services: Services, batch_id: str, owner: str, *, after: int, limit: int) -> None:
        self._services = services
        self._batch_id = batch_id
        self._owner = owner
        self.after = after  # grows during the reading
        self.left = limit

    def __iter__(self) -> Iterator[Job]:
        give_way = ThreadYielder()
        while self.left > 0:
            size = min(PAGE, self.left)
            page = self._services.batches.finished(self._batch_id, self._owner, after=self.after, limit=size)
            for job in page.items:
                yield job
                give_way()
            read = page.next - self.after
            self.after, self.left = page.next, self.left - read
            if page.is_last:
                return


class ArchiveNames:
    """Names of pictures; no two names differ only in case, because many systems treat such names as equal."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self.apart: set[str] = set()  # ids of jobs whose picture names begin with the item's index

    def add(self, job: Job) -> list[tuple[str, StoredOutput]]:
        """Return the pictures of a job with their names."""
        named = list(named_outputs(job))
        if any(alike(name) in self._taken for name, _ in named):
            self.apart.add(job.id)
            named = list(named_outputs(job, apart=True))
        self._taken.update(alike(name) for name, _ in named)
        return named


def result_lines(
    services: Services,
    links: Links,
    batch_id: str,
    owner: str,
    *,
    after: int,
    limit: int,
    apart: Collection[str] = (),
) -> Iterator[bytes]:
    """Yield each result as a JSON line; picture names of the jobs in `apart` begin with the item's index."""
    for job in Results(services, batch_id, owner, after=after, limit=limit):
        yield result_view(job, links, apart=job.id in apart).model_dump_json().encode() + b"\n"


def archived(
    services: Services, links: Links, batch_id: str, owner: str, *, after: int, limit: int
) -> Iterator[bytes]:
    """Yield an archive of the pictures and of their JSON lines.

    Names are the same if a batch is fetched at once or in parts: earlier results get their names first.
    """
    results = Results(services, batch_id, owner, after=after, limit=limit)
    names = ArchiveNames()

    def members() -> Iterator[Member | Text]:
        for job in Results(services, batch_id, owner, after=0, limit=after):
            names.add(job)
        sent: list[int] = []
        for job in results:
            yield from (
                Member(name, output.key, output.bytes, output.sha256) for name, output in names.add(job)
            )
            sent += [job.index or 0] if job.outputs else []
            if len(sent) == PAGE:
                _note_fetched(services, batch_id, sent)
        part = {"after": after, "limit": limit - results.left}
        yield Text(MANIFEST, result_lines(services, links, batch_id, owner, **part, apart=names.apart))
        _note_fetched(services, batch_id, sent)

    return archive(members(), services.objects)


def _note_fetched(services: Services, batch_id: str, indexes: list[int]) -> None:
    """Note that the pictures of these items were sent, and forget them; what cannot be noted is no loss."""
    with suppress(AtelierError):
        services.batches.note_fetched(batch_id, indexes)
    indexes.clear()


def checked_start(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Return the pieces after the first one is ready, so that an early error becomes a problem response.

    A later error ends the connection, so that the client knows that the file is incomplete.
    """
    first = next(pieces, b"")
    return chain([first], _logged(pieces))


def _logged(pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except AtelierError as error:
        log.warning("download broke off", extra={"code": error.code, "detail": error.whole})
        raise


def sheet_entries(services: Services, batch_id: str, owner: str, limit: int) -> list[SheetEntry]:
    """Return the first picture of each of the first succeeded items, by index."""
    entries: list[SheetEntry] = []
    cursor: str | None = None
    while len(entries) < limit:
        size = min(PAGE, limit - len(entries))
        page = services.batches.items(batch_id, owner, status=Status.SUCCEEDED, limit=size, cursor=cursor)
        entries += [_entry(job) for job in page.items if job.outputs]
        cursor = page.next_cursor
        if cursor is None:
            break
    return entries


def sheet_tag(entries: list[SheetEntry], layout: SheetLayout) -> str:
    """Return the entity tag of a sheet. It is unique, because keys of pictures are never reused."""
    return sha256(repr([astuple(layout), [entry.key for entry in entries]]).encode())[:32]


def _entry(job: Job) -> SheetEntry:
    output = job.outputs[0]
    return SheetEntry(job.custom_id or job.id, output.key, output.width * output.height, output.bytes)
