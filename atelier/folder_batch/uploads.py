"""Brings pictures to the service, each once: it is asked first whether it has them."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.files import id_of

HTTP_NOT_FOUND = 404
SOON = timedelta(hours=1)  # a file that is forgotten so soon is sent again, which prolongs its stay


class Uploads:
    """The files that this run has seen to. Several threads may ask for the same one at once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._known: dict[str, Future[None]] = {}
        self.sent = 0  # files that the service did not have

    def ensure(self, data: bytes, *, anew: bool = False) -> str:
        """Return the id of a file that the service has; raise ApiError where it refuses it.

        `anew` asks even where this run has done so before: the service may have forgotten the file.
        """
        name = id_of(data)
        with self._lock:
            if anew:
                self._known.pop(name, None)
            mine = name not in self._known
            future = self._known.setdefault(name, Future())
        if mine:
            self._settle(future, lambda: self._bring(name, data))
        future.result()
        return name

    @staticmethod
    def _settle(future: Future[None], work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # whoever waits for the file has it raised
            future.set_exception(error)
        else:
            future.set_result(None)

    def _bring(self, name: str, data: bytes) -> None:
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
