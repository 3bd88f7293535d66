"""Being told to stop: by a signal, or by the end of standard input. Told twice, in a hurry."""

import os
import signal
import threading
from types import FrameType

STDIN = 0


class Shutdown:
    """What the outside wants."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        self.hurried = threading.Event()

    def listen(self) -> None:
        """Take SIGINT, SIGTERM and SIGHUP as requests. Call it from the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        (self.hurried if self.requested.is_set() else self.requested).set()

    def listen_to_stdin(self) -> None:
        """Take the end of standard input as a request: it comes with the end of the process that holds it."""
        threading.Thread(target=self._until_end, daemon=True).start()

    def _until_end(self) -> None:
        while os.read(
            STDIN, 4096
        ):  # not through sys.stdin, whose lock would be held at the interpreter's end
            pass
        self.requested.set()
