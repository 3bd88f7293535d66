"""What Ctrl-C does to a run: it is noted, so that nothing breaks off half done; a second one is as usual."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Have the first Ctrl-C while the block runs call `act`, and the next raise KeyboardInterrupt.

    For the main thread alone.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        act()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
