"""What ends a run early, Ctrl-C or its time: it is noted, so that nothing breaks off half done."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

LEAST_SECONDS = 0.001  # 0 would stop the timer


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


@contextmanager
def on_timeout(seconds: float | None, act: Callable[[], None]) -> Iterator[None]:
    """Have `act` called when the block has run for so long; None is never. For the main thread alone."""
    if seconds is None:
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda *_: act())
    signal.setitimer(signal.ITIMER_REAL, max(seconds, LEAST_SECONDS))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def interruption(message: str) -> Iterator[None]:
    """Have a Ctrl-C within the block say how things stand and how to go on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if stop.args:  # said already, by a block within
            raise
        raise KeyboardInterrupt(f"interrupted; {message}") from stop
