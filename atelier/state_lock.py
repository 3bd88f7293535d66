"""A state folder belongs to one `atelier up` at a time, and to its processes until the last has ended."""

import errno
import fcntl
import os
import time
from pathlib import Path

from shared.errors import AtelierError

LOCK_FILE = "up.lock"
PATIENCE_SECONDS = 3.0  # with the processes of one that was just killed


class StateFolderBusy(AtelierError):
    """Raised when another `atelier up` works in the state folder."""

    code = "state_folder_busy"
    title = "The state folder is in use"


class StateLock:
    """Holds a state folder. The descriptor is handed to children, so that the lock lasts as long as they."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / LOCK_FILE
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> None:
        """Take the folder, or raise StateFolderBusy with the process that has it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._try():
            if time.monotonic() > deadline:
                raise StateFolderBusy(self._busy())
            time.sleep(0.1)
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, str(os.getpid()).encode(), 0)

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            return False
        return True

    def _busy(self) -> str:
        holder = os.pread(self.descriptor, 32, 0).decode("ascii", "replace") or "unknown"
        return (
            f"another `atelier up` (process {holder}) uses {self._path.parent}; "
            "stop it, or choose another folder with --state-dir"
        )
