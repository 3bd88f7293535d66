"""Long work in one thread of a process that answers others meanwhile."""

import time

WORK_SECONDS = 0.001
REST_SECONDS = 0.0002


class ThreadYielder:
    """Lets other threads run every millisecond.

    Python hands over by itself, but later, and at each of the many short waits that a request has.
    """

    def __init__(self) -> None:
        self._since = time.perf_counter()

    def __call__(self) -> None:
        """Rest if it is time; call it after every small step."""
        if time.perf_counter() - self._since > WORK_SECONDS:
            time.sleep(REST_SECONDS)
            self._since = time.perf_counter()
