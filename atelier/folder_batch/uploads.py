"""Uploads pictures to the service, each once, and only where the service does not have it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.files import id_of

HTTP_NOT_FOUND = 404
SOON = timedelta(hours=1)  # a file that expires within this time is sent again, which renews it


class Uploads:
    """The files that this run has ensured. Several threads may ask for the same one at once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._known: dict[str, Future[None]] = {}
        self.sent = 0  # files that the service did not have

    def ensure(self, data: bytes, *, recheck: bool = False) -> str:
        """Return the id of a file that the service has; raise ApiError where it refuses it.

        `recheck` asks the service also where this run has done so before: it may have forgotten the file.
        """
        name = id_of(data)
        with self._lock:
            if recheck:
                self._known.pop(name, None)
            mine = name not in self._known
            future = self._known.setdefault(name, Future())
        if mine:
            self._settle(future, lambda: self._upload(name, data))
        future.result()
        return name

    @staticmethod
    def _settle(future: Future[None], work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # raised in every thread that waits for the file
            future.set_exception(error)
        else:
            future.set_result(None)

    def _upload(self, name: str, data: bytes) -> None:
        if self._is_there(name):
            return
        self._client.files.upload(data)
        with self._lock:
            self.sent += 1

    def _is_there(self, name: str) -> bool:
        try:
            until = self._client.files.expires_at(name)
        except ApiError as error:
            if error.status == HTTP_NOT_FOUND:
                return False
            raise
        return until is None or until > datetime.now(UTC) + SOON
