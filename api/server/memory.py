"""How this process takes memory from the system, and gives it back."""

import ctypes
import os

_LARGE = 1024 * 1024  # bytes
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_CHOSEN = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")  # variables by which an operator may choose


def give_back_large_blocks() -> None:
    """Have what is large returned to the system once it is free, where the C library is glibc.

    By default, after one large body was freed, later ones come from the heap, which keeps their room for as
    long as anything small behind it is in use: 165 MiB instead of 110 after hostile requests.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None and not any(name in os.environ for name in _CHOSEN):
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _LARGE)
