"""Contact sheets and thumbnails that were made: kept within bounds, and only a few are made at once."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from api.errors import TooManyDownloads
from shared.setting_groups import MEBIBYTE

AT_ONCE = 2  # a sheet decodes up to 250 million pixels
MOST_BYTES = 32 * MEBIBYTE  # of all sheets that are kept


class SheetCache:
    """Sheets by their entity tags, which name the pictures and the layout. It is safe for many threads."""

    def __init__(
        self, *, most_bytes: int = MOST_BYTES, at_once: int = AT_ONCE, wait_seconds: float = 0
    ) -> None:
        """Who comes when `at_once` are being made waits `wait_seconds` for one of them to be done."""
        self._most = most_bytes
        self._wait_seconds = wait_seconds
        self._sheets: OrderedDict[str, bytes] = OrderedDict()  # the latest used last
        self._lock = threading.Lock()
        self._places = threading.Semaphore(at_once)

    def sheet(self, tag: str, make: Callable[[], bytes]) -> bytes:
        """Return the sheet of a tag; make it if it is not kept. Raises TooManyDownloads if many are made."""
        known = self._known(tag)
        if known is not None:
            return known
        if not self._places.acquire(timeout=self._wait_seconds):
            raise TooManyDownloads(
                "as many small pictures and contact sheets as can be are being made; try again shortly"
            )
        try:
            return self._keep(tag, make())
        finally:
            self._places.release()

    def _known(self, tag: str) -> bytes | None:
        with self._lock:
            if tag in self._sheets:
                self._sheets.move_to_end(tag)
            return self._sheets.get(tag)

    def _keep(self, tag: str, sheet: bytes) -> bytes:
        with self._lock:
            self._sheets[tag] = sheet
            while sum(map(len, self._sheets.values())) > self._most:
                self._sheets.popitem(last=False)
        return sheet
