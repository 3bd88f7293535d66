"""Ctrl-C and timeouts: calls and messages in place of a KeyboardInterrupt without words."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

LEAST_SECONDS = 0.001  # 0 would stop the timer


@contextmanager
def on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` at the first Ctrl-C while the block runs; the next raises KeyboardInterrupt.

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
    """Call `act` when the block has run for `seconds`; None is never. For the main thread alone."""
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
    """Give a Ctrl-C within the block a message: what was done, and how to go on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        if stop.args:  # a block within gave it a message
            raise
        raise KeyboardInterrupt(f"interrupted; {message}") from stop
