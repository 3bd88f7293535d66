"""Makes room where results take more than the storage may hold: the oldest go before their time.

Only what is done goes: never what is pinned, never a result that nobody fetched and that is younger than the
operator allows, never the bytes of a result that a kept job shares. Each step is bounded. It measures what is
stored once all garbage is gone, so that no more goes than must; a script refuses the step of a process that
measured before another one made room. Nothing is remembered outside the job store, so any process may die at
any time.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from shared.batches.store import BatchStore
from shared.errors import AtelierError
from shared.jobs.store import JobStore
from shared.maintenance.garbage import Garbage
from shared.redis.client import store_errors
from shared.setting_groups import MEBIBYTE, DiskRules
from shared.storage.base import ObjectStore
from shared.storage.disk_guard import on_disk

log = logging.getLogger("atelier.reclaim")

BEGIN_PERCENT, END_PERCENT = 95, 90  # of the quota: new work is refused at 100, so room is made before
MOST_FORGOTTEN = 50  # jobs that one script forgets; this blocks the server for a few milliseconds
MOST_SCRIPTS = 40  # of one step
MOST_SWEPT = 50  # rounds of a sweep in one step
PAUSE_SECONDS = 5.0  # between two steps,
BATCH = "batch_"  # ids of batches begin so
COST = 20  # and so many times as long as a measurement took


@dataclass(frozen=True, slots=True)
class Freed:
    """What went in one step."""

    ids: tuple[str, ...] = ()  # of jobs and batches
    bytes: int = 0  # of the jobs; what batches took is not known


class Reclaimer:
    """Removes the oldest results where the settings say so. Several may run at once."""

    def __init__(
        self,
        store: JobStore,
        batches: BatchStore,
        objects: ObjectStore,
        garbage: Garbage,
        rules: DiskRules,
    ) -> None:
        self._store = store
        self._batches = batches
        self._objects = objects
        self._garbage = garbage
        self._rules = rules
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin, in a thread of its own, if the settings ask for it."""
        if self._rules.reclaim == "oldest" and self._rules.quota_mebibytes:
            threading.Thread(target=self._run, name="reclaimer", daemon=True).start()

    def stop(self) -> None:
        """Begin no further step."""
        self._stopping.set()

    def _run(self) -> None:
        pause = PAUSE_SECONDS
        while not self._stopping.wait(pause):
            began = monotonic()
            try:
                self.step()
            except AtelierError as error:  # the next step tries again
                log.warning("making room failed", extra={"code": error.code, "detail": error.whole})
            pause = max(PAUSE_SECONDS, COST * (monotonic() - began))

    def step(self) -> Freed:
        """Forget the oldest results that are too much, and remove their bytes; return what went.

        Where there is much garbage, as of a batch that is being deleted, that goes first, and nothing else.
        """
        with store_errors():
            count = self._store.client.hget(self._store.scripts.keys("reclaimed"), "count") or "0"
        if not self._sweep():
            return Freed()
        quota = self._rules.quota_mebibytes * MEBIBYTE
        used = sum(on_disk(entry.bytes) for entry in self._objects.entries(""))
        if used * 100 <= quota * BEGIN_PERCENT:
            return Freed()
        freed = self._free(count, used - quota * END_PERCENT // 100)
        self._report(freed, used)
        self._sweep()
        return freed

    def _free(self, count: str, wanted: int) -> Freed:
        """Forget results until the wanted bytes are free: old ones, then younger ones that were fetched."""
        ids: list[str] = []
        size, scripts = 0, 0
        for which in ("old", "fetched"):
            offset, may_be_more = 0, 1
            while may_be_more and size < wanted and scripts < MOST_SCRIPTS:
                scripts += 1
                outcome, *rest = self._forget(count, which, offset, wanted - size)
                if outcome == "late":
                    return Freed(tuple(ids), size)
                count, freed, offset, may_be_more, *gone = rest
                ids, size = ids + gone, size + freed
                if any(name.startswith(BATCH) for name in gone):  # the next measurement tells what it took
                    return Freed(tuple(ids), size)
        return Freed(tuple(ids), size)

    def _forget(self, count: str, which: str, offset: int, wanted: int) -> Sequence[Any]:
        age, tombstone = self._rules.reclaim_min_age_seconds, self._store.rules.tombstone_seconds
        limits = (wanted, age * 1000, MOST_FORGOTTEN, tombstone * 1000)
        found: Sequence[Any] = self._store.scripts.run("room/reclaim", count, which, offset, *limits)
        return found

    def _sweep(self) -> bool:
        """Remove garbage; return whether none was left."""
        self._batches.go_on()
        with store_errors():
            is_deleting = self._store.client.exists(self._store.scripts.keys("batch_work"))
        rounds = (self._garbage.sweep() for _ in range(MOST_SWEPT))
        return not all(rounds) and not is_deleting

    def _report(self, freed: Freed, used: int) -> None:
        held = {"used_mebibytes": used // MEBIBYTE, "quota_mebibytes": self._rules.quota_mebibytes}
        for name in freed.ids:
            kind = "batch_id" if name.startswith(BATCH) else "job_id"
            log.info("removed to make room", extra={kind: name})
        if freed.ids:
            log.warning("made room", extra={"subjects": len(freed.ids), "bytes": freed.bytes, **held})
        else:
            log.warning("no result may be removed to make room", extra=held)
