"""How this process takes memory from the system."""

import ctypes
import os
from pathlib import Path

_ARENAS = 2
_PICTURE_BLOCK = 64 * 1024 * 1024  # bytes
_M_ARENA_MAX = -8  # of glibc's malloc.h
_STATUS = Path("/proc/self/statm")


def share_heaps() -> None:
    """Let all threads share two heaps, where the C library is glibc and the operator has not chosen.

    By default every busy thread gets its own, and none gives back what it once used: 30 to 40 MiB more after
    50 jobs, for no speed. Call it before threads start.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def take_pictures_whole() -> None:
    """Let Pillow ask for 64 MiB at a time, not 16: glibc gives back at once what is above 32 MiB."""
    from PIL import _imaging  # the io worker has no pictures

    _imaging.set_block_size(_PICTURE_BLOCK)


def resident_bytes() -> int:
    """Return how many bytes of memory this process holds now; 0 where the system does not say."""
    try:
        pages = int(_STATUS.read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def give_back() -> None:
    """Give the system what the heaps no longer use: about 20 MiB after models were loaded and compiled."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
