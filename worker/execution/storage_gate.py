"""Whether the storage answers: a worker to which it does not claims nothing, and looks again after pauses."""

import threading
import time

from shared.errors import AtelierError
from shared.storage.base import ObjectStore

PAUSE_SECONDS = 2.0  # between two looks
# While jobs wait and a slot is free, doorbells come, each of which has the storage asked, 30 s apart at most.
# Where none came for much longer nobody knows, and it is not the storage that jobs wait for.
KNOWN_SECONDS = 75.0


class StorageGate:
    """Open while the storage answers, as far as is known. Safe for many threads; one looks at a time."""

    def __init__(self, objects: ObjectStore, *, pause_seconds: float | None = None) -> None:
        self._objects = objects
        self._pause = PAUSE_SECONDS if pause_seconds is None else pause_seconds
        self._next_look: float | None = None  # None while it is open
        self._why: AtelierError | None = None  # of the latest look that failed
        self._lock = threading.Lock()

    def close(self, why: AtelierError) -> None:
        """Keep the gate closed for a pause, and until the storage answers after it."""
        self._why, self._next_look = why, time.monotonic() + self._pause

    @property
    def obstacle(self) -> AtelierError | None:
        """Why it is closed, as of the latest look; None while it is open or that is long ago. Asks nobody."""
        next_look = self._next_look
        if next_look is None:
            return None
        is_known = self._lock.locked() or time.monotonic() < next_look + KNOWN_SECONDS
        return self._why if is_known else None

    def is_open(self) -> bool:
        """Whether jobs may be claimed; of a closed gate the storage is asked, once in a pause."""
        return self._next_look is None or self.answers()

    def answers(self) -> bool:
        """Whether the storage can be read and written now; if it cannot, the gate is closed."""
        with self._lock:
            if self._next_look is not None and time.monotonic() < self._next_look:
                return False
            try:
                self._objects.check()
                self._objects.now()  # writes
            except AtelierError as error:
                self.close(error)
                return False
            self._next_look = None
            return True
