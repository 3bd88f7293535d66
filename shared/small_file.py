"""Reads small files that users provide, with a size limit, and only regular files that cannot block."""

import errno
import os
import stat
from pathlib import Path

MOST_BYTES = 1024 * 1024


def read_small(path: Path) -> bytes:
    """Return the bytes of a file of at most 1 MiB.

    Raises OSError with the reason in `strerror`, also if the path is not a regular file or is too large.
    """
    # Without O_NONBLOCK, opening a pipe would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "It is not a regular file", str(path))
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"It is larger than {MOST_BYTES} bytes", str(path))
    return data
