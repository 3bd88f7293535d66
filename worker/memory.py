"""How this process takes memory from the system."""

import ctypes
import os

_ARENAS = 2
_M_ARENA_MAX = -8  # of glibc's malloc.h


def share_heaps() -> None:
    """Let all threads share two heaps, where the C library is glibc and the operator has not chosen.

    By default every busy thread gets its own, and none gives back what it once held: 30 to 40 MiB more after
    50 jobs, for no speed. Call it before threads start.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Give the system what the heaps no longer use: about 20 MiB after models were loaded and compiled."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
