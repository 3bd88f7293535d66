"""Puts results at a batch's destination, in the order in which its items ended.

The record of an item ends first; only then is its result put at the destination, and what came of it is noted
in one step. A process that dies between the two leaves an object that is whole, and that its successor, which
has the same bytes for the same name, finds and counts as put. So each result is put once, under one name.
"""

import json
import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from shared.batches.rendering import extension_of
from shared.errors import AtelierError, ObjectDamaged, ObjectNotFound
from shared.jobs.job import Job, StoredOutput
from shared.places.catalog import Places
from shared.places.names import apart, key_of, stem_of
from shared.places.objects import NameRefused, PlaceObjects, is_same
from shared.places.request import Destination
from shared.specs.stylize import StylizeSpec
from shared.storage.base import ObjectStore, read_checked
from shared.transfers.errors import PlaceUnavailable, at_place
from shared.transfers.store import Transfer, Transfers, told_of

log = logging.getLogger("atelier.transfers")

AT_ONCE = 16  # items that one step puts
GIVEN_UP_AT_ONCE = 200
GIVE_UP_SECONDS = 24 * 3600  # for which a place may be silent
LOOK_SECONDS = 1.0  # between two looks at whether items have ended
Told = tuple[str, str]  # an item's id and what came of it, as JSON; "" where it has no result


class NameTaken(AtelierError):
    """Raised when both names that a result may have are taken by other bytes, which stay as they are."""

    code = "name_taken"
    title = "The name is taken"


@dataclass(frozen=True, slots=True)
class Exporter:
    """Makes the steps of batches that have a destination."""

    transfers: Transfers
    objects: ObjectStore  # Atelier's own
    places: Places
    pool: Executor  # in which results are put

    def step(self, batch_id: str) -> bool:
        """Put the next results of a batch; return whether another step may follow at once.

        Raises PlaceUnavailable, PlaceUnknown or StorageUnavailable; what was put before is noted then.
        """
        found = self.transfers.read("destination", batch_id)
        if found is None or found.batch.delivering is None:
            self.transfers.finish("destination", batch_id)
            return False
        is_given_up = found.since_ms >= GIVE_UP_SECONDS * 1000
        count = GIVEN_UP_AT_ONCE if is_given_up else AT_ONCE
        ended = self.transfers.ended(batch_id, found.exported, count)
        if not ended:
            return self._wait(found)
        if is_given_up:
            return self._give_up(found, ended)
        return self._put(found, found.batch.delivering.destination, ended)

    def _wait(self, found: Transfer) -> bool:
        """Go on when further items have ended; note that all is there where none will."""
        is_over = found.batch.completed_at is not None and self.transfers.finish(
            "destination", found.batch.id
        )
        if not is_over:
            self.transfers.postpone("destination", found.batch.id, LOOK_SECONDS)
        return False

    def _put(
        self, found: Transfer, destination: Destination, ended: Sequence[tuple[str, Job | None]]
    ) -> bool:
        with at_place(destination.place):
            place = self.places.open(destination.place, found.batch.owner, "write")
        putter = _Putter(self.objects, place, destination, found.batch.id)
        tries = list(self.pool.map(putter.put, ended))
        told: list[Told] = []
        for outcome in tries:
            if isinstance(outcome, AtelierError):
                break
            told.append(outcome)
        if told:
            if not self.transfers.note_delivered(found.batch.id, found.exported, told):
                return True  # another process went on here
            self.transfers.note_progress(found, "destination")
        failed = next((outcome for outcome in tries if isinstance(outcome, AtelierError)), None)
        if failed is not None:
            raise failed
        return True

    def _give_up(self, found: Transfer, ended: Sequence[tuple[str, Job | None]]) -> bool:
        obstacle = found.batch.delivering.obstacle if found.batch.delivering else None
        code = obstacle.code if obstacle else PlaceUnavailable.code
        reason = obstacle.detail if obstacle else "the place does not answer"
        error = {"code": code, "detail": f"given up after a day: {reason}"}
        text = json.dumps({"status": "failed", "names": [], "error": error})
        told = [(name, text if job is not None and job.outputs else "") for name, job in ended]
        self.transfers.note_delivered(found.batch.id, found.exported, told)
        log.warning("results not delivered", extra={"batch_id": found.batch.id, "items": len(told)})
        return True


@dataclass(frozen=True, slots=True)
class _Putter:
    """Puts the results of one batch."""

    objects: ObjectStore
    place: PlaceObjects
    destination: Destination
    batch_id: str

    def put(self, item: tuple[str, Job | None]) -> Told | AtelierError:
        """Put an item's pictures; return what came of it, or the error after which it is tried again."""
        name, job = item
        if job is None or not job.outputs:
            return name, ""
        try:
            names = [self._put(job, number, output) for number, output in enumerate(job.outputs)]
        except (NameTaken, NameRefused, ObjectNotFound, ObjectDamaged) as error:
            failed = {"status": "failed", "names": [], "error": json.loads(told_of(error))}
            return name, json.dumps(failed)
        except AtelierError as error:
            return error
        return name, json.dumps({"status": "delivered", "names": names})

    def _put(self, job: Job, number: int, output: StoredOutput) -> str:
        data = read_checked(self.objects, output.key, output.sha256)
        values = values_of(job, number, output, self.batch_id)
        key = key_of(self.destination.name, self.destination.prefix, values, of=len(job.outputs))
        with at_place(self.destination.place):
            for name in (key, apart(key, job.index or 0)):
                if self.place.create(name, data) or is_same(self.place, name, data):
                    return name
        raise NameTaken(f"other bytes have the name {key}, and that with the item's index before it")


def values_of(job: Job, number: int, output: StoredOutput, batch_id: str) -> dict[str, str]:
    """Return what stands for the fields of a name."""
    source = job.source or ""
    custom_id = job.custom_id or str(job.index)
    return {
        "stem": stem_of(source) if source else custom_id,
        "path": source.rpartition("/")[0],
        "style": job.style_label or _style_of(job),
        "custom_id": custom_id,
        "index": f"{job.index or 0:05d}",
        "output": str(number),
        "seed": "" if output.seed is None else str(output.seed),
        "batch": batch_id,
        "ext": extension_of(output.media_type),
    }


def _style_of(job: Job) -> str:
    """Return the first style of a job: its name or its number; "" for a job without one."""
    if not isinstance(job.spec, StylizeSpec):
        return ""
    style = job.spec.styles[0]
    return style.name or f"style{style.number or 0}"
