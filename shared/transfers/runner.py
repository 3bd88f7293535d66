"""Has batches go on from and to places, each a step at a time: a place that is silent delays only its own."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from shared.errors import AtelierError
from shared.transfers.errors import is_given_up
from shared.transfers.store import Kind, Transfers

log = logging.getLogger("atelier.transfers")

LOOK_SECONDS = 0.5
STEP_SECONDS = 5.0  # of steps in a row, before other batches have their turn
BATCHES_AT_ONCE = 8
PAUSE_SECONDS = 2.0  # before what found no room is tried again, and a place that failed for the first time

Step = Callable[[str], bool]


class TransferRunner:
    """A thread of the io worker; several processes may have one."""

    def __init__(self, transfers: Transfers, steps: Mapping[Kind, Step]) -> None:
        self._transfers = transfers
        self._steps = steps
        self._pool = ThreadPoolExecutor(BATCHES_AT_ONCE, thread_name_prefix="transfer")
        self._busy: dict[Future[None], tuple[Kind, str]] = {}  # places of what is in progress
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin, in a thread of its own."""
        threading.Thread(target=self._run, name="transfers", daemon=True).start()

    def stop(self) -> None:
        """Begin no more steps; another process, or the next start, goes on."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.look()
            except AtelierError as error:
                log.warning("no transfers taken", extra={"code": error.code, "detail": error.whole})
            except Exception:  # without this thread nothing goes on
                log.exception("transfers met a fault of the program")

    def look(self) -> None:
        """Begin the steps that are due, as many as there is room for."""
        self._busy = {future: what for future, what in self._busy.items() if not future.done()}
        for kind in self._steps:
            room = BATCHES_AT_ONCE - len(self._busy)
            busy = Counter(place for of, place in self._busy.values() if of == kind)
            for batch_id, place in self._transfers.take(kind, room, busy) if room > 0 else ():
                self._busy[self._pool.submit(self.go_on, kind, batch_id)] = (kind, place)

    def go_on(self, kind: Kind, batch_id: str) -> None:
        """Make steps of a batch that was taken; note what keeps it back."""
        try:
            self._step(kind, batch_id)
        except AtelierError as error:
            self._note(kind, batch_id, error, failing=is_given_up(kind, error))
        except Exception:
            log.exception("transfer met a fault of the program", extra={"batch_id": batch_id})
            self._note(kind, batch_id, AtelierError(), failing=True)

    def _step(self, kind: Kind, batch_id: str) -> None:
        until = time.monotonic() + STEP_SECONDS
        while self._steps[kind](batch_id):
            if time.monotonic() >= until or self._stopping.is_set():
                self._transfers.postpone(kind, batch_id, 0)
                return
            self._transfers.renew(kind, batch_id)

    def _note(self, kind: Kind, batch_id: str, error: AtelierError, *, failing: bool) -> None:
        log.warning("transfer waits", extra={"batch_id": batch_id, "code": error.code, "detail": error.whole})
        try:
            self._transfers.postpone(kind, batch_id, PAUSE_SECONDS, error, failing=failing)
        except AtelierError as other:  # the lease ends, and it goes on
            log.warning("transfer not noted", extra={"batch_id": batch_id, "detail": other.whole})
