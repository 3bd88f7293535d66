"""Waiting for a service to say that it is ready."""

import threading

import httpx

ASK_EVERY_SECONDS = 0.2
ANSWER_SECONDS = 2.0


def is_ready(url: str) -> bool:
    """Whether the service takes jobs and a worker with warm models is there to do them."""
    return _says_yes(f"{url}/readyz")


def is_alive(url: str) -> bool:
    """Whether the API answers at all."""
    return _says_yes(f"{url}/healthz")


def _says_yes(url: str) -> bool:
    try:
        return httpx.get(url, timeout=ANSWER_SECONDS).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


class ReadyWatch:
    """Asks from a thread of its own until the service is ready, or is told to stop."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ready = threading.Event()
        self._stopped = threading.Event()
        threading.Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        while not self._stopped.wait(ASK_EVERY_SECONDS):
            if is_ready(self._url):
                self._ready.set()
                return

    def has_succeeded(self) -> bool:
        """Whether the service has been ready."""
        return self._ready.is_set()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()
